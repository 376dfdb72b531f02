import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AssertionFailure } from "./assert.ts";
import { Prng } from "./prng.ts";

function take(random: Prng, count: number): number[] {
  return Array.from({ length: count }, () => random.next());
}

/** sfc32 as its author gives it, in whole numbers, begun as Prng begins it. */
function yardstick(seed: number, stream: number, count: number): number[] {
  const mask = 0xffff_ffffn;
  let [a, b, c, counter] = [BigInt(seed) & mask, (BigInt(seed) >> 32n) & mask, BigInt(stream), 1n];
  const drawn: number[] = [];
  for (let at = 0; at < 15 + count; at++) {
    const sum = (a + b + counter) & mask;
    counter = (counter + 1n) & mask;
    a = b ^ (b >> 9n);
    b = (c + (c << 3n)) & mask;
    c = (((c << 21n) | (c >> 11n)) + sum) & mask;
    if (at >= 15) drawn.push(Number(sum));
  }
  return drawn;
}

const seeds = fc.oneof(fc.maxSafeNat(), fc.nat(10), fc.constantFrom(-1, -(2 ** 32), 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1));

test("a seed and a stream decide all numbers, and they are those of sfc32", () => {
  fc.assert(
    fc.property(seeds, fc.nat({ max: 0xffff_ffff }), (seed, stream) => {
      assert.deepEqual(take(new Prng(seed, stream), 20), yardstick(seed, stream, 20));
    }),
  );
});

test("numbers once drawn stay as they are, so that old seeds replay", () => {
  assert.deepEqual(take(new Prng(1), 4), [3387734806, 1080862987, 3546521498, 2861869171]);
  assert.deepEqual(take(new Prng(2 ** 53 - 1).split("disk"), 4), [258075146, 2845622716, 974141350, 780059836]);
});

test("a seed that is no whole number is refused", () => {
  for (const seed of [0.5, Number.NaN, Infinity, 2 ** 53]) assert.throws(() => new Prng(seed), AssertionFailure);
});

test("what is split off depends on the name and on where the parent began, not on what else happened", () => {
  fc.assert(
    fc.property(seeds, fc.string(), fc.string(), fc.nat(20), (seed, name, other, drawn) => {
      const plain = new Prng(seed);
      const busy = new Prng(seed);
      take(busy, drawn);
      busy.split(other).next();
      assert.deepEqual(take(busy.split(name), 5), take(plain.split(name), 5));
      assert.deepEqual(take(busy, 3), take(plain, drawn + 3).slice(drawn), "splitting draws from the parent");
    }),
  );
});

test("streams are independent: of other names, of other parents, of the parent itself, of the order of names", () => {
  const root = new Prng(42);
  const streams = [root, new Prng(43), new Prng(42, 1)];
  for (const name of ["", "a", "b", "disk", "disk 1", "disk 2"]) {
    const child = new Prng(42).split(name);
    streams.push(
      child,
      new Prng(42).split(name).split("a"),
      new Prng(42).split("a").split(name),
      new Prng(43).split(name),
    );
  }
  // "a" of "a" was taken twice.
  const numbers = new Map(streams.map((random) => [take(random, 64).join(), random]));
  assert.equal(numbers.size, streams.length - 1);
  const drawn = [...numbers.keys()].map((line) => line.split(",").map(Number));
  for (const one of drawn) {
    for (const other of drawn) if (one !== other) assert.ok(bitsInCommon(one, other) < 0.57);
  }
});

/** The share of bits that agree; of independent streams of 64 numbers it is within 0.07 of a half for sure. */
function bitsInCommon(one: readonly number[], other: readonly number[]): number {
  let different = 0;
  one.forEach((number, at) => {
    const difference = (number ^ (other[at] as number)) >>> 0;
    different += difference.toString(2).replaceAll("0", "").length;
  });
  return 1 - different / (one.length * 32);
}

test("below and between stay in their bounds and reach every number of them", () => {
  fc.assert(
    fc.property(seeds, fc.integer({ min: 1, max: 40 }), fc.integer({ min: -50, max: 50 }), (seed, range, least) => {
      const random = new Prng(seed);
      const seen = new Set<number>();
      for (let draw = 0; draw < range * 40; draw++) seen.add(random.between(least, least + range - 1));
      assert.equal(seen.size, range);
      assert.equal(Math.min(...seen), least);
      assert.equal(Math.max(...seen), least + range - 1);
    }),
    { numRuns: 30 },
  );
  const random = new Prng(3);
  for (let draw = 0; draw < 1000; draw++) assert.ok(random.below(2 ** 32) < 2 ** 32);
  assert.throws(() => random.below(0), AssertionFailure);
  assert.throws(() => random.below(2 ** 32 + 1), AssertionFailure);
  assert.throws(() => random.pick([]), AssertionFailure);
});

test("a chance of m in n comes m times in n, about", () => {
  const random = new Prng(4);
  let hits = 0;
  for (let draw = 0; draw < 30_000; draw++) if (random.chance(1, 3)) hits++;
  assert.ok(Math.abs(hits - 10_000) < 500, `${hits} of 30000`);
  assert.equal(random.chance(0, 5), false);
  assert.equal(random.chance(5, 5), true);
});

test("a shuffle keeps every item and brings each to every place", () => {
  const random = new Prng(5);
  const counts = Array.from({ length: 4 }, () => [0, 0, 0, 0]);
  for (let round = 0; round < 4000; round++) {
    const items = random.shuffle([0, 1, 2, 3]);
    assert.deepEqual(new Set(items), new Set([0, 1, 2, 3]));
    items.forEach((item, place) => count(counts, item, place));
  }
  for (const places of counts) for (const times of places) assert.ok(Math.abs(times - 1000) < 150, `${times}`);
});

function count(counts: number[][], item: number, place: number): void {
  const places = counts[item] as number[];
  places[place] = (places[place] as number) + 1;
}

test("filled bytes take every value", () => {
  const bytes = new Uint8Array(8192);
  new Prng(6).fill(bytes);
  assert.equal(new Set(bytes).size, 256);
});

test("a name of hexadecimal digits has as many as are asked for, and all of them", () => {
  const name = new Prng(1).hexDigits(1000);
  assert.match(name, /^[0-9a-f]{1000}$/);
  assert.equal(new Set(name).size, 16);
});
