// Where a block is in memory: in a frame of the cache, or in memory of its own.

export class HeldBlock {
  bytes = nothing;
  start = 0;
  /** Trailer included. */
  end = 0;
  /** The frame of the cache, or -1. */
  frame = -1;

  pointAtOwn(bytes: Uint8Array): void {
    this.pointAtPart(bytes, 0, bytes.length);
  }

  /** At memory that is no frame. */
  pointAtPart(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.frame = -1;
  }

  clear(): void {
    this.pointAtOwn(nothing);
  }
}

const nothing: Uint8Array = new Uint8Array(0);
