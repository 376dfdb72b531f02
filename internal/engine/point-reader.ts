// Finds one key in the tables of a version. Newer data lies nearer: level 0 newest first, then each
// sorted level, where at most one table can hold the key. The first entry found is the answer.

import { compareRanges } from "../base/bytes.ts";
import type { EntrySlot, EntryView } from "./cursor.ts";
import { firstTableReaching } from "./level-cursor.ts";
import type { LookupKey } from "./lookup-key.ts";
import type { TableMeta } from "./table-meta.ts";
import type { TableCache } from "./table/table-cache.ts";
import type { FindOutcome } from "./table/table-reader.ts";
import type { Version } from "./version/version.ts";

/** What is looked for, and where the answer goes. */
export interface Lookup {
  readonly key: LookupKey;
  readonly limit: number;
  readonly into: EntrySlot;
}

/**
 * Looks without waiting. A found entry lies in the block cache: it is to be copied before anything else
 * is read. "need_io": findLoaded answers.
 */
export function findNow(tables: TableCache, version: Version, lookup: Lookup): FindOutcome {
  const { levels } = version;
  for (let level = 0; level < levels.length; level++) {
    const members = levels[level] as readonly TableMeta[];
    if (members.length === 0) continue;
    if (level === 0) {
      for (const table of members) {
        if (!holdsInRange(table, lookup.key)) continue;
        const outcome = findInTable(tables, table, lookup);
        if (outcome !== "absent") return outcome;
      }
      continue;
    }
    const table = members[firstTableReaching(members, lookup.key.bytes, lookup.key.length)];
    if (table === undefined || !beginsAtOrBefore(table, lookup.key)) continue;
    const outcome = findInTable(tables, table, lookup);
    if (outcome !== "absent") return outcome;
  }
  return "absent";
}

/**
 * As findNow, loading what is missing; answers what `take` makes of the entry. It is called at once when the
 * entry is found: a moment later another lookup may have the frame that the entry lies in. REQUIRES: the
 * version is pinned, and the key is the caller's own.
 */
export async function findLoaded<T>(
  tables: TableCache,
  version: Version,
  lookup: Lookup,
  take: (entry: EntryView) => T,
): Promise<T | undefined> {
  for (const table of candidates(version, lookup.key)) {
    const reader = await tables.acquire(table);
    try {
      for (;;) {
        const outcome = reader.find(lookup.key, lookup.limit, lookup.into);
        if (outcome === "found") return take(lookup.into);
        if (outcome === "absent") break;
        await reader.load(lookup.key, lookup.limit);
      }
    } finally {
      reader.release();
    }
  }
  return undefined;
}

function findInTable(tables: TableCache, table: TableMeta, lookup: Lookup): FindOutcome {
  const reader = tables.acquireNow(table);
  if (reader === undefined) return "need_io";
  const outcome = reader.find(lookup.key, lookup.limit, lookup.into);
  reader.release();
  return outcome;
}

function candidates(version: Version, key: LookupKey): TableMeta[] {
  return version.levels.flatMap((tables, level) => {
    if (level === 0) return tables.filter((table) => holdsInRange(table, key));
    const table = tables[firstTableReaching(tables, key.bytes, key.length)];
    return table !== undefined && beginsAtOrBefore(table, key) ? [table] : [];
  });
}

function holdsInRange(table: TableMeta, key: LookupKey): boolean {
  const { largest } = table;
  return beginsAtOrBefore(table, key) && compareRanges(largest, 0, largest.length, key.bytes, 0, key.length) >= 0;
}

/** Of the first table that reaches the key, this decides whether it may hold it. */
function beginsAtOrBefore({ smallest }: TableMeta, key: LookupKey): boolean {
  return compareRanges(smallest, 0, smallest.length, key.bytes, 0, key.length) <= 0;
}
