// The keys and values of a benchmark, the same bytes on both sides, built before anything is timed.
//
// Keys are 20 random characters out of 32, so they come in random order by themselves; keys that are
// missing come from the same range, so no fence of a file keeps a search for them short. Values are
// 100 random bytes out of a pool of 4096, which no compressor could shorten.

import { Prng } from "../../internal/base/prng.ts";

export const keyBytes = 20;
export const valueBytes = 100;
const valuePool = 4096;
const alphabet = "0123456789abcdefghijklmnopqrstuv";

export class KeySet {
  readonly count: number;
  /** Views into one buffer; none when they are made as they are asked for. */
  private readonly views: Uint8Array[] = [];
  private readonly bytes: Buffer;
  private readonly plain: Uint8Array;

  /** Lean: keys are no objects until they are asked for, so that the collector has nothing to do for the benchmark's sake. */
  constructor(count: number, seed: number, lean = false) {
    this.count = count;
    this.bytes = Buffer.alloc(count * keyBytes);
    const random = new Prng(seed);
    for (let at = 0; at < this.bytes.length; at += 5) {
      let word = random.next();
      for (let offset = 0; offset < 5; offset++, word >>>= 5) {
        this.bytes[at + offset] = alphabet.charCodeAt(word & 31);
      }
    }
    this.plain = new Uint8Array(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
    if (lean) return;
    for (let index = 0; index < count; index++) this.views.push(this.view(index));
  }

  of(index: number): Uint8Array {
    return this.views.length === 0 ? this.view(index) : (this.views[index] as Uint8Array);
  }

  private view(index: number): Uint8Array {
    return this.plain.subarray(index * keyBytes, (index + 1) * keyBytes);
  }

  /** The same keys as strings, for an interface that is faster with those. */
  texts(): string[] {
    const texts: string[] = [];
    for (let at = 0; at < this.bytes.length; at += keyBytes)
      texts.push(this.bytes.toString("latin1", at, at + keyBytes));
    return texts;
  }
}

export class Values {
  readonly views: Uint8Array[] = [];

  constructor(seed: number, bytes = valueBytes) {
    const pool = new Uint8Array(valuePool * bytes);
    const random = new Prng(seed);
    for (let at = 0; at < pool.length; at++) pool[at] = random.next();
    for (let at = 0; at < pool.length; at += bytes) this.views.push(pool.subarray(at, at + bytes));
  }

  /** The value of key `index` as of the given writing of it; which one is a matter of arithmetic, so that reads can be checked. */
  of(index: number, generation: number): Uint8Array {
    return this.views[(index + generation * 1021) & (valuePool - 1)] as Uint8Array;
  }
}

/** Every number below `count` once, in an order that jumps about. */
export function strideOrder(count: number): (position: number) => number {
  const stride = 611_953;
  const step = count % stride === 0 ? 1 : stride % count;
  return (position) => (position * step) % count;
}

/** Random indexes, drawn before the clock runs. */
export function randomIndexes(draws: number, below: number, seed: number): Int32Array {
  const random = new Prng(seed);
  const indexes = new Int32Array(draws);
  for (let at = 0; at < draws; at++) indexes[at] = random.below(below);
  return indexes;
}

export const bulkBatch = 1000;
const encoder = new TextEncoder();

/** Key number `at` of a bulk load: decimal digits, so that they ascend. */
export function bulkKey(at: number): Uint8Array {
  return encoder.encode(String(at).padStart(keyBytes, "0"));
}
