// Walks a memtable both ways, over a live one that grows between movements or over a sealed one in another
// thread. It stands on a version of a key record; records and versions never move, so only its
// place in the tree can become outdated, by a split or an insertion. A movement that leaves the key
// checks that the place still names the key, and searches for it otherwise.

import { assert } from "../../base/assert.ts";
import type { Cursor } from "../cursor.ts";
import { wordsOf } from "./arena.ts";
import { countAt, KeyTree, nextLeafAt, previousLeafAt, refsAt } from "./key-tree.ts";
import type { SealedMemtable } from "./memtable.ts";
import {
  cellLengthOf,
  cellStartOf,
  keyLengthOf,
  keyStartOf,
  newerAt,
  newestAt,
  olderAt,
  oldestVersionOf,
  sequenceOf,
} from "./record.ts";

/** What a cursor watches in order to notice that its arena was recycled under it. */
export interface Generation {
  readonly generation: number;
}

export class MemtableCursor implements Cursor {
  valid = false;
  readonly needsLoad = false;
  readonly keyBytes: Uint8Array;
  keyStart = 0;
  keyEnd = 0;
  readonly cellBytes: Uint8Array;
  cellStart = 0;
  cellEnd = 0;
  sequence = 0;
  private readonly tree: KeyTree;
  private readonly words: Int32Array;
  private readonly source: Generation;
  private readonly generation: number;
  private leaf = 0;
  private slot = 0;
  private record = 0;
  private version = 0;

  constructor(tree: KeyTree, source: Generation) {
    this.tree = tree;
    this.words = tree.words;
    this.keyBytes = tree.bytes;
    this.cellBytes = tree.bytes;
    this.source = source;
    this.generation = source.generation;
  }

  seekToFirst(): void {
    this.checkSource();
    this.leaf = this.tree.firstLeaf;
    this.slot = 0;
    this.enterForward();
  }

  seekToLast(): void {
    this.checkSource();
    this.leaf = this.tree.lastLeaf;
    this.slot = (this.words[this.leaf + countAt] as number) - 1;
    this.enterBackward();
  }

  seek(key: Uint8Array, length: number): void {
    this.checkSource();
    this.tree.locate(key, 0, length);
    this.leaf = this.tree.foundLeaf;
    this.slot = this.tree.foundSlot;
    this.enterForward();
  }

  seekBefore(key: Uint8Array, length: number): void {
    this.checkSource();
    this.tree.locate(key, 0, length);
    this.leaf = this.tree.foundLeaf;
    this.slot = this.tree.foundSlot - 1;
    this.enterBackward();
  }

  next(): void {
    this.checkSource();
    assert(this.valid, "next on a cursor that stands nowhere");
    const older = this.words[this.version + olderAt] as number;
    if (older !== 0) {
      this.showVersion(older);
      return;
    }
    this.relocate();
    this.slot++;
    this.enterForward();
  }

  previous(): void {
    this.checkSource();
    assert(this.valid, "previous on a cursor that stands nowhere");
    const newer = this.words[this.version + newerAt] as number;
    if (newer !== 0) {
      this.showVersion(newer);
      return;
    }
    this.relocate();
    this.slot--;
    this.enterBackward();
  }

  load(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.valid = false;
  }

  /** To the newest version of the key at the slot, or of the first key behind the leaf. */
  private enterForward(): void {
    const words = this.words;
    if (this.slot >= (words[this.leaf + countAt] as number)) {
      this.leaf = words[this.leaf + nextLeafAt] as number;
      this.slot = 0;
      this.valid = this.leaf !== 0;
      if (!this.valid) return;
    }
    this.showKey();
    this.showVersion(words[this.record + newestAt] as number);
  }

  /** To the oldest version of the key at the slot, or of the last key before the leaf. */
  private enterBackward(): void {
    const words = this.words;
    if (this.slot < 0) {
      this.leaf = words[this.leaf + previousLeafAt] as number;
      this.valid = this.leaf !== 0;
      if (!this.valid) return;
      this.slot = (words[this.leaf + countAt] as number) - 1;
    }
    this.showKey();
    this.showVersion(oldestVersionOf(words, this.record));
  }

  private showKey(): void {
    this.record = this.words[this.leaf + refsAt + this.slot] as number;
    this.keyStart = keyStartOf(this.record);
    this.keyEnd = this.keyStart + keyLengthOf(this.words, this.record);
    this.valid = true;
  }

  private showVersion(version: number): void {
    this.version = version;
    this.sequence = sequenceOf(this.words, version);
    this.cellStart = cellStartOf(version);
    this.cellEnd = this.cellStart + cellLengthOf(this.words, version);
  }

  /** Finds the present key's place again when the tree has changed around it. */
  private relocate(): void {
    const words = this.words;
    const stands = this.slot < (words[this.leaf + countAt] as number);
    if (stands && words[this.leaf + refsAt + this.slot] === this.record) return;
    this.tree.locate(this.keyBytes, this.keyStart, this.keyEnd);
    this.leaf = this.tree.foundLeaf;
    this.slot = this.tree.foundSlot;
  }

  private checkSource(): void {
    assert(this.source.generation === this.generation, "a cursor outlived its memtable");
  }
}

/** For the worker: nobody recycles a memtable while its flush runs. */
export function cursorOverSealed(sealed: SealedMemtable): Cursor {
  const memory = { words: wordsOf(sealed.buffer), bytes: new Uint8Array(sealed.buffer) };
  return new MemtableCursor(new KeyTree(memory, sealed), unchanging);
}

const unchanging: Generation = { generation: 0 };
