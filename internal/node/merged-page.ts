// One page of keys from the pages of all groups.

import { compareBytes } from "../base/bytes.ts";
import { millisecondsOfStamp, neverExpires } from "../base/stamp.ts";
import type { ScannedRecord } from "../replica/scan.ts";
import type { ListedPage } from "./group-service.ts";
import type { ListAnswer, ListedRecord } from "./requests.ts";
import { contentOf } from "./stored.ts";

/** The pages of all groups in one order; it ends where a group may have more that was not looked at. */
export function mergedPage(pages: readonly ListedPage[], limit: number): Pick<ListAnswer, "records" | "cursor"> {
  let horizon: Uint8Array | undefined;
  for (const { hasMore, end } of pages) {
    if (hasMore && end !== undefined && (horizon === undefined || compareBytes(end, horizon) < 0)) horizon = end;
  }
  const all = pages.flatMap(({ records }) => records).sort((left, right) => compareBytes(left.key, right.key));
  const end = horizon;
  const known = end === undefined ? all : all.filter(({ key }) => compareBytes(key, end) <= 0);
  const kept = known.slice(0, limit);
  const isCut = kept.length < known.length;
  const cursor = isCut ? kept.at(-1)?.key : end;
  return { records: kept.map(listed), cursor };
}

function listed({ key, version, expiry, payload }: ScannedRecord): ListedRecord {
  const content = payload && contentOf(payload);
  const expiresAt = expiry === neverExpires ? undefined : millisecondsOfStamp(expiry);
  return { key, version, expiresAt, contentType: content?.contentType ?? "", value: content?.value };
}
