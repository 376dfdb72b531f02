// The memory in which batches are built, written from, and then kept for readers until it is needed
// again: a queue of chunks, bounded in bytes, oldest first. An entry is copied once, into the batch that
// will be written, and the followers' frames are filled from the same bytes.
//
//   chunk 7 [ batch 21 | batch 22 | batch 23 ... ]   chunk 8 [ batch 31 | batch 32 (being filled) ... ]
//
// An address is chunk number x 2^25 + offset: it only grows, so "is it still in memory" is one comparison.
// Chunks that hold a batch which is not written yet never go, whatever the bound.

import { assert } from "../base/assert.ts";

const addressesPerChunk = 2 ** 25;

export class Chunk {
  readonly number: number;
  readonly bytes: Uint8Array;
  used = 0;
  batchesUnwritten = 0;

  constructor(number: number, bytes: Uint8Array) {
    this.number = number;
    this.bytes = bytes;
  }

  get address(): number {
    return this.number * addressesPerChunk;
  }
}

export class ChunkCache {
  private readonly chunkBytes: number;
  private readonly bytesMax: number;
  private readonly chunks: Chunk[] = [];
  private nextNumber = 1;
  private spare: Uint8Array | undefined;
  bytesHeld = 0;
  /** The least address in memory. */
  oldest = addressesPerChunk;

  constructor(chunkBytes: number, bytesMax: number) {
    this.chunkBytes = chunkBytes;
    this.bytesMax = bytesMax;
  }

  /** The newest chunk when it has `bytes` left, else a new one. */
  withRoom(bytes: number): Chunk {
    const newest = this.chunks.at(-1);
    if (newest !== undefined && newest.bytes.length - newest.used >= bytes) return newest;
    assert(bytes < addressesPerChunk, "a batch larger than any chunk", { bytes });
    const size = Math.max(this.chunkBytes, bytes);
    this.evict(size);
    const chunk = new Chunk(this.nextNumber++, this.memory(size));
    this.chunks.push(chunk);
    this.bytesHeld += size;
    this.oldest = (this.chunks[0] as Chunk).address;
    return chunk;
  }

  /** REQUIRES: address >= oldest. */
  chunkOf(address: number): Chunk {
    const number = Math.floor(address / addressesPerChunk);
    return this.chunks[number - (this.chunks[0] as Chunk).number] as Chunk;
  }

  private evict(bytesWanted: number): void {
    for (;;) {
      const first = this.chunks[0];
      if (first === undefined || this.bytesHeld + bytesWanted <= this.bytesMax || first.batchesUnwritten > 0) return;
      this.chunks.shift();
      this.bytesHeld -= first.bytes.length;
      if (first.bytes.length === this.chunkBytes) this.spare = first.bytes;
    }
  }

  private memory(size: number): Uint8Array {
    const spare = this.spare;
    if (spare === undefined || spare.length !== size) return new Uint8Array(size);
    this.spare = undefined;
    return spare;
  }
}

export function offsetOfAddress(address: number): number {
  return address % addressesPerChunk;
}
