// Small arrays of bytes, cut from chunks. A typed array of its own costs an allocation outside of the heap, some 250 ns to
// microseconds, and work for the collector; a piece of a chunk costs its object. Whoever keeps a piece keeps its chunk, which
// is why chunks are small. Pieces do not overlap, and none is given out twice.

import { sharedChunk } from "./shared-chunk.ts";

const chunkBytes = 8192;
/** Larger ones are arrays of their own: what is left over of a chunk stays small, and so does what a kept piece holds on to. */
const pooledBytesMax = chunkBytes / 8;

export class BytePool {
  private chunk = sharedChunk(chunkBytes);
  private used = 0;

  /** Of zeros, for the caller to write. */
  take(length: number): Uint8Array {
    if (length > pooledBytesMax) return new Uint8Array(length);
    const from = this.claim(length);
    return this.chunk.subarray(from, from + length);
  }

  /** A copy of source[start, end). */
  copy(source: Uint8Array, start: number, end: number): Uint8Array {
    const length = end - start;
    if (length > pooledBytesMax) return source.slice(start, end);
    const from = this.claim(length);
    this.chunk.set(source.subarray(start, end), from);
    return this.chunk.subarray(from, from + length);
  }

  /** Where the piece begins in the present chunk. */
  private claim(length: number): number {
    if (this.used + length > chunkBytes) {
      this.chunk = sharedChunk(chunkBytes);
      this.used = 0;
    }
    const from = this.used;
    this.used += length;
    return from;
  }
}
