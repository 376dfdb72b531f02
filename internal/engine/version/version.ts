// Which tables make up the engine, level by level. A version is never edited: a change makes another
// one, and readers keep the one that they began with.
//
//   level 0      newest first; key ranges may overlap
//   level 1..6   by key; key ranges do not overlap, and no user key lies in two tables of one level

import { assert } from "../../base/assert.ts";
import { compareBytes } from "../../base/bytes.ts";
import type { FileNumber } from "../../base/ids.ts";
import type { TableMeta } from "../table-meta.ts";

export const levelCount = 7;
export const deepestLevel = levelCount - 1;

export interface Version {
  readonly levels: readonly (readonly TableMeta[])[];
}

export const emptyVersion: Version = { levels: Array.from({ length: levelCount }, () => []) };

/** The sequence that decides which of two tables of level 0 is newer. */
export function recencyOf(table: TableMeta): number {
  return table.sequenceOverride ?? table.sequenceGreatest;
}

export function bytesOf(tables: readonly TableMeta[]): number {
  let bytes = 0;
  for (const table of tables) bytes += table.bytes;
  return bytes;
}

export interface PlacedTable {
  readonly level: number;
  readonly meta: TableMeta;
}

export interface RemovedTable {
  readonly level: number;
  readonly number: FileNumber;
}

/** The version after some tables were removed and others added. */
export function changeVersion(
  version: Version,
  removed: readonly RemovedTable[],
  added: readonly PlacedTable[],
): Version {
  const levels = version.levels.map((tables, level) => {
    const gone = new Set(removed.filter((entry) => entry.level === level).map((entry) => entry.number));
    const come = added.filter((entry) => entry.level === level).map((entry) => entry.meta);
    if (gone.size === 0 && come.length === 0) return tables;
    const kept = tables.filter((table) => !gone.has(table.number));
    assert(kept.length + gone.size === tables.length, "an edit removes a table that is not in its level", { level });
    const all = [...kept, ...come];
    return level === 0
      ? all.toSorted((a, b) => recencyOf(b) - recencyOf(a) || b.number - a.number)
      : all.toSorted((a, b) => compareBytes(a.smallest, b.smallest));
  });
  return { levels };
}

/** What is wrong with a version, or undefined. Recovery asks it of foreign bytes, tests at every step. */
export function faultOf(version: Version): string | undefined {
  if (version.levels.length !== levelCount) return `${version.levels.length} levels instead of ${levelCount}`;
  const numbers = new Set<FileNumber>();
  for (const [level, tables] of version.levels.entries()) {
    for (const [at, table] of tables.entries()) {
      if (numbers.has(table.number)) return `table ${table.number} stands in it twice`;
      numbers.add(table.number);
      if (compareBytes(table.smallest, table.largest) > 0) return `the key range of table ${table.number} is reversed`;
      const before = tables[at - 1];
      if (before === undefined) continue;
      if (level === 0) {
        if (recencyOf(before) < recencyOf(table)) return `level 0 is not ordered at table ${table.number}`;
      } else if (compareBytes(before.largest, table.smallest) >= 0) {
        return `tables ${before.number} and ${table.number} of level ${level} overlap`;
      }
    }
  }
  return undefined;
}
