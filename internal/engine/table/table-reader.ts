// One open table: filter and index in memory, data blocks through the cache. Handles are counted: whoever
// uses a table across turns retains it, and the file is closed only when nobody does and no read is pending.

import { assert } from "../../base/assert.ts";
import type { Disk, DiskFile } from "../../platform/disk.ts";
import { readFully } from "../../platform/disk.ts";
import type { Cursor, EntrySlot } from "../cursor.ts";
import type { LookupKey } from "../lookup-key.ts";
import type { TableMeta } from "../table-meta.ts";
import { anySequence } from "./block-index.ts";
import { TableBlocks } from "./table-blocks.ts";
import { TableCursor } from "./table-cursor.ts";
import { decodeFooter, footerBytes, tableDamage } from "./table-format.ts";
import type { TableMemory } from "./table-memory.ts";
import { checkAgainstMeta, decodeTail, tailBytesOf } from "./table-tail.ts";
import type { TableTail } from "./table-tail.ts";

export type FindOutcome = "found" | "absent" | "need_io";

export class TableReader {
  readonly meta: TableMeta;
  readonly blocks: TableBlocks;
  /** Users that would be harmed if the file were closed. */
  handles = 0;
  /** Called when the last handle is released. */
  onIdle: (() => void) | undefined;
  /** Since the hand of the table cache came by. */
  wasUsed = true;
  private readonly tail: TableTail;
  private readonly memory: TableMemory;

  /** Use openTable. The file is this reader's from now on. */
  constructor(file: DiskFile, meta: TableMeta, tail: TableTail, memory: TableMemory) {
    this.meta = meta;
    this.tail = tail;
    this.memory = memory;
    this.blocks = new TableBlocks(file, tail.index, { number: meta.number, salt: tail.footer.salt }, memory);
  }

  /** Memory that index and filter take. */
  get bytesInMemory(): number {
    return tailBytesOf(this.tail.footer) + this.tail.index.bytesBeside;
  }

  /** False only when the table has no entry of the key with this hash. */
  mayContain(hash: number): boolean {
    return this.tail.filter.mayContain(hash);
  }

  /**
   * The key's newest version with a sequence of at most `limit`, tombstones included. After "found",
   * `into` points into the block cache: it holds until the next call that may read a block of any table
   * (a find, a movement of a cursor), and never across an await. Nothing is pinned. After "need_io", `load` and ask again.
   */
  find(key: LookupKey, limit: number, into: EntrySlot): FindOutcome {
    const { stats, held, view } = this.memory;
    stats.filterChecks++;
    if (!this.tail.filter.mayContain(key.hash)) {
      stats.filterAvoided++;
      return "absent";
    }
    const { sequenceOverride } = this.meta;
    if (sequenceOverride !== undefined && sequenceOverride > limit) return "absent";
    const newest = sequenceOverride === undefined ? limit : anySequence;
    const { index } = this.tail;
    const block = index.find(key.bytes, key.length, newest);
    if (!this.blocks.look(block, 1, held)) {
      stats.filterChecks--;
      return "need_io";
    }
    const known = index.sharedIn(block);
    if (!view.open(held.bytes, held.start, held.end) || !view.locate(key.bytes, key.length, newest, known)) {
      throw this.blocks.damage(block, "it has a malformed entry or restart point");
    }
    if (!view.isKey) {
      stats.filterFalsePositives++;
      return "absent";
    }
    const { entry } = view;
    into.keyBytes = key.bytes;
    into.keyStart = 0;
    into.keyEnd = key.length;
    into.cellBytes = view.bytes;
    into.cellStart = entry.cellAt;
    into.cellEnd = entry.end;
    into.sequence = sequenceOverride ?? entry.sequence;
    return "found";
  }

  /** Brings into memory what find(key, limit) needs. `key` may be reused at once. */
  load(key: LookupKey, limit: number): Promise<void> {
    const effective = this.meta.sequenceOverride === undefined ? limit : anySequence;
    return this.blocks.load(this.tail.index.find(key.bytes, key.length, effective), 1);
  }

  /** Retains the table until the cursor is closed. */
  cursor(): Cursor {
    return new TableCursor(this);
  }

  retain(): void {
    this.handles++;
  }

  release(): void {
    assert(this.handles > 0, "a table was released more often than retained", { number: this.meta.number });
    this.handles--;
    if (this.handles === 0) this.onIdle?.();
  }

  get isClosed(): boolean {
    return this.blocks.isClosed;
  }

  /** Nothing can be read from now on. Resolves when no read is pending and the file is closed. */
  close(): Promise<void> {
    return this.blocks.close();
  }

  /** Resolves when the file has been closed. */
  get whenClosed(): Promise<void> {
    return this.blocks.whenClosed;
  }
}

/** Opens a table and reads its tail. Throws `corruption` when it is damaged or is not the table that `meta` names. */
export async function openTable(disk: Disk, path: string, meta: TableMeta, memory: TableMemory): Promise<TableReader> {
  const file = await disk.openFile(path, { access: "read" });
  try {
    const fileBytes = await file.size();
    if (fileBytes !== meta.bytes) {
      throw tableDamage(path, fileBytes, `the file has ${fileBytes} bytes, and the manifest says ${meta.bytes}`);
    }
    const end = new Uint8Array(Math.min(footerBytes, fileBytes));
    await fill(file, end, fileBytes - end.length);
    const footer = decodeFooter(end, path, fileBytes);
    const bytes = new Uint8Array(tailBytesOf(footer));
    await fill(file, bytes, footer.dataBytes);
    const tail = decodeTail(bytes, path, footer);
    checkAgainstMeta(tail, path, meta);
    return new TableReader(file, meta, tail, memory);
  } catch (failure) {
    await file.close();
    throw failure;
  }
}

async function fill(file: DiskFile, target: Uint8Array, position: number): Promise<void> {
  const taken = await readFully(file, target, position);
  if (taken < target.length) throw tableDamage(file.path, position + taken, "the file ends here, before its end");
}
