// Finds one key in the tables of a version. Newer data lies nearer: level 0 newest first, then each
// sorted level, where at most one table can hold the key. The first entry found is the answer.

import type { EntrySlot, EntryView } from "./cursor.ts";
import { holdsInRange, LevelSearch } from "./level-search.ts";
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

/** Looks keys up in one version. Made anew with each version, which is far rarer than a lookup. */
export class PointReader {
  readonly version: Version;
  private readonly tables: TableCache;
  private readonly newest: readonly TableMeta[];
  /** The sorted levels that have tables, from the top down. */
  private readonly levels: readonly LevelSearch[];

  constructor(tables: TableCache, version: Version) {
    this.tables = tables;
    this.version = version;
    const [newest = [], ...sorted] = version.levels;
    this.newest = newest;
    this.levels = sorted.filter((level) => level.length > 0).map((level) => new LevelSearch(level));
  }

  /**
   * Looks without waiting. A found entry lies in the block cache: it is to be copied before anything else
   * is read. "need_io": findLoaded answers.
   */
  findNow(lookup: Lookup): FindOutcome {
    const { newest, levels } = this;
    for (let at = 0; at < newest.length; at++) {
      const table = newest[at] as TableMeta;
      if (!holdsInRange(table, lookup.key)) continue;
      const outcome = this.findInTable(table, lookup);
      if (outcome !== "absent") return outcome;
    }
    for (let at = 0; at < levels.length; at++) {
      const table = (levels[at] as LevelSearch).find(lookup.key);
      if (table === undefined) continue;
      const outcome = this.findInTable(table, lookup);
      if (outcome !== "absent") return outcome;
    }
    return "absent";
  }

  /**
   * As findNow, loading what is missing; answers what `take` makes of the entry. It is called at once when the
   * entry is found: a moment later another lookup may have the frame that the entry lies in. REQUIRES: the
   * version is pinned, and the key is the caller's own.
   */
  async findLoaded<T>(lookup: Lookup, take: (entry: EntryView) => T): Promise<T | undefined> {
    for (const table of this.candidates(lookup.key)) {
      const reader = await this.tables.acquire(table);
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

  private findInTable(table: TableMeta, lookup: Lookup): FindOutcome {
    const reader = this.tables.peek(table);
    return reader === undefined ? "need_io" : reader.find(lookup.key, lookup.limit, lookup.into);
  }

  private candidates(key: LookupKey): TableMeta[] {
    const candidates = this.newest.filter((table) => holdsInRange(table, key));
    for (const level of this.levels) {
      const table = level.find(key);
      if (table !== undefined) candidates.push(table);
    }
    return candidates;
  }
}
