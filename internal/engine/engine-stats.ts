// What an operator may want to know of an engine. Plain numbers, read when asked for.

import type { CompactionStats, Compactor } from "./compactor.ts";
import type { EngineCore } from "./core.ts";
import type { FlushStats } from "./flusher.ts";
import type { BlockCacheStats } from "./table/block-cache.ts";
import type { TableCacheStats } from "./table/table-cache.ts";
import type { TableReadStats } from "./table/table-memory.ts";
import type { ManifestStats } from "./version/manifest.ts";
import { bytesOf } from "./version/version.ts";

export interface LevelStats {
  readonly tables: number;
  readonly bytes: number;
  readonly entries: number;
  /** Above 1 a merge is due. */
  readonly score: number;
}

export interface EngineStats {
  readonly levels: readonly LevelStats[];
  readonly tables: number;
  readonly tableBytes: number;
  readonly entries: number;
  readonly memtableBytes: number;
  readonly memtablesSealed: number;
  readonly lastSequence: number;
  readonly snapshots: number;
  readonly iterators: number;
  /** Tables that no version has any more and some reader still holds. */
  readonly tablesObsolete: number;
  readonly openTables: number;
  readonly tableCacheBytes: number;
  readonly flush: Readonly<FlushStats>;
  readonly compaction: Readonly<CompactionStats>;
  readonly manifest: Readonly<ManifestStats>;
  readonly blockCache: Readonly<BlockCacheStats>;
  readonly reads: Readonly<TableReadStats>;
  readonly tableCache: Readonly<TableCacheStats>;
  readonly trouble: string | undefined;
}

export function statsOf(core: EngineCore, flush: FlushStats, compactor: Compactor): EngineStats {
  const { scores } = compactor;
  const levels = core.versions.current.levels.map((tables, level) => ({
    tables: tables.length,
    bytes: bytesOf(tables),
    entries: tables.reduce((sum, table) => sum + table.entries, 0),
    score: scores[level] ?? 0,
  }));
  const sum = (field: "tables" | "bytes" | "entries") => levels.reduce((total, level) => total + level[field], 0);
  return {
    levels,
    tables: sum("tables"),
    tableBytes: sum("bytes"),
    entries: sum("entries"),
    memtableBytes: core.memtables.bytesUsed,
    memtablesSealed: core.memtables.sealed.length,
    lastSequence: core.lastSequence,
    snapshots: core.snapshots.count,
    iterators: core.readersOpen,
    tablesObsolete: core.versions.obsoleteTables,
    openTables: core.tables.openTables,
    tableCacheBytes: core.tables.bytesInMemory,
    flush: { ...flush },
    compaction: { ...compactor.stats },
    manifest: { ...core.manifestStats },
    blockCache: { ...core.tables.memory.cache.stats },
    reads: { ...core.tables.memory.stats },
    tableCache: { ...core.tables.stats },
    trouble: core.trouble?.error.message,
  };
}
