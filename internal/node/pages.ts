// Pages of keys of one replica: of what it has applied, or of all that was answered strongly before.
//
// Rule 5: a strong page leaves out what has expired by the log alone. What has at the leader's time, and not by the log yet, is read,
// which waits until the log says so; then the page is made anew. So nobody sees a record gone and then back.

import { isExpired } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Replica } from "../replica/replica.ts";
import type { ScannedPage, ScanRange } from "../replica/scan.ts";
import type { GroupList } from "./group-service.ts";
import { headOf } from "./stored.ts";

export type StrongPage =
  | { readonly kind: "page"; readonly page: ScannedPage }
  | { readonly kind: "refused"; readonly why: string }
  /** Too much expires just now. */
  | { readonly kind: "behind" };

/** One page holds so many bytes of keys and values at most, and one record at least. */
export const pageBytesMax = 1024 * 1024;
/** What is about to expire holds up a page so often at most. */
const roundsMax = 8;
const noKey = Uint8Array.of(0);

export function fastPage(replica: Replica, asked: GroupList): Promise<ScannedPage> {
  return replica.scan(rangeOf(asked, undefined));
}

export async function strongPage(replica: Replica, asked: GroupList): Promise<StrongPage> {
  let key = asked.prefix.length === 0 ? noKey : asked.prefix.subarray(0, 1);
  for (let rounds = roundsMax; rounds > 0; rounds--) {
    const barrier = await replica.readStrong(key);
    if (barrier.kind === "refused") return barrier;
    const page = await replica.scan(rangeOf(asked, replica.state.last.stamp));
    const undecided = page.records.find(({ expiry }) => isExpired(expiry, barrier.time));
    if (undecided === undefined) return { kind: "page", page };
    key = undecided.key;
  }
  return { kind: "behind" };
}

function rangeOf(
  { prefix, after, limit, withValues }: GroupList,
  now: Stamp | undefined,
): Omit<ScanRange, "now"> & { readonly now: Stamp | undefined } {
  // Without values the content types are there all the same.
  const partOf = withValues ? undefined : headOf;
  return { prefix, after, limit, withValues: true, partOf, bytesMax: pageBytesMax, now };
}
