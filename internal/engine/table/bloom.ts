// A Bloom filter over the distinct keys of a table: it says "not here" or "maybe". It is sized for the
// count of keys that there were, at 10 bits each and 7 probes a share of 0.8 % of foreign keys passes.
//
//   contents of the filter block = bits (8 to a byte, the lowest first) | probes u8
//
// The probes of a key with hash h are bits p(0), p(1), ...: p(0) = h, d(0) = rehash(h), p(i+1) = p(i) + d(i),
// d(i+1) = d(i) + i + 1, all modulo the count of bits ("enhanced double hashing", after Dillinger and Manolios).
// Hashes are hashBytes of engine keys, which is part of the format, as rehash is.

import { assert } from "../../base/assert.ts";
import { rehash } from "../../base/hash.ts";

const probesMax = 30;
/** Sums of two bits stay below 2^31. */
const bitsMax = 2 ** 30;

/** Collects the hashes of distinct keys, four bytes each, until their count is known. */
export class BloomBuilder {
  private hashes = new Uint32Array(1024);
  private count = 0;
  private readonly bitsPerKey: number;

  constructor(bitsPerKey: number) {
    assert(bitsPerKey >= 1, "Bloom bits per key", { bitsPerKey });
    this.bitsPerKey = bitsPerKey;
  }

  get keys(): number {
    return this.count;
  }

  /** What the filter will take, about. */
  get bytesEstimated(): number {
    return ((this.count * this.bitsPerKey) >>> 3) + 1;
  }

  add(hash: number): void {
    if (this.count === this.hashes.length) {
      const grown = new Uint32Array(this.count * 2);
      grown.set(this.hashes);
      this.hashes = grown;
    }
    this.hashes[this.count++] = hash;
  }

  /** The contents of a filter block, with `room` bytes to spare behind them. */
  build(room = 0): Uint8Array {
    const bits = Math.min(Math.max(64, this.count * this.bitsPerKey), bitsMax);
    const bytes = Math.ceil(bits / 8);
    const contents = new Uint8Array(bytes + 1 + room);
    const probes = Math.min(probesMax, Math.max(1, Math.round(this.bitsPerKey * Math.LN2)));
    contents[bytes] = probes;
    for (let at = 0; at < this.count; at++) setBits(contents, bytes * 8, probes, this.hashes[at] as number);
    return contents;
  }
}

function setBits(bits: Uint8Array, bitCount: number, probes: number, hash: number): void {
  let position = hash % bitCount;
  let step = rehash(hash) % bitCount;
  for (let probe = 1; ; probe++) {
    bits[position >>> 3] = (bits[position >>> 3] as number) | (1 << (position & 7));
    if (probe === probes) return;
    position += step;
    if (position >= bitCount) position -= bitCount;
    step += probe;
    if (step >= bitCount) step -= bitCount;
  }
}

/** Reads a filter where it lies. REQUIRES: bloomIsWellFormed. */
export class BloomFilter {
  readonly bytes: Uint8Array;
  private readonly bitCount: number;
  readonly probes: number;

  constructor(contents: Uint8Array) {
    this.bytes = contents;
    this.bitCount = (contents.length - 1) * 8;
    this.probes = contents[contents.length - 1] as number;
  }

  /**
   * False only for keys that the table does not have. The hash may come as a signed number, which
   * needs no object of its own to be passed.
   */
  mayContain(hash: number): boolean {
    const { bytes, bitCount, probes } = this;
    let position = (hash >>> 0) % bitCount;
    if (((bytes[position >>> 3] as number) & (1 << (position & 7))) === 0) return false;
    let step = rehash(hash) % bitCount;
    for (let probe = 1; probe < probes; probe++) {
      position += step;
      if (position >= bitCount) position -= bitCount;
      if (((bytes[position >>> 3] as number) & (1 << (position & 7))) === 0) return false;
      step += probe;
      if (step >= bitCount) step -= bitCount;
    }
    return true;
  }
}

export function bloomIsWellFormed(contents: Uint8Array): boolean {
  const probes = contents[contents.length - 1];
  return (
    contents.length >= 2 &&
    contents.length - 1 <= bitsMax / 8 &&
    probes !== undefined &&
    probes >= 1 &&
    probes <= probesMax
  );
}
