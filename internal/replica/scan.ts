// A page of a replica's records, in the order of their keys: what is applied here, tombstones and the expired left out. It ends after
// so many records or so many bytes, whichever is first, and says where. What it passes over costs time, and others get their turns.

import { compareBytes, prefixSuccessor } from "../base/bytes.ts";
import { neverExpires } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Incarnation } from "../base/ids.ts";
import { decodeCell } from "../engine/cell.ts";
import type { Version } from "../engine/cell.ts";
import type { Engine } from "../engine/engine.ts";
import { corruption } from "../base/errors.ts";
import { compareVersions } from "./answer.ts";
import { keyName } from "./decide.ts";
import { compareToName, keyOf } from "./overlay.ts";
import type { OverlaidPage, OverlaidRecord } from "./overlay.ts";
import { areaBytes, userArea, userRecordKey } from "./areas.ts";

export interface ScanRange {
  readonly prefix: Uint8Array;
  /** Only keys behind this one. */
  readonly after: Uint8Array | undefined;
  readonly limit: number;
  readonly bytesMax: number;
  readonly withValues: boolean;
  /** What of a payload is in the page; all of it when left out. */
  readonly partOf?: ((payload: Uint8Array) => Uint8Array) | undefined;
  /** What has expired by then is left out. */
  readonly now: Stamp;
}

export interface ScannedRecord {
  readonly key: Uint8Array;
  readonly version: Version;
  readonly expiry: Stamp;
  /** Content type and value; undefined when values were not asked for. */
  readonly payload: Uint8Array | undefined;
}

export interface ScannedPage {
  readonly records: readonly ScannedRecord[];
  readonly hasMore: boolean;
  /** Up to where the page tells of all keys, when there is more. */
  readonly end: Uint8Array | undefined;
}

export interface FastPage extends ScannedPage {
  /** The last entry that was applied, and ahead of that the last one that it may show something of. */
  readonly applied: Version;
  readonly ahead: Version | undefined;
}

/** Bytes of a record beside its key and value, for the bound of a page. */
const overheadBytes = 64;

export async function scanRecords(engine: Engine, of: Incarnation, range: ScanRange): Promise<ScannedPage> {
  const { prefix, after, limit, bytesMax, withValues, partOf, now } = range;
  const walk = engine.iterate(of, {
    lower: userRecordKey(lowerOf(prefix, after)),
    upper: prefixSuccessor(userRecordKey(prefix)) ?? Uint8Array.of(userArea + 1),
    now,
  });
  const records: ScannedRecord[] = [];
  let bytes = 0;
  try {
    while (await walk.nextLoaded()) {
      if (records.length >= limit || bytes >= bytesMax) return { records, hasMore: true, end: records.at(-1)?.key };
      const { cellBytes, cellStart, cellEnd } = walk.entry;
      const cell = decodeCell(cellBytes, cellStart, cellEnd);
      if (cell === undefined) throw corruption("a record in a page of keys cannot be read");
      const part = withValues ? (partOf?.(cell.payload) ?? cell.payload) : undefined;
      const wait = engine.walkTurns.take(overheadBytes + (part?.length ?? 0));
      if (wait !== undefined) await wait;
      const key = walk.key().slice(areaBytes);
      const payload = part?.slice();
      const { term, index, expiry } = cell;
      records.push({ key, version: { term, index }, expiry: expiry ?? neverExpires, payload });
      bytes += bytesOf(records.at(-1) as ScannedRecord);
    }
  } finally {
    walk.close();
  }
  return { records, hasMore: false, end: undefined };
}

const bytesOf = ({ key, payload }: ScannedRecord): number => key.length + overheadBytes + (payload?.length ?? 0);

/**
 * A page with what lies ahead of what is applied, in the order of its keys; of a key that both have, the newer counts. Only what it shows
 * is made into records, however much lies ahead.
 */
export function withAhead(page: ScannedPage, ahead: OverlaidPage, range: ScanRange): ScannedPage {
  if (ahead.alive.length === 0 && ahead.gone.size === 0) return page;
  const records: ScannedRecord[] = [];
  let bytes = 0;
  for (const record of merged(page, ahead, range)) {
    if (records.length >= range.limit || bytes >= range.bytesMax) {
      return { records, hasMore: true, end: records.at(-1)?.key };
    }
    records.push(record);
    bytes += bytesOf(record);
  }
  return { ...page, records };
}

function* merged({ records, end }: ScannedPage, ahead: OverlaidPage, range: ScanRange): Generator<ScannedRecord> {
  let at = 0;
  for (const over of ahead.alive) {
    if (end !== undefined && compareToName(end, over.name) < 0) break;
    let under = records[at];
    for (; under !== undefined && compareToName(under.key, over.name) < 0; under = records[++at]) {
      if (!isHidden(under, ahead)) yield under;
    }
    const both = under !== undefined && compareToName(under.key, over.name) === 0 ? under : undefined;
    if (both !== undefined) at++;
    yield both !== undefined && compareVersions(both.version, over.record) >= 0 ? both : scanned(over, range);
  }
  for (; at < records.length; at++) {
    const under = records[at] as ScannedRecord;
    if (!isHidden(under, ahead)) yield under;
  }
}

function isHidden({ key, version }: ScannedRecord, { gone }: OverlaidPage): boolean {
  const over = gone.size === 0 ? undefined : gone.get(keyName(key));
  return over !== undefined && compareVersions(version, over) < 0;
}

function scanned({ name, record }: OverlaidRecord, { withValues, partOf }: ScanRange): ScannedRecord {
  const { term, index, expiry } = record;
  const payload = withValues ? (partOf?.(record.payload) ?? record.payload).slice() : undefined;
  return { key: keyOf(name), version: { term, index }, expiry, payload };
}

/** The first key that may be in a page: the one behind `after` ends in a zero byte. A cursor may come from before the prefix. */
function lowerOf(prefix: Uint8Array, after: Uint8Array | undefined): Uint8Array {
  if (after === undefined) return prefix;
  const next = new Uint8Array(after.length + 1);
  next.set(after);
  return compareBytes(next, prefix) < 0 ? prefix : next;
}
