// Memory for walks that read ahead past the block cache: equal buffers, so many at most, made when they are
// first needed and used again. Whoever takes one gives it back; when all are out, the walk goes through the cache.

import { assert } from "../../base/assert.ts";

export const spanBytes = 128 * 1024;

export class SpanPool {
  private readonly spare: Uint8Array[] = [];
  private readonly most: number;
  private made = 0;

  constructor(bytesMax: number) {
    this.most = Math.floor(bytesMax / spanBytes);
  }

  /** Buffers that somebody has. */
  get taken(): number {
    return this.made - this.spare.length;
  }

  take(): Uint8Array | undefined {
    const spare = this.spare.pop();
    if (spare !== undefined) return spare;
    if (this.made === this.most) return undefined;
    this.made++;
    return new Uint8Array(spanBytes);
  }

  give(buffer: Uint8Array): void {
    assert(this.taken > 0 && !this.spare.includes(buffer), "a buffer was given back twice", { taken: this.taken });
    this.spare.push(buffer);
  }
}
