// The bytes of one file in memory, in chunks that forks share until one of them writes. So a clone of
// a whole disk costs what is written after it, not what the disk holds. A chunk that was never written
// is absent and reads as zeros.

const chunkBytes = 4096;
const zeros = new Uint8Array(chunkBytes);

interface Chunk {
  /** The token of the image that may write into it; every other image copies first. */
  readonly owner: object;
  readonly bytes: Uint8Array;
}

export class ByteImage {
  private chunks: (Chunk | undefined)[] = [];
  private owner: object = {};

  read(target: Uint8Array, position: number): void {
    for (let done = 0; done < target.length;) {
      const at = position + done;
      const within = at % chunkBytes;
      const length = Math.min(chunkBytes - within, target.length - done);
      const bytes = this.chunks[(at - within) / chunkBytes]?.bytes ?? zeros;
      target.set(bytes.subarray(within, within + length), done);
      done += length;
    }
  }

  /** A copy of [from, to). */
  slice(from: number, to: number): Uint8Array {
    const copy = new Uint8Array(to - from);
    this.read(copy, from);
    return copy;
  }

  write(source: Uint8Array, position: number): void {
    for (let done = 0; done < source.length;) {
      const at = position + done;
      const within = at % chunkBytes;
      const length = Math.min(chunkBytes - within, source.length - done);
      this.ownChunk((at - within) / chunkBytes).set(source.subarray(done, done + length), within);
      done += length;
    }
  }

  zero(from: number, to: number): void {
    for (let at = from; at < to;) {
      const within = at % chunkBytes;
      const length = Math.min(chunkBytes - within, to - at);
      const index = (at - within) / chunkBytes;
      if (length === chunkBytes) {
        if (index < this.chunks.length) this.chunks[index] = undefined;
      } else if (this.chunks[index] !== undefined) {
        this.ownChunk(index).fill(0, within, within + length);
      }
      at += length;
    }
  }

  /** An image of the same bytes; what is written to either later does not show in the other. */
  fork(): ByteImage {
    const other = new ByteImage();
    other.chunks = this.chunks.slice();
    this.owner = {};
    return other;
  }

  private ownChunk(index: number): Uint8Array {
    const chunk = this.chunks[index];
    if (chunk !== undefined && chunk.owner === this.owner) return chunk.bytes;
    const bytes = chunk === undefined ? new Uint8Array(chunkBytes) : chunk.bytes.slice();
    while (this.chunks.length < index) this.chunks.push(undefined);
    this.chunks[index] = { owner: this.owner, bytes };
    return bytes;
  }
}
