// The open tables of an engine. A table is opened when it is first asked for and stays open while somebody
// uses it; of the rest as many stay as the bounds allow, the least used go first.
//
// `acquire` hands out a reader with a handle counted for the caller, who calls `release` of the reader when
// it is done. A deleted table is evicted: nobody gets it any more, and its file is closed with its last handle.

import { assert } from "../../base/assert.ts";
import { TrefoilError } from "../../base/errors.ts";
import type { FileNumber } from "../../base/ids.ts";
import type { Disk } from "../../platform/disk.ts";
import type { Cursor } from "../cursor.ts";
import { tablePath } from "../file-names.ts";
import type { TableMeta } from "../table-meta.ts";
import type { TableMemory } from "./table-memory.ts";
import { openTable } from "./table-reader.ts";
import type { TableReader } from "./table-reader.ts";

export interface TableCacheOptions {
  /** Files that stay open at most, beside those that are in use. */
  readonly openTablesMax: number;
  /** Memory for filters and indexes of open tables, beside those that are in use. */
  readonly tableCacheBytes: number;
}

export interface TableCacheStats {
  opened: number;
  closed: number;
}

export class TableCache {
  readonly stats: TableCacheStats = { opened: 0, closed: 0 };
  readonly memory: TableMemory;
  private readonly disk: Disk;
  private readonly folder: string;
  private readonly options: TableCacheOptions;
  /** Open ones, in the order in which the hand of the clock comes to them. */
  private readonly open = new Map<FileNumber, TableReader>();
  private readonly opening = new Map<FileNumber, Opening>();
  /** Out of the map, and not closed yet. */
  private readonly leaving = new Set<TableReader>();
  private bytes = 0;
  private isClosed = false;

  constructor(disk: Disk, folder: string, options: TableCacheOptions, memory: TableMemory) {
    this.disk = disk;
    this.folder = folder;
    this.options = options;
    this.memory = memory;
  }

  get openTables(): number {
    return this.open.size;
  }

  /** Memory for indexes and filters of open tables. */
  get bytesInMemory(): number {
    return this.bytes;
  }

  /** The reader when the table is open, for a use that is over before anything else can happen: no handle is counted. */
  peek(meta: TableMeta): TableReader | undefined {
    const reader = this.open.get(meta.number);
    if (reader !== undefined) reader.wasUsed = true;
    return reader;
  }

  /** The reader when the table is open. The caller releases it. */
  acquireNow(meta: TableMeta): TableReader | undefined {
    const reader = this.peek(meta);
    reader?.retain();
    return reader;
  }

  /** The reader at once when the table is open, else when it is. The caller releases it. */
  acquire(meta: TableMeta): TableReader | Promise<TableReader> {
    return this.acquireNow(meta) ?? this.acquireOpening(meta);
  }

  cursorNow(meta: TableMeta): Cursor | undefined {
    const reader = this.acquireNow(meta);
    return reader === undefined ? undefined : cursorOf(reader);
  }

  async openCursor(meta: TableMeta): Promise<Cursor> {
    return cursorOf(await this.acquire(meta));
  }

  /**
   * Forgets a table that is going to be deleted. Resolves when its file is closed, which is when the last
   * handle has been released and no read is pending.
   */
  async evict(number: FileNumber): Promise<void> {
    const opening = this.opening.get(number);
    if (opening !== undefined) await opening.reader.catch(() => undefined);
    const reader = this.open.get(number);
    if (reader !== undefined) {
      this.takeOut(reader);
      if (reader.handles === 0) this.closeReader(reader);
    }
    const leaving = [...this.leaving].filter((other) => other.meta.number === number);
    await Promise.all(leaving.map((other) => other.whenClosed));
    this.memory.cache.purge(number);
    this.memory.loose.purge(number);
  }

  /** Closes every file when its pending reads have ended. Handles that are still out can read no more. */
  async close(): Promise<void> {
    this.isClosed = true;
    await Promise.allSettled([...this.opening.values()].map((opening) => opening.reader));
    for (const reader of this.open.values()) this.takeOut(reader);
    for (const reader of this.leaving) this.closeReader(reader);
    await Promise.all([...this.leaving].map((reader) => reader.whenClosed));
  }

  private async acquireOpening(meta: TableMeta): Promise<TableReader> {
    if (this.isClosed) throw new TrefoilError("stopping", `the tables of ${this.folder} are closed`);
    let opening = this.opening.get(meta.number);
    if (opening === undefined) {
      opening = { reader: this.openReader(meta), waiters: 0 };
      this.opening.set(meta.number, opening);
    }
    opening.waiters++;
    return opening.reader;
  }

  /** Everyone who waits for the reader has a handle before anything else can happen to it. */
  private async openReader(meta: TableMeta): Promise<TableReader> {
    let reader: TableReader;
    try {
      reader = await openTable(this.disk, tablePath(this.folder, meta.number), meta, this.memory);
    } catch (failure) {
      this.opening.delete(meta.number);
      throw failure;
    }
    reader.handles = this.opening.get(meta.number)?.waiters ?? 0;
    reader.onIdle = () => this.settleIdle(reader);
    this.opening.delete(meta.number);
    this.open.set(meta.number, reader);
    this.bytes += reader.bytesInMemory;
    this.stats.opened++;
    this.closeExcess();
    return reader;
  }

  private settleIdle(reader: TableReader): void {
    if (this.leaving.has(reader)) this.closeReader(reader);
    else this.closeExcess();
  }

  /** A clock over the open tables: one that was used since the hand came by stays for another round. */
  private closeExcess(): void {
    for (const [number, reader] of this.open) {
      if (this.open.size <= this.options.openTablesMax && this.bytes <= this.options.tableCacheBytes) return;
      if (reader.handles > 0) continue;
      if (reader.wasUsed) {
        reader.wasUsed = false;
        this.open.delete(number);
        this.open.set(number, reader);
      } else {
        this.takeOut(reader);
        this.closeReader(reader);
      }
    }
  }

  private takeOut(reader: TableReader): void {
    assert(this.open.delete(reader.meta.number), "a table left the cache twice", { number: reader.meta.number });
    this.bytes -= reader.bytesInMemory;
    this.leaving.add(reader);
  }

  private closeReader(reader: TableReader): void {
    if (reader.isClosed) return;
    this.stats.closed++;
    void reader.close().finally(() => this.leaving.delete(reader));
  }
}

interface Opening {
  readonly reader: Promise<TableReader>;
  waiters: number;
}

function cursorOf(reader: TableReader): Cursor {
  const cursor = reader.cursor();
  reader.release();
  return cursor;
}
