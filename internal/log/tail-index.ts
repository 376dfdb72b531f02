// The exact places in memory of a group's newest entries, for as far back as the cache still holds
// them: a queue of addresses (see ChunkCache), one for each index without gaps.

export class TailIndex {
  private addresses = new Float64Array(16);
  /** A power of two minus one. */
  private mask = 15;
  private head = 0;
  private count = 0;
  private first = 0;

  /** The least index that is held; above `lastIndex` of the group when none is. */
  get firstIndex(): number {
    return this.first;
  }

  get bytesHeld(): number {
    return this.addresses.byteLength;
  }

  get size(): number {
    return this.count;
  }

  /** `oldest` is the least address that is still in memory. */
  push(index: number, address: number, oldest: number): void {
    this.trim(oldest);
    if (this.count === 0 || index !== this.first + this.count) {
      this.count = 0;
      this.first = index;
    }
    if (this.count > this.mask) this.grow();
    this.addresses[(this.head + this.count) & this.mask] = address;
    this.count++;
  }

  /** The address of an entry, or -1 when it is not in memory. */
  find(index: number, oldest: number): number {
    const at = index - this.first;
    if (at < 0 || at >= this.count) return -1;
    const address = this.addresses[(this.head + at) & this.mask] as number;
    return address >= oldest ? address : -1;
  }

  truncateFrom(index: number): void {
    this.count = Math.max(0, Math.min(this.count, index - this.first));
  }

  clear(): void {
    this.count = 0;
  }

  /** Lets go of what has left memory. */
  trim(oldest: number): void {
    while (this.count > 0 && (this.addresses[this.head] as number) < oldest) {
      this.head = (this.head + 1) & this.mask;
      this.first++;
      this.count--;
    }
    if (this.count === 0 && this.mask > 1023) {
      this.addresses = new Float64Array(16);
      this.mask = 15;
      this.head = 0;
    }
  }

  private grow(): void {
    const grown = new Float64Array((this.mask + 1) * 2);
    for (let at = 0; at < this.count; at++) grown[at] = this.addresses[(this.head + at) & this.mask] as number;
    this.addresses = grown;
    this.mask = grown.length - 1;
    this.head = 0;
  }
}
