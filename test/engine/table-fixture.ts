// Tables for tests, on a disk in memory.

import { utf8 } from "../../internal/base/bytes.ts";
import { hashBytes } from "../../internal/base/hash.ts";
import { fileNumber, logIndex, term } from "../../internal/base/ids.ts";
import { engineKeyBytesMax } from "../../internal/base/limits.ts";
import { neverExpires, stamp } from "../../internal/base/stamp.ts";
import { cellHeaderBytesMax, writeCellHeader } from "../../internal/engine/cell.ts";
import type { DecodedCell } from "../../internal/engine/cell.ts";
import type { Cursor, EntryView } from "../../internal/engine/cursor.ts";
import { LookupKey } from "../../internal/engine/lookup-key.ts";
import { tablePath } from "../../internal/engine/file-names.ts";
import type { TableMeta } from "../../internal/engine/table-meta.ts";
import { ReadBudget } from "../../internal/engine/table/read-budget.ts";
import { TableBuilder } from "../../internal/engine/table/table-builder.ts";
import { inspectTable } from "../../internal/engine/table/table-inspector.ts";
import type { InspectedEntry, TableFinding } from "../../internal/engine/table/table-inspector.ts";
import { TableMemory } from "../../internal/engine/table/table-memory.ts";
import { openTable } from "../../internal/engine/table/table-reader.ts";
import { TableScan } from "../../internal/engine/table/table-scan.ts";
import type { TableReader } from "../../internal/engine/table/table-reader.ts";
import type { Disk } from "../../internal/platform/disk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { compareEntries } from "./array-cursor.ts";
import type { Entry } from "./array-cursor.ts";

export const tableFolder = "/tables";

export interface BuildOptions {
  readonly number?: number;
  readonly blockBytes?: number;
  readonly bloomBitsPerKey?: number;
}

export interface CellParts {
  readonly payload?: Uint8Array;
  readonly tombstone?: boolean;
  readonly stamp?: number;
  readonly expiry?: number;
  readonly term?: number;
  readonly index?: number;
}

export function makeCell(parts: CellParts = {}): Uint8Array {
  const payload = parts.payload ?? new Uint8Array(0);
  const bytes = new Uint8Array(cellHeaderBytesMax + payload.length);
  const at = writeCellHeader(bytes, 0, {
    tombstone: parts.tombstone ?? false,
    stamp: stamp(parts.stamp ?? 1_700_000_000_000 * 1024),
    expiry: parts.expiry === undefined ? neverExpires : stamp(parts.expiry),
    term: term(parts.term ?? 1),
    index: logIndex(parts.index ?? 1),
  });
  bytes.set(payload, at);
  return bytes.slice(0, at + payload.length);
}

export function viewOf(entry: Entry): EntryView {
  return {
    keyBytes: entry.key,
    keyStart: 0,
    keyEnd: entry.key.length,
    cellBytes: entry.cell,
    cellStart: 0,
    cellEnd: entry.cell.length,
    sequence: entry.sequence,
  };
}

export function copyEntry(view: EntryView): Entry {
  return {
    key: view.keyBytes.slice(view.keyStart, view.keyEnd),
    sequence: view.sequence,
    cell: view.cellBytes.slice(view.cellStart, view.cellEnd),
  };
}

/** Sorted entries with plain keys: key-00000, key-00001, ... */
export function plainEntries(count: number, cellBytes = 40): Entry[] {
  return Array.from({ length: count }, (_, at) => ({
    key: utf8(`\0\0\0\u0007key-${String(at).padStart(5, "0")}`),
    sequence: count - at,
    cell: makeCell({ index: at + 1, payload: new Uint8Array(cellBytes).fill(at) }),
  }));
}

export async function makeDisk(disk = new MemoryDisk()): Promise<MemoryDisk> {
  await disk.makeFolder(tableFolder);
  return disk;
}

/** Builds the entries, sorted, into the folder's table of that number. */
export function buildTable(disk: Disk, entries: readonly Entry[], options: BuildOptions = {}): TableMeta {
  const number = fileNumber(options.number ?? 1);
  const file = disk.jobs.createFile(tablePath(tableFolder, number));
  const { blockBytes = 4096, bloomBitsPerKey = 10 } = options;
  const builder = new TableBuilder(file, { number, blockBytes, bloomBitsPerKey });
  for (const entry of entries.toSorted(compareEntries)) builder.add(viewOf(entry));
  const meta = builder.finish();
  file.close();
  return meta;
}

export class FixedClock {
  milliseconds = 0;
  wallMilliseconds(): number {
    return this.milliseconds;
  }
  monotonicMilliseconds(): number {
    return this.milliseconds;
  }
}

/** A scheduler whose turns end when a test says so. */
export class HeldTurns {
  private actions: (() => void)[] = [];

  get waiting(): number {
    return this.actions.length;
  }

  afterTurn(action: () => void): void {
    this.actions.push(action);
  }

  end(): void {
    const { actions } = this;
    this.actions = [];
    for (const action of actions) action();
  }
}

export interface MemoryOptions {
  readonly blockCacheBytes?: number;
  readonly blockBytes?: number;
  readonly readsNow?: number;
  readonly turns?: HeldTurns;
}

export function makeMemory(options: MemoryOptions = {}): TableMemory {
  const { blockCacheBytes = 64 * 1024, blockBytes = 4096, readsNow = 1_000_000, turns = new HeldTurns() } = options;
  return new TableMemory({ blockCacheBytes, blockBytes }, new ReadBudget(readsNow, new FixedClock(), turns));
}

export function openBuilt(disk: Disk, meta: TableMeta, memory = makeMemory()): Promise<TableReader> {
  return openTable(disk, tablePath(tableFolder, meta.number), meta, memory);
}

/** A lookup key of engine key bytes as they are, whatever their length. */
export function lookupOf(engineKey: Uint8Array): LookupKey {
  const key = new LookupKey();
  key.bytes.set(engineKey.subarray(0, engineKeyBytesMax));
  key.length = engineKey.length;
  key.hash = hashBytes(engineKey, 0, engineKey.length);
  return key;
}

/** The file's bytes. */
export function fileOf(disk: Disk, number = 1): Uint8Array {
  const file = disk.jobs.openFile(tablePath(tableFolder, fileNumber(number)));
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0);
  file.close();
  return bytes;
}

/** A disk that holds this as a table's file. */
export async function diskWith(bytes: Uint8Array, number = 1): Promise<MemoryDisk> {
  const disk = await makeDisk();
  const file = disk.jobs.createFile(tablePath(tableFolder, fileNumber(number)));
  file.write(bytes, 0);
  file.close();
  return disk;
}

/** All entries of a table, by a scan. */
export function scanTable(disk: Disk, meta: TableMeta): Entry[] {
  const file = disk.jobs.openFile(tablePath(tableFolder, meta.number));
  try {
    const scan = new TableScan(file, meta);
    const entries: Entry[] = [];
    for (scan.seekToFirst(); scan.valid; scan.next()) entries.push(copyEntry(scan));
    scan.close();
    return entries;
  } finally {
    file.close();
  }
}

export interface Inspection {
  readonly findings: readonly TableFinding[];
  readonly entries: readonly Entry[];
  readonly entryFindings: readonly InspectedEntry[];
  readonly damage: readonly string[];
}

/** What the inspector finds; entries with the cells that their findings decode to, encoded anew. */
export function inspect(disk: Disk, meta: Pick<TableMeta, "number">): Inspection {
  const file = disk.jobs.openFile(tablePath(tableFolder, meta.number));
  try {
    const findings = [...inspectTable(file)];
    const entryFindings = findings.filter((finding) => finding.kind === "entry");
    return {
      findings,
      entryFindings,
      entries: entryFindings.map(({ key, sequence, cell }) => ({ key, sequence, cell: encodeCell(cell) })),
      damage: findings.filter((finding) => finding.kind === "damage").map((finding) => finding.detail),
    };
  } finally {
    file.close();
  }
}

function encodeCell(cell: DecodedCell): Uint8Array {
  const bytes = new Uint8Array(cellHeaderBytesMax + cell.payload.length);
  const at = writeCellHeader(bytes, 0, cell);
  bytes.set(cell.payload, at);
  return bytes.slice(0, at + cell.payload.length);
}

export async function settled(cursor: Cursor): Promise<Cursor> {
  while (cursor.needsLoad) await cursor.load();
  return cursor;
}
