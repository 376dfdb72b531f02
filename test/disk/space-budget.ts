// A disk that fills up: files may grow by so many bytes together. What a file has already can be written
// again; removing the last name of a file gives its bytes back. A write that fits in part is short, as a
// real one is, and the next takes nothing and fails.

interface Held {
  bytes: number;
  names: number;
}

export class SpaceBudget {
  private bytesLeft = Number.POSITIVE_INFINITY;
  private readonly files = new Map<string, Held>();

  /** From now on so many. */
  limit(bytes: number): void {
    this.bytesLeft = bytes;
  }

  get left(): number {
    return this.bytesLeft;
  }

  refill(bytes: number): void {
    this.bytesLeft += bytes;
  }

  /** A file of this size is there: what it has was paid for. */
  know(path: string, bytes: number): void {
    if (!this.files.has(path)) this.files.set(path, { bytes, names: 1 });
  }

  /** How many of `length` bytes at `position` may be written. */
  grant(path: string, position: number, length: number): number {
    const held = this.files.get(path)?.bytes ?? 0;
    return Math.min(length, Math.max(0, Math.max(held, position) + this.bytesLeft - position));
  }

  /** So many were. A gap that a write leaves costs nothing, as in a sparse file. */
  charge(path: string, position: number, length: number): void {
    const held = this.files.get(path);
    const end = position + length;
    if (held === undefined || length === 0 || end <= held.bytes) return;
    this.bytesLeft -= Math.min(length, end - held.bytes);
    held.bytes = end;
  }

  truncate(path: string, bytes: number): void {
    const held = this.files.get(path);
    if (held === undefined) return;
    this.bytesLeft += Math.max(0, held.bytes - bytes);
    held.bytes = bytes;
  }

  link(existing: string, path: string): void {
    const held = this.files.get(existing);
    if (held === undefined) return;
    held.names++;
    this.files.set(path, held);
  }

  remove(path: string): void {
    const held = this.files.get(path);
    if (held === undefined) return;
    this.files.delete(path);
    if (--held.names === 0) this.bytesLeft += held.bytes;
  }

  rename(from: string, to: string): void {
    const held = this.files.get(from);
    if (held === undefined || held === this.files.get(to)) return;
    this.remove(to);
    this.files.delete(from);
    this.files.set(to, held);
  }
}
