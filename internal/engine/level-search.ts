// Finds the table of a sorted level that may hold a key. Every lookup does so once a level, so it does
// not go through the objects of the tables: behind what all bounds of the level begin with, the first bytes
// of each bound stand as numbers in a typed array.
//
//   tables    [ab.kp]  [ks.mz]  [na.pe]
//   largest     kp       mz       pe         searched for the first at or above the key

import { compareRanges, sharedPrefixLength } from "../base/bytes.ts";
import type { LookupKey } from "./lookup-key.ts";
import { headOf } from "./table/key-head.ts";
import type { TableMeta } from "./table-meta.ts";

export class LevelSearch {
  private readonly tables: readonly TableMeta[];
  /** What all keys between the level's bounds begin with. */
  private readonly prefix: Uint8Array;
  private readonly largestHeads: Uint32Array;

  /** REQUIRES: the tables are sorted and do not overlap, as in a version. */
  constructor(tables: readonly TableMeta[]) {
    this.tables = tables;
    this.prefix = prefixOf(tables);
    const { length } = this.prefix;
    this.largestHeads = Uint32Array.from(tables, ({ largest }) => headOf(largest, length, largest.length));
  }

  /** The only table of the level that can hold the key; undefined when none can. */
  find(key: LookupKey): TableMeta | undefined {
    const { prefix, largestHeads } = this;
    const { bytes, length } = key;
    if (length < prefix.length) return undefined;
    for (let at = 0; at < prefix.length; at++) if (bytes[at] !== prefix[at]) return undefined;
    const head = headOf(bytes, prefix.length, length);
    // Tables [0, low) end before the key, [high, ...) do not.
    let low = 0;
    let high = largestHeads.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = largestHeads[middle] as number;
      if (other < head || (other === head && this.endsBefore(middle, key))) low = middle + 1;
      else high = middle;
    }
    const table = this.tables[low];
    return table !== undefined && beginsAtOrBefore(table, key) ? table : undefined;
  }

  private endsBefore(at: number, key: LookupKey): boolean {
    const { largest } = this.tables[at] as TableMeta;
    return compareRanges(largest, 0, largest.length, key.bytes, 0, key.length) < 0;
  }
}

/** Whether the key lies within the table's bounds. */
export function holdsInRange(table: TableMeta, key: LookupKey): boolean {
  const { largest } = table;
  return beginsAtOrBefore(table, key) && compareRanges(largest, 0, largest.length, key.bytes, 0, key.length) >= 0;
}

function beginsAtOrBefore({ smallest }: TableMeta, key: LookupKey): boolean {
  return compareRanges(smallest, 0, smallest.length, key.bytes, 0, key.length) <= 0;
}

function prefixOf(tables: readonly TableMeta[]): Uint8Array {
  const first = tables[0];
  const last = tables.at(-1);
  if (first === undefined || last === undefined) return new Uint8Array(0);
  return first.smallest.subarray(0, sharedPrefixLength(first.smallest, last.largest));
}
