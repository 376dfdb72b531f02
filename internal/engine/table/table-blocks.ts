// The data blocks of one open table: found in the cache, read at once while the budget lasts, or loaded
// through the pool. Each block is verified once, when it is read. Loads of one block at the same time
// are one read. The file is not closed while a read is pending.

import { TrefoilError } from "../../base/errors.ts";
import { readFully, readFullyNow } from "../../platform/disk.ts";
import type { DiskFile, JobFile } from "../../platform/disk.ts";
import type { BlockIndex } from "./block-index.ts";
import { blockDamage, faultOfBlock, tableDamage } from "./table-format.ts";
import type { BlockPlace } from "./table-format.ts";
import type { TableMemory } from "./table-memory.ts";

/** Where a block is in memory. */
export class HeldBlock {
  bytes = nothing;
  start = 0;
  /** Trailer included. */
  end = 0;
  /** The frame of the cache that it lies in, or -1. */
  frame = -1;
}

/** A read of several blocks through the pool takes at most this. */
const pooledBytesMax = 256 * 1024;

export class TableBlocks {
  readonly index: BlockIndex;
  private readonly file: DiskFile;
  private readonly number: number;
  private readonly salt: number;
  private readonly memory: TableMemory;
  /** By number of the block. */
  private readonly loads = new Map<number, Promise<void>>();
  private readonly pending = new Set<Promise<unknown>>();
  private readonly nowFile: Pick<JobFile, "read">;
  private closed = false;
  private announceClosed: () => void = () => undefined;
  readonly whenClosed = new Promise<void>((resolve) => {
    this.announceClosed = resolve;
  });

  constructor(file: DiskFile, index: BlockIndex, ids: { number: number; salt: number }, memory: TableMemory) {
    this.file = file;
    this.index = index;
    this.number = ids.number;
    this.salt = ids.salt;
    this.memory = memory;
    this.nowFile = { read: (target, position) => file.readNow(target, position) };
  }

  get path(): string {
    return this.file.path;
  }

  /**
   * Points `held` at the block when it is in memory or may be read at once; false: it must be loaded.
   * The bytes stay until the next call that may read a block, of any table: copy, or `pin`.
   * With `ahead` above 1 up to so many blocks from this one on are read in one go.
   */
  look(block: number, ahead: number, held: HeldBlock): boolean {
    return this.lookInMemory(block, held) || this.readNow(block, ahead, held);
  }

  /** Keeps the bytes where they are until `unpin`. */
  pin(held: HeldBlock): void {
    if (held.frame >= 0) this.memory.cache.pin(held.frame);
  }

  unpin(held: HeldBlock): void {
    if (held.frame >= 0) this.memory.cache.unpin(held.frame);
    held.frame = -1;
    held.bytes = nothing;
  }

  /** Reads `block`, and up to `ahead` - 1 behind it that are not in memory either. */
  load(block: number, ahead: number): Promise<void> {
    const running = this.loads.get(block);
    if (running !== undefined) return running;
    const end = this.spanEnd(block, ahead, pooledBytesMax);
    const load = this.track(this.readPooled(block, end)).finally(() => {
      for (let at = block; at < end; at++) this.loads.delete(at);
    });
    for (let at = block; at < end; at++) this.loads.set(at, load);
    return load;
  }

  /** Reads a block into memory of its own, past the cache. */
  async loadPrivately(block: number, held: HeldBlock): Promise<void> {
    const bytes = new Uint8Array(this.index.lengthOf(block));
    await this.track(this.fill(block, block + 1, bytes));
    this.check(block, bytes, 0);
    pointAtOwn(held, bytes);
  }

  damage(block: number, what: string): TrefoilError {
    return blockDamage({ path: this.path, offset: this.index.offsetOf(block), kind: "data" }, what);
  }

  /** Nothing can be read from now on. Resolves when no read is pending and the file is closed. */
  close(): Promise<void> {
    if (!this.closed) {
      this.closed = true;
      void this.closeFile().finally(() => this.announceClosed());
    }
    return this.whenClosed;
  }

  /** A file that was only read loses nothing when closing it fails, and nobody could do anything about it. */
  private async closeFile(): Promise<void> {
    while (this.pending.size > 0) await Promise.allSettled(this.pending);
    await this.file.close().catch(() => undefined);
  }

  private lookInMemory(block: number, held: HeldBlock): boolean {
    const { cache, loose } = this.memory;
    const offset = this.index.offsetOf(block);
    const length = this.index.lengthOf(block);
    const frame = length <= cache.frameBytes ? cache.find(this.number, offset) : -1;
    if (frame >= 0) {
      this.pointAtFrame(held, frame, length);
      return true;
    }
    const bytes = loose.isEmpty ? undefined : loose.find(this.number, offset);
    if (bytes === undefined) return false;
    pointAtOwn(held, bytes);
    return true;
  }

  private pointAtFrame(held: HeldBlock, frame: number, length: number): void {
    const { cache } = this.memory;
    held.bytes = cache.slabOf(frame);
    held.start = cache.startOf(frame);
    held.end = held.start + length;
    held.frame = frame;
  }

  /** How far a read that begins with `block` goes: over neighbours that are not in memory, nor on their way. */
  private spanEnd(block: number, ahead: number, bytesMax: number): number {
    const { index, memory } = this;
    const start = index.offsetOf(block);
    const most = Math.min(index.blocks, block + ahead);
    let end = block + 1;
    while (end < most && index.offsetOf(end + 1) - start <= bytesMax) {
      if (this.loads.has(end) || memory.cache.has(this.number, index.offsetOf(end))) break;
      end++;
    }
    return end;
  }

  private readNow(block: number, ahead: number, held: HeldBlock): boolean {
    const { budget, piece, stats } = this.memory;
    if (!budget.tryTake()) return false;
    this.checkOpen();
    stats.readsNow++;
    const end = ahead === 1 ? block + 1 : this.spanEnd(block, ahead, piece.length);
    if (end > block + 1) {
      const target = piece.subarray(0, this.spanBytes(block, end));
      this.fillNow(block, end, target);
      this.keepAll(block, end, target, held);
      return true;
    }
    const target = this.makeSpace(this.index.lengthOf(block), held);
    try {
      this.fillNow(block, end, target);
      this.check(block, held.bytes, held.start);
    } catch (failure) {
      this.unpin(held);
      throw failure;
    }
    this.keep(block, held);
    return true;
  }

  private async readPooled(block: number, end: number): Promise<void> {
    this.checkOpen();
    this.memory.stats.readsPooled++;
    const held = new HeldBlock();
    if (end > block + 1) {
      const target = new Uint8Array(this.spanBytes(block, end));
      await this.fill(block, end, target);
      this.keepAll(block, end, target, held);
      return;
    }
    const target = this.makeSpace(this.index.lengthOf(block), held);
    try {
      await this.fill(block, end, target);
      this.check(block, held.bytes, held.start);
    } catch (failure) {
      this.unpin(held);
      throw failure;
    }
    this.keep(block, held);
  }

  private fillNow(block: number, end: number, target: Uint8Array): void {
    const { budget } = this.memory;
    try {
      const taken = readFullyNow(this.nowFile, target, this.index.offsetOf(block));
      this.countRead(block, end, taken, target.length);
    } finally {
      budget.done();
    }
  }

  private async fill(block: number, end: number, target: Uint8Array): Promise<void> {
    const taken = await readFully(this.file, target, this.index.offsetOf(block));
    this.countRead(block, end, taken, target.length);
  }

  private countRead(block: number, end: number, taken: number, wanted: number): void {
    const { stats } = this.memory;
    stats.blocksRead += end - block;
    stats.bytesRead += taken;
    if (taken < wanted) {
      throw tableDamage(this.path, this.index.offsetOf(block) + taken, "the file ends within its data blocks");
    }
  }

  /** Room for a block: a frame, which is pinned, or memory of its own. */
  private makeSpace(length: number, held: HeldBlock): Uint8Array {
    const { cache } = this.memory;
    const frame = length <= cache.frameBytes ? cache.claim() : -1;
    if (frame >= 0) {
      this.pointAtFrame(held, frame, length);
      return held.bytes.subarray(held.start, held.end);
    }
    const own = new Uint8Array(length);
    pointAtOwn(held, own);
    return own;
  }

  private check(block: number, bytes: Uint8Array, start: number): void {
    const fault = this.faultOf(block, bytes, start);
    if (fault !== undefined) throw this.damage(block, fault);
  }

  private faultOf(block: number, bytes: Uint8Array, start: number): string | undefined {
    const place: BlockPlace = { salt: this.salt, offset: this.index.offsetOf(block), kind: "data" };
    return faultOfBlock(bytes, start, start + this.index.lengthOf(block), place);
  }

  /** Makes a verified block findable, and its frame, if it has one, claimable again. */
  private keep(block: number, held: HeldBlock): void {
    const offset = this.index.offsetOf(block);
    if (held.frame < 0) {
      this.memory.loose.add({ file: this.number, offset, bytes: held.bytes });
      return;
    }
    this.memory.cache.publish(held.frame, this.number, offset);
    this.memory.cache.unpin(held.frame);
  }

  /** Distributes blocks that were read together. Only damage of the first, which was asked for, is told now. */
  private keepAll(first: number, end: number, source: Uint8Array, held: HeldBlock): void {
    const { index } = this;
    const base = index.offsetOf(first);
    const other = new HeldBlock();
    this.check(first, source, 0);
    this.makeSpace(index.lengthOf(first), held).set(source.subarray(0, index.lengthOf(first)));
    for (let block = first + 1; block < end; block++) {
      const start = index.offsetOf(block) - base;
      const length = index.lengthOf(block);
      if (length > this.memory.cache.frameBytes || this.faultOf(block, source, start) !== undefined) continue;
      this.makeSpace(length, other).set(source.subarray(start, start + length));
      this.keep(block, other);
    }
    this.keep(first, held);
  }

  private track<Value>(read: Promise<Value>): Promise<Value> {
    const forget = (): unknown => this.pending.delete(read);
    this.pending.add(read);
    read.then(forget, forget);
    return read;
  }

  private spanBytes(block: number, end: number): number {
    return this.index.offsetOf(end) - this.index.offsetOf(block);
  }

  private checkOpen(): void {
    if (this.closed) throw new TrefoilError("stopping", `table ${this.path} is closed`);
  }
}

function pointAtOwn(held: HeldBlock, bytes: Uint8Array): void {
  held.bytes = bytes;
  held.start = 0;
  held.end = bytes.length;
  held.frame = -1;
}

const nothing: Uint8Array = new Uint8Array(0);
