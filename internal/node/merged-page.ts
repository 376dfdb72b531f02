// One page of keys from the pages of all groups. Each group's page is bounded in count and bytes, and so is the merged one: what of
// theirs is beyond, the next page begins with.

import { compareBytes } from "../base/bytes.ts";
import { millisecondsOfStamp, neverExpires } from "../base/stamp.ts";
import type { ScannedPage, ScannedRecord } from "../replica/scan.ts";
import { pageBytesMax } from "./pages.ts";
import type { ListAnswer, ListedRecord, ListRequest } from "./requests.ts";
import { contentOf } from "./stored.ts";

type Asked = Pick<ListRequest, "limit" | "withValues">;

/** The pages of all groups in one order; it ends where a group may have more that was not looked at. */
export function mergedPage(
  pages: readonly ScannedPage[],
  { limit, withValues }: Asked,
): Pick<ListAnswer, "records" | "cursor"> {
  let horizon: Uint8Array | undefined;
  for (const { hasMore, end } of pages) {
    if (hasMore && end !== undefined && (horizon === undefined || compareBytes(end, horizon) < 0)) horizon = end;
  }
  const all = pages.flatMap(({ records }) => records).sort((left, right) => compareBytes(left.key, right.key));
  const end = horizon;
  const known = end === undefined ? all : all.filter(({ key }) => compareBytes(key, end) <= 0);
  const kept = known.slice(0, Math.min(limit, countWithin(known)));
  const isCut = kept.length < known.length;
  const cursor = isCut ? kept.at(-1)?.key : end;
  return { records: kept.map((record) => listed(record, withValues)), cursor };
}

/** How many of the first ones are within the bound in bytes: one at least. */
function countWithin(records: readonly ScannedRecord[]): number {
  let bytes = 0;
  for (const [at, { key, payload }] of records.entries()) {
    bytes += key.length + (payload?.length ?? 0);
    if (bytes > pageBytesMax) return Math.max(1, at);
  }
  return records.length;
}

function listed({ key, version, expiry, payload }: ScannedRecord, withValues: boolean): ListedRecord {
  const content = payload && contentOf(payload);
  const expiresAt = expiry === neverExpires ? undefined : millisecondsOfStamp(expiry);
  return {
    key,
    version,
    expiresAt,
    contentType: content?.contentType ?? "",
    value: withValues ? content?.value : undefined,
  };
}
