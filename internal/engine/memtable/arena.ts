// The memory of one memtable: a single SharedArrayBuffer of fixed size, so that a write makes no garbage
// and the worker that flushes it needs no copy. Records grow upwards, tree nodes downwards; the
// memtable is full when they would meet.
//
//   word 0                recordsEnd -->             <-- nodesStart        last word
//   | hash buckets | key records and versions |  free  |  tree nodes  |
//
// Everything is addressed by the index of a 32-bit word, a "ref". The buckets take word 0, so a ref
// of 0 means "none". Nothing is ever freed but all at once, by `reset`.

import { assert } from "../../base/assert.ts";
import { recordWordsMax } from "./record.ts";
import { nodeWordsMax } from "./key-tree.ts";

export const arenaBytesDefault = 16 * 1024 * 1024;
/** An arena smaller than this holds nothing. */
const arenaBytesLeast = 4096;
/** Refs are signed 32-bit numbers of words; V8 caps one buffer below that anyway. */
const arenaBytesMost = 1024 * 1024 * 1024;

/** One bucket of the hash index for so many bytes: fewer than one key per bucket for all but tiny records. */
const bytesPerBucket = 64;
const bytesPerWord = 4;

export class MemtableArena {
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  /** A power of two. */
  readonly bucketCount: number;
  /** Counts the resets: who remembers another number holds refs into content that is gone. */
  generation = 0;
  /** Whether a memtable was built on this content. */
  taken = false;
  private recordsEnd: number;
  private nodesStart: number;

  constructor(bytes = arenaBytesDefault) {
    assert(bytes >= arenaBytesLeast && bytes <= arenaBytesMost, "bytes of an arena", { bytes });
    this.buffer = new SharedArrayBuffer(bytes);
    this.words = wordsOf(this.buffer);
    this.bytes = new Uint8Array(this.buffer);
    this.bucketCount = bucketsFor(bytes);
    this.recordsEnd = this.bucketCount;
    this.nodesStart = this.words.length;
  }

  /** Bytes of records and nodes. */
  get bytesUsed(): number {
    return (this.words.length - (this.nodesStart - this.recordsEnd) - this.bucketCount) * bytesPerWord;
  }

  get bytesFree(): number {
    return (this.nodesStart - this.recordsEnd) * bytesPerWord;
  }

  /** Memory for a record. Its old content is undefined. REQUIRES: that many words are free. */
  claimRecord(words: number): number {
    const ref = this.recordsEnd;
    this.recordsEnd = ref + words;
    if (this.recordsEnd > this.nodesStart) this.overfull(words);
    return ref;
  }

  /** Memory for a tree node, as claimRecord. */
  claimNode(words: number): number {
    this.nodesStart -= words;
    if (this.recordsEnd > this.nodesStart) this.overfull(words);
    return this.nodesStart;
  }

  /** Forgets everything, for the next memtable. REQUIRES: nobody reads the present one any more. */
  reset(): void {
    this.words.fill(0, 0, this.bucketCount);
    this.recordsEnd = this.bucketCount;
    this.nodesStart = this.words.length;
    this.generation++;
    this.taken = false;
  }

  private overfull(words: number): never {
    assert(false, "an arena without room was written to", { words, free: this.nodesStart - this.recordsEnd });
  }
}

/**
 * How large an arena must be for an empty memtable to have room for a batch of that many operations
 * with that many bytes of keys and cells. The default takes every single record; a batch that does not fit
 * even an empty memtable gets an arena made to measure.
 */
export function arenaBytesFor(operations: number, bytes: number): number {
  const content = recordWordsMax(operations, bytes) + nodeWordsMax(operations);
  // Buckets take at most one word of every sixteen.
  const total = Math.ceil((content * 16) / 15) * bytesPerWord + bytesPerBucket;
  return Math.max(arenaBytesLeast, total);
}

/** An arena's buffer as words; up to three bytes at its end belong to none. */
export function wordsOf(buffer: SharedArrayBuffer): Int32Array {
  return new Int32Array(buffer, 0, Math.floor(buffer.byteLength / bytesPerWord));
}

function bucketsFor(bytes: number): number {
  return 2 ** Math.floor(Math.log2(bytes / bytesPerBucket));
}
