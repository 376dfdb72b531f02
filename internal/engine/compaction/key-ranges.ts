// Which tables meet which range of keys.

import { compareBytes } from "../../base/bytes.ts";
import { readU32BigEndian } from "../../base/codec.ts";
import { incarnation } from "../../base/ids.ts";
import type { Incarnation } from "../../base/ids.ts";
import type { KeyRange, TableMeta } from "../table-meta.ts";

export function overlap(a: KeyRange, b: KeyRange): boolean {
  return compareBytes(a.smallest, b.largest) <= 0 && compareBytes(b.smallest, a.largest) <= 0;
}

export function overlapping(tables: readonly TableMeta[], range: KeyRange): TableMeta[] {
  return tables.filter((table) => overlap(table, range));
}

/** `overlapping`, of tables that are sorted and do not overlap one another. */
export function overlappingSorted(tables: readonly TableMeta[], range: KeyRange): readonly TableMeta[] {
  const from = firstReaching(tables, range.smallest);
  let to = from;
  while (to < tables.length && compareBytes((tables[to] as TableMeta).smallest, range.largest) <= 0) to++;
  return tables.slice(from, to);
}

export function someOverlapSorted(tables: readonly TableMeta[], range: KeyRange): boolean {
  const table = tables[firstReaching(tables, range.smallest)];
  return table !== undefined && compareBytes(table.smallest, range.largest) <= 0;
}

/** The first of sorted tables that ends at or behind the key. */
function firstReaching(tables: readonly TableMeta[], key: Uint8Array): number {
  let low = 0;
  let high = tables.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareBytes((tables[middle] as TableMeta).largest, key) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The range that spans all of these. REQUIRES: at least one. */
export function spanOf(ranges: readonly KeyRange[]): KeyRange {
  const [first, ...rest] = ranges as readonly [KeyRange, ...KeyRange[]];
  let { smallest, largest } = first;
  for (const range of rest) {
    if (compareBytes(range.smallest, smallest) < 0) ({ smallest } = range);
    if (compareBytes(range.largest, largest) > 0) ({ largest } = range);
  }
  return { smallest, largest };
}

/** These tables and all that are tied to them by overlapping one another. */
export function connected(tables: readonly TableMeta[], start: TableMeta): TableMeta[] {
  let range: KeyRange = start;
  let count = 0;
  for (;;) {
    const members = overlapping(tables, range);
    if (members.length === count) return members;
    count = members.length;
    range = spanOf(members);
  }
}

export function firstIncarnation(range: KeyRange): Incarnation {
  return incarnation(readU32BigEndian(range.smallest, 0));
}

export function lastIncarnation(range: KeyRange): Incarnation {
  return incarnation(readU32BigEndian(range.largest, 0));
}
