// The blocks that one walk has read ahead: a run of them, in one read, in a buffer of the walk's own. They
// do not go through the block cache, which a long walk would only flush of what others use.
//
//   file     ... [ 7 ][ 8 ][ 9 ][ 10 ][ 11 ] ...
//   buffer            [ 8 ][ 9 ][ 10 ]            first 8, end 11
//
// Each block is verified when the walk comes to it. The buffer is the pool's again when the walk is closed and
// no read into it is under way.

import type { HeldBlock } from "./held-block.ts";
import type { SpanPool } from "./span-pool.ts";
import type { TableBlocks } from "./table-blocks.ts";

export class TableSpan {
  private readonly blocks: TableBlocks;
  private readonly pool: SpanPool;
  private buffer: Uint8Array | undefined;
  /** The blocks [first, end) are in the buffer, or, after `plan`, about to be. */
  private first = 0;
  private end = 0;
  private isRead = false;
  private isLoading = false;
  private isReleased = false;

  constructor(blocks: TableBlocks, pool: SpanPool) {
    this.blocks = blocks;
    this.pool = pool;
  }

  /** Points `held` at the block and verifies it when it has been read ahead; false when it has not. */
  look(block: number, held: HeldBlock): boolean {
    const { buffer, blocks } = this;
    if (buffer === undefined || !this.isRead || !this.covers(block)) return false;
    const { index } = blocks;
    const start = index.offsetOf(block) - index.offsetOf(this.first);
    blocks.verify(block, buffer, start);
    held.pointAtPart(buffer, start, start + index.lengthOf(block));
    return true;
  }

  /**
   * Prepares to read `ahead` blocks from this one on, or, when negative, up to and including it, as far as
   * they fit; false when there is no memory for it. What was read before is forgotten.
   */
  plan(block: number, ahead: number): boolean {
    if (this.isReleased || this.isLoading) return false;
    const buffer = (this.buffer ??= this.pool.take());
    if (buffer === undefined || this.blocks.index.lengthOf(block) > buffer.length) return false;
    this.isRead = false;
    this.first = block;
    this.end = block + 1;
    const { index } = this.blocks;
    const start = index.offsetOf(block);
    const stop = index.offsetOf(block + 1);
    if (ahead > 0) {
      const most = Math.min(index.blocks, block + ahead);
      while (this.end < most && index.offsetOf(this.end + 1) - start <= buffer.length) this.end++;
    } else {
      const least = Math.max(0, block + ahead + 1);
      while (this.first > least && stop - index.offsetOf(this.first - 1) <= buffer.length) this.first--;
    }
    return true;
  }

  /** Whether the block is among those that `load` brings. */
  plans(block: number): boolean {
    return this.buffer !== undefined && !this.isRead && this.covers(block);
  }

  /** Reads what was planned, when a read may be made at once. */
  readNow(): boolean {
    this.isRead = this.buffer !== undefined && this.blocks.readRunNow(this.first, this.end, this.buffer);
    return this.isRead;
  }

  /** Reads what was planned. */
  async load(): Promise<void> {
    const { buffer } = this;
    if (buffer === undefined) return;
    this.isLoading = true;
    try {
      await this.blocks.loadRun(this.first, this.end, buffer);
      this.isRead = true;
    } finally {
      this.isLoading = false;
      if (this.isReleased) this.giveBack();
    }
  }

  /** Nothing is read ahead from now on. */
  release(): void {
    this.isReleased = true;
    if (!this.isLoading) this.giveBack();
  }

  private covers(block: number): boolean {
    return block >= this.first && block < this.end;
  }

  private giveBack(): void {
    if (this.buffer !== undefined) this.pool.give(this.buffer);
    this.buffer = undefined;
  }
}
