// Pages of keys of one replica: of what it has applied, and a leader has answered fast, or of all that was answered strongly before.
//
// Rule 5: a strong page leaves out what has expired by the log alone. What has at the leader's time, and not by the log yet, is read,
// which waits until the log says so; then the page is made anew. So nobody sees a record gone and then back.

import { isExpired } from "../base/stamp.ts";
import type { Replica } from "../replica/replica.ts";
import type { ScanRange } from "../replica/scan.ts";
import type { GroupList, ListedPage } from "./group-service.ts";
import { headOf } from "./stored.ts";
import { missingFor } from "./told.ts";

export type GroupPage =
  | { readonly kind: "page"; readonly page: ListedPage }
  | { readonly kind: "refused"; readonly why: string }
  /** What the asker's node has told is not here; or too much expires just now. */
  | { readonly kind: "behind" };

/** One page holds so many bytes of keys and values at most, and one record at least. */
export const pageBytesMax = 1024 * 1024;
/** What is about to expire holds up a page so often at most. */
const roundsMax = 8;
const noKey = Uint8Array.of(0);

export async function fastPage(replica: Replica, asked: GroupList): Promise<GroupPage> {
  const range = rangeOf(asked);
  const missing = asked.told && missingFor(replica, asked.told);
  if (missing === undefined) return { kind: "page", page: await replica.scanFast(range) };
  const read = await replica.scanInSession(range, missing);
  if (read.kind === "behind") return read;
  // What was answered fast and lost is nowhere to be waited for.
  return { kind: "page", page: read.kind === "read" ? read.found : await replica.scanFast(range) };
}

export async function strongPage(replica: Replica, asked: GroupList): Promise<GroupPage> {
  let key = asked.prefix.length === 0 ? noKey : asked.prefix.subarray(0, 1);
  for (let rounds = roundsMax; rounds > 0; rounds--) {
    const barrier = await replica.readStrong(key);
    if (barrier.kind === "refused") return barrier;
    const page = await replica.scan({ ...rangeOf(asked), now: replica.applied.stamp });
    const undecided = page.records.find(({ expiry }) => isExpired(expiry, barrier.time));
    if (undecided === undefined) return { kind: "page", page: { ...page, applied: replica.applied, ahead: undefined } };
    key = undecided.key;
  }
  return { kind: "behind" };
}

function rangeOf({ prefix, after, limit, bytesMax, withValues }: GroupList): Omit<ScanRange, "now"> {
  // Without values the content types are there all the same.
  const partOf = withValues ? undefined : headOf;
  return { prefix, after, limit, withValues: true, partOf, bytesMax };
}
