// Copies of small payloads that callers may keep. Every typed array of its own costs an allocation outside
// of the heap, some 250 ns and work for the collector; so small copies are cut from chunks. A copy that is
// kept keeps its chunk, which is why chunks are small.

import { sharedChunk } from "../base/shared-chunk.ts";

const chunkBytes = 8192;
/** Larger ones are arrays of their own: what is left over of a chunk stays small, and so does what a kept copy holds on to. */
const pooledBytesMax = chunkBytes / 8;

export class CopyPool {
  private chunk = sharedChunk(chunkBytes);
  private used = 0;

  /** A copy of source[start, end), never written again by the pool. */
  copy(source: Uint8Array, start: number, end: number): Uint8Array {
    const length = end - start;
    if (length > pooledBytesMax) return source.slice(start, end);
    if (this.used + length > chunkBytes) {
      this.chunk = sharedChunk(chunkBytes);
      this.used = 0;
    }
    const from = this.used;
    this.used += length;
    this.chunk.set(source.subarray(start, end), from);
    return this.chunk.subarray(from, from + length);
  }
}
