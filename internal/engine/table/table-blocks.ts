// The data blocks of one open table: found in the cache, read at once while the budget lasts, or loaded
// through the pool. Each block is verified once, when it is read. Loads of one block at the same time
// are one read. The file is not closed while a read is pending.
//
// A walk that goes on into missing blocks asks for several at once, its `ahead`: so many blocks from the wanted
// one on, or, when negative, up to and including it. A read takes those that lie together and are neither in memory
// nor on their way.

import { TrefoilError } from "../../base/errors.ts";
import { readFully, readFullyNow } from "../../platform/disk.ts";
import type { DiskFile, JobFile } from "../../platform/disk.ts";
import type { BlockIndex } from "./block-index.ts";
import { HeldBlock } from "./held-block.ts";
import { blockDamage, faultOfBlock, tableDamage } from "./table-format.ts";
import type { BlockPlace } from "./table-format.ts";
import type { TableMemory } from "./table-memory.ts";
import { TableSpan } from "./table-span.ts";

/** A read of several blocks through the pool takes at most this. */
const pooledBytesMax = 256 * 1024;
/** A block that is larger is never read on the event loop. */
const readNowBytesMax = 64 * 1024;

/** Blocks [first, end), read in one go because of one of them. */
interface Span {
  readonly first: number;
  readonly end: number;
  readonly wanted: number;
}

export class TableBlocks {
  readonly index: BlockIndex;
  /** Resolves when the file has been closed. */
  readonly whenClosed: Promise<void>;
  private readonly file: DiskFile;
  private readonly nowFile: Pick<JobFile, "read">;
  private readonly number: number;
  private readonly salt: number;
  private readonly memory: TableMemory;
  /** By number of the block. */
  private readonly loads = new Map<number, Promise<void>>();
  private readonly pending = new Set<Promise<unknown>>();
  private closed = false;
  private announceClosed: () => void = () => undefined;

  /** The file is this object's to close. */
  constructor(file: DiskFile, index: BlockIndex, ids: { number: number; salt: number }, memory: TableMemory) {
    this.file = file;
    this.nowFile = { read: (target, position) => file.readNow(target, position) };
    this.index = index;
    this.number = ids.number;
    this.salt = ids.salt;
    this.memory = memory;
    this.whenClosed = new Promise((resolve) => {
      this.announceClosed = resolve;
    });
  }

  get path(): string {
    return this.file.path;
  }

  /**
   * Points `held` at the block when it is in memory or may be read at once; false: it must be loaded.
   * The bytes stay until the next call that may read a block of any table: copy, or `pin`.
   */
  look(block: number, ahead: number, held: HeldBlock): boolean {
    return this.lookInMemory(block, held) || this.readNow(block, ahead, held);
  }

  /** As look, without a read. */
  lookInMemory(block: number, held: HeldBlock): boolean {
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
    held.pointAtOwn(bytes);
    return true;
  }

  /** As look, for a block that is not in memory. */
  readNow(block: number, ahead: number, held: HeldBlock): boolean {
    const { budget, piece, stats } = this.memory;
    const length = this.index.lengthOf(block);
    if (length > readNowBytesMax || !budget.tryTake()) return false;
    this.checkOpen();
    stats.readsNow++;
    if (ahead !== 1) {
      const span = this.spanAround(block, ahead, piece.length);
      if (span.end - span.first > 1) {
        const target = piece.subarray(0, this.spanBytes(span));
        this.fillNow(span, target);
        this.keepAll(span, target, held, 1);
        return true;
      }
    }
    const target = this.makeSpace(length, held);
    try {
      this.fillNow({ first: block, end: block + 1, wanted: block }, target);
      this.verify(block, held.bytes, held.start);
    } catch (failure) {
      this.unpin(held);
      throw failure;
    }
    this.keep(block, held, 1);
    return true;
  }

  /** Whether another block in the cache would cost one that is there. */
  get wouldEvict(): boolean {
    return this.memory.cache.isFull;
  }

  /** Where one walk reads ahead. */
  span(): TableSpan {
    return new TableSpan(this, this.memory.spans);
  }

  /** Reads the blocks [first, end) into memory of the caller's, unverified, when a read may be made at once. */
  readRunNow(first: number, end: number, into: Uint8Array): boolean {
    if (!this.memory.budget.tryTake()) return false;
    this.checkOpen();
    this.memory.stats.readsNow++;
    const span = { first, end, wanted: first };
    this.fillNow(span, into.subarray(0, this.spanBytes(span)));
    return true;
  }

  /** As readRunNow, through the pool. The memory may not be used otherwise until it settles. */
  loadRun(first: number, end: number, into: Uint8Array): Promise<void> {
    this.checkOpen();
    this.memory.stats.readsPooled++;
    const span = { first, end, wanted: first };
    return this.track(this.fill(span, into.subarray(0, this.spanBytes(span))));
  }

  /** Throws `corruption` unless bytes[start, ...) are this block, sound. */
  verify(block: number, bytes: Uint8Array, start: number): void {
    const fault = this.faultOf(block, bytes, start);
    if (fault !== undefined) throw this.damage(block, fault);
  }

  /** Keeps the bytes where they are until `unpin`. */
  pin(held: HeldBlock): void {
    if (held.frame >= 0) this.memory.cache.pin(held.frame);
  }

  unpin(held: HeldBlock): void {
    if (held.frame >= 0) this.memory.cache.unpin(held.frame);
    held.clear();
  }

  /** Reads the block into memory, unless it is there. */
  load(block: number, ahead: number): Promise<void> {
    const running = this.loads.get(block);
    if (running !== undefined) return running;
    if (this.isInMemory(block)) return Promise.resolve();
    const span = this.spanAround(block, ahead, pooledBytesMax);
    const load = this.track(this.readPooled(span)).finally(() => {
      for (let at = span.first; at < span.end; at++) this.loads.delete(at);
    });
    for (let at = span.first; at < span.end; at++) this.loads.set(at, load);
    return load;
  }

  /** Reads the block into memory of its own, past the cache. */
  async loadPrivately(block: number, held: HeldBlock): Promise<void> {
    this.checkOpen();
    const bytes = new Uint8Array(this.index.lengthOf(block));
    await this.track(this.fill({ first: block, end: block + 1, wanted: block }, bytes));
    this.verify(block, bytes, 0);
    held.pointAtOwn(bytes);
  }

  damage(block: number, what: string): TrefoilError {
    return blockDamage({ path: this.path, offset: this.index.offsetOf(block), kind: "data" }, what);
  }

  get isClosed(): boolean {
    return this.closed;
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

  private isInMemory(block: number): boolean {
    const offset = this.index.offsetOf(block);
    return this.memory.cache.has(this.number, offset) || this.memory.loose.find(this.number, offset) !== undefined;
  }

  private pointAtFrame(held: HeldBlock, frame: number, length: number): void {
    const { cache } = this.memory;
    held.bytes = cache.slabOf(frame);
    held.start = cache.startOf(frame);
    held.end = held.start + length;
    held.frame = frame;
  }

  private spanAround(wanted: number, ahead: number, bytesMax: number): Span {
    const { index } = this;
    let first = wanted;
    let end = wanted + 1;
    if (ahead > 0) {
      const most = Math.min(index.blocks, wanted + ahead);
      while (end < most && index.offsetOf(end + 1) - index.offsetOf(first) <= bytesMax && this.isMissing(end)) end++;
    } else {
      const least = Math.max(0, wanted + ahead + 1);
      while (
        first > least &&
        index.offsetOf(end) - index.offsetOf(first - 1) <= bytesMax &&
        this.isMissing(first - 1)
      ) {
        first--;
      }
    }
    return { first, end, wanted };
  }

  private isMissing(block: number): boolean {
    return !this.loads.has(block) && !this.memory.cache.has(this.number, this.index.offsetOf(block));
  }

  private async readPooled(span: Span): Promise<void> {
    this.checkOpen();
    this.memory.stats.readsPooled++;
    const { wanted } = span;
    const held = new HeldBlock();
    if (span.end - span.first > 1) {
      const target = new Uint8Array(this.spanBytes(span));
      await this.fill(span, target);
      this.keepAll(span, target, held, 0);
      return;
    }
    const target = this.makeSpace(this.index.lengthOf(wanted), held);
    try {
      await this.fill(span, target);
      this.verify(wanted, held.bytes, held.start);
    } catch (failure) {
      this.unpin(held);
      throw failure;
    }
    this.keep(wanted, held, 0);
  }

  private fillNow(span: Span, target: Uint8Array): void {
    try {
      this.countRead(span, readFullyNow(this.nowFile, target, this.index.offsetOf(span.first)), target.length);
    } finally {
      this.memory.budget.done();
    }
  }

  private async fill(span: Span, target: Uint8Array): Promise<void> {
    this.countRead(span, await readFully(this.file, target, this.index.offsetOf(span.first)), target.length);
  }

  private countRead(span: Span, taken: number, wanted: number): void {
    const { stats } = this.memory;
    stats.blocksRead += span.end - span.first;
    stats.bytesRead += taken;
    if (taken < wanted) {
      throw tableDamage(this.path, this.index.offsetOf(span.first) + taken, "the file ends within its data blocks");
    }
  }

  /** Room for a block: a frame, pinned, or memory of its own. */
  private makeSpace(length: number, held: HeldBlock): Uint8Array {
    const { cache } = this.memory;
    const frame = length <= cache.frameBytes ? cache.claim() : -1;
    if (frame >= 0) {
      this.pointAtFrame(held, frame, length);
      return held.bytes.subarray(held.start, held.end);
    }
    const own = new Uint8Array(length);
    held.pointAtOwn(own);
    return own;
  }

  private faultOf(block: number, bytes: Uint8Array, start: number): string | undefined {
    const place: BlockPlace = { salt: this.salt, offset: this.index.offsetOf(block), kind: "data" };
    return faultOfBlock(bytes, start, start + this.index.lengthOf(block), place);
  }

  /** Makes a verified block findable, and its frame, if it has one, claimable again; `uses` as for publish. */
  private keep(block: number, held: HeldBlock, uses: 0 | 1): void {
    const offset = this.index.offsetOf(block);
    if (held.frame < 0) {
      this.memory.loose.add({ file: this.number, offset, bytes: held.bytes });
      return;
    }
    this.memory.cache.publish(held.frame, this.number, offset, uses);
    this.memory.cache.unpin(held.frame);
  }

  /** Distributes blocks that were read together. Only damage of the one that was wanted is told now. */
  private keepAll(span: Span, source: Uint8Array, held: HeldBlock, uses: 0 | 1): void {
    const { index } = this;
    const { wanted } = span;
    const base = index.offsetOf(span.first);
    const from = index.offsetOf(wanted) - base;
    this.verify(wanted, source, from);
    this.makeSpace(index.lengthOf(wanted), held).set(source.subarray(from, from + index.lengthOf(wanted)));
    const other = new HeldBlock();
    for (let block = span.first; block < span.end; block++) {
      const start = index.offsetOf(block) - base;
      const length = index.lengthOf(block);
      if (block === wanted || length > this.memory.cache.frameBytes) continue;
      if (this.faultOf(block, source, start) !== undefined) continue;
      const space = this.makeSpace(length, other);
      if (other.frame < 0) break;
      space.set(source.subarray(start, start + length));
      this.keep(block, other, 0);
    }
    this.keep(wanted, held, uses);
  }

  private track<Value>(read: Promise<Value>): Promise<Value> {
    const forget = (): unknown => this.pending.delete(read);
    this.pending.add(read);
    read.then(forget, forget);
    return read;
  }

  private spanBytes(span: Span): number {
    return this.index.offsetOf(span.end) - this.index.offsetOf(span.first);
  }

  private checkOpen(): void {
    if (this.closed) throw new TrefoilError("stopping", `table ${this.path} is closed`);
  }
}
