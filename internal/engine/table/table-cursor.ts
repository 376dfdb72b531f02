// Walks one open table both ways through the block cache. It pins the block that it stands in, so that no
// eviction changes the bytes under it, and retains its table, so that one which a compaction has removed can be
// read to the end.
//
// A block that is not in memory, and may not be read at once, leaves the cursor in need of a load; what it was
// about to do there is kept and done behind it. A walk that goes on into missing blocks reads more and
// more of them in one go: into the cache while that has room, and the first few always, as a range that is short may be read
// again; then past it.

import { assert } from "../../base/assert.ts";
import type { TrefoilError } from "../../base/errors.ts";
import type { Cursor } from "../cursor.ts";
import { anySequence } from "./block-index.ts";
import { BlockWalker } from "./block-walker.ts";
import { HeldBlock } from "./held-block.ts";
import type { TableBlocks } from "./table-blocks.ts";
import type { TableReader } from "./table-reader.ts";
import type { TableSpan } from "./table-span.ts";

type Arrival = "first" | "last" | "at" | "before";

const aheadMax = 64;
/** A walk that reads so many blocks in one go is a long one. */
const aheadPastCache = 8;
/** A block that is evicted before the load's waiter looks: after so many tries it is read past the cache. */
const loadTriesMax = 2;

export class TableCursor extends BlockWalker implements Cursor {
  private readonly reader: TableReader;
  private readonly blocks: TableBlocks;
  private readonly held = new HeldBlock();
  private readonly span: TableSpan;
  private block = 0;
  /** How many blocks a read that this walk causes may bring; negative when it goes backward. */
  private ahead = 1;
  /** What to do in `block` once it is there. */
  private arrival: Arrival = "first";
  private sought = nothing;
  private closed = false;

  constructor(reader: TableReader) {
    super(reader.meta.sequenceOverride);
    this.reader = reader;
    this.blocks = reader.blocks;
    this.span = reader.blocks.span();
    reader.retain();
  }

  seekToFirst(): void {
    this.ahead = 1;
    this.enter(0, "first");
  }

  seekToLast(): void {
    this.ahead = 1;
    this.enter(this.blocks.index.blocks - 1, "last");
  }

  seek(key: Uint8Array, length: number): void {
    this.seekKey(key, length, "at");
  }

  seekBefore(key: Uint8Array, length: number): void {
    this.seekKey(key, length, "before");
  }

  next(): void {
    if (!this.valid) assert(false, "next on a cursor that stands nowhere");
    if (!this.stepForward()) this.enterNext();
  }

  previous(): void {
    if (!this.valid) assert(false, "previous on a cursor that stands nowhere");
    if (!this.stepBackward()) this.enterPrevious();
  }

  async load(): Promise<void> {
    while (this.needsLoad && !this.closed) {
      await this.loadBlock();
      if (this.closed) return;
      this.needsLoad = false;
      this.arrive(this.arrival, this.sought, this.sought.length);
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.needsLoad = false;
    this.leave();
    this.span.release();
    this.reader.release();
  }

  protected override damage(what: string): TrefoilError {
    this.valid = false;
    return this.blocks.damage(this.block, what);
  }

  private seekKey(key: Uint8Array, length: number, arrival: "at" | "before"): void {
    this.ahead = 1;
    if (this.reach(this.blocks.index.find(key, length, anySequence))) this.arrive(arrival, key, length);
    else this.await(arrival, key.slice(0, length));
  }

  private enter(block: number, arrival: "first" | "last"): void {
    if (this.reach(block)) this.arrive(arrival, nothing, 0);
    else this.await(arrival, nothing);
  }

  private enterNext(): void {
    if (this.block + 1 === this.blocks.index.blocks) return this.leave();
    this.ahead = Math.min(Math.max(2 * this.ahead, 2), aheadMax);
    this.enter(this.block + 1, "first");
  }

  private enterPrevious(): void {
    if (this.block === 0) return this.leave();
    this.ahead = Math.max(Math.min(2 * this.ahead, -2), -aheadMax);
    this.enter(this.block - 1, "last");
  }

  /** Lets go of the present block and pins that one; false when it is not in memory. */
  private reach(block: number): boolean {
    assert(!this.closed, "a cursor was moved after it was closed");
    this.leave();
    this.block = block;
    const { span, blocks, held, ahead } = this;
    if (span.look(block, held)) return true;
    if (!blocks.lookInMemory(block, held)) {
      const isPastCache = Math.abs(ahead) >= aheadPastCache && blocks.wouldEvict && span.plan(block, ahead);
      if (isPastCache) return span.readNow() && span.look(block, held);
      if (!blocks.readNow(block, ahead, held)) return false;
    }
    blocks.pin(held);
    return true;
  }

  private await(arrival: Arrival, sought: Uint8Array): void {
    this.needsLoad = true;
    this.arrival = arrival;
    this.sought = sought;
  }

  private arrive(arrival: Arrival, key: Uint8Array, length: number): void {
    const { held } = this;
    if (!this.view.open(held.bytes, held.start, held.end)) throw this.damage("its restart points cannot be");
    const known = this.blocks.index.sharedIn(this.block);
    switch (arrival) {
      case "first":
        return this.showFirst();
      case "last":
        return this.showLast();
      case "at":
        return this.showFound(key, length, known) ? undefined : this.enterNext();
      case "before":
        return this.showBefore(key, length, known) ? undefined : this.enterPrevious();
    }
  }

  private async loadBlock(): Promise<void> {
    const { block, blocks, held, span } = this;
    if (span.plans(block)) {
      await span.load();
      if (!this.closed) span.look(block, held);
      return;
    }
    for (let tries = 0; tries < loadTriesMax; tries++) {
      await blocks.load(block, this.ahead);
      if (this.closed) return;
      if (blocks.look(block, 1, held)) return blocks.pin(held);
    }
    await blocks.loadPrivately(block, held);
  }

  private leave(): void {
    this.valid = false;
    this.blocks.unpin(this.held);
  }
}

const nothing: Uint8Array = new Uint8Array(0);
