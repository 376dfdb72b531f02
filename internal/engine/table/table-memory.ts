// What all open tables of an engine share: the block cache, the blocks that it has no frame for, the
// budget of synchronous reads, and counters.

import { BlockCache } from "./block-cache.ts";
import { BlockView } from "./block-view.ts";
import { HeldBlock } from "./held-block.ts";
import { LooseBlocks } from "./loose-blocks.ts";
import type { ReadBudget } from "./read-budget.ts";
import { SpanPool } from "./span-pool.ts";

export interface TableReadStats {
  /** Blocks that were read from files, and their bytes. */
  blocksRead: number;
  bytesRead: number;
  /** Calls to the disk that brought them: at once, and through the pool. */
  readsNow: number;
  readsPooled: number;
  /** Lookups that asked a filter; how many of them it ended; how many it let pass for a key that was not there. */
  filterChecks: number;
  filterAvoided: number;
  filterFalsePositives: number;
}

/** Of the bytes for blocks, these parts are set aside: for those that have no frame, and for what walks read ahead. */
const loosePart = 1 / 16;
const spanPart = 1 / 16;

export class TableMemory {
  readonly cache: BlockCache;
  readonly loose: LooseBlocks;
  readonly spans: SpanPool;
  readonly budget: ReadBudget;
  readonly stats: TableReadStats = {
    blocksRead: 0,
    bytesRead: 0,
    readsNow: 0,
    readsPooled: 0,
    filterChecks: 0,
    filterAvoided: 0,
    filterFalsePositives: 0,
  };
  /** For synchronous reads of several blocks, which end before another begins. */
  readonly piece: Uint8Array;
  /** For lookups, which run to their end without a pause. */
  readonly held = new HeldBlock();
  readonly view = new BlockView();

  constructor(options: { blockCacheBytes: number; blockBytes: number }, budget: ReadBudget) {
    const looseBytes = Math.floor(options.blockCacheBytes * loosePart);
    const spansBytes = Math.floor(options.blockCacheBytes * spanPart);
    this.cache = new BlockCache(options.blockCacheBytes - looseBytes - spansBytes, options.blockBytes);
    this.spans = new SpanPool(spansBytes);
    this.loose = new LooseBlocks(looseBytes);
    this.budget = budget;
    this.piece = new Uint8Array(pieceBytes);
  }
}

const pieceBytes = 32 * 1024;
