// Chance from a seed. Every component draws from a stream of its own, split off by name, so that a
// change in one place does not reshuffle all others. Ratios are integers: "one in n", "m in n".
// The generator is sfc32 (Chris Doty-Humphrey's small fast chaotic one); its first outputs, in which
// near seeds still look alike, are thrown away.

import { assert } from "./assert.ts";
import { utf8 } from "./bytes.ts";
import { hashBytes, rehash } from "./hash.ts";

export class Prng {
  private readonly seed: number;
  private readonly stream: number;
  private a: number;
  private b: number;
  private c: number;
  private counter = 1;

  /** `seed` is any whole number that a double holds exactly, `stream` one of 32 bits. */
  constructor(seed: number, stream = 0) {
    assert(Number.isSafeInteger(seed), "a seed is a whole number", { seed });
    this.seed = seed;
    this.stream = stream >>> 0;
    this.a = seed | 0;
    this.b = Math.floor(seed / 0x1_0000_0000) | 0;
    this.c = stream | 0;
    for (let round = 0; round < 15; round++) this.next();
  }

  /**
   * A stream of its own, decided by where this one began and by the name alone: it is the same however
   * much was drawn or split off before. So of one stream each name is split off once.
   */
  split(name: string): Prng {
    const bytes = utf8(name);
    return new Prng(this.seed, rehash(this.stream ^ hashBytes(bytes, 0, bytes.length)));
  }

  /** A whole number from 0 to 2^32 - 1. */
  next(): number {
    const sum = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** A whole number from 0 to `limit` - 1; `limit` is at most 2^32. */
  below(limit: number): number {
    assert(limit > 0 && limit <= 0x1_0000_0000, "limit of a random number", { limit });
    return Math.floor((this.next() * limit) / 0x1_0000_0000);
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(parts: number, of: number): boolean {
    return this.below(of) < parts;
  }

  pick<T>(choices: readonly T[]): T {
    assert(choices.length > 0, "a pick from nothing");
    return choices[this.below(choices.length)] as T;
  }

  fill(target: Uint8Array): void {
    for (let at = 0; at < target.length; at++) target[at] = this.next() >>> 24;
  }

  /** For names that nobody else draws. */
  hexDigits(count: number): string {
    return Array.from({ length: count }, () => this.below(16).toString(16)).join("");
  }

  /** Shuffles in place. */
  shuffle<T>(items: T[]): T[] {
    for (let at = items.length - 1; at > 0; at--) {
      const other = this.below(at + 1);
      const kept = items[at] as T;
      items[at] = items[other] as T;
      items[other] = kept;
    }
    return items;
  }
}
