import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "./bytes.ts";
import { hashBytes, hashBytesSigned, rehash } from "./hash.ts";

/** MurmurHash3 x86_32 as its definition reads, in whole numbers: slow, and independent of ours. */
function murmur3(bytes: Uint8Array, seed: number): number {
  const mask = 0xffff_ffffn;
  const multiply = (value: bigint, by: bigint): bigint => (value * by) & mask;
  const rotate = (value: bigint, bits: bigint): bigint => ((value << bits) | (value >> (32n - bits))) & mask;
  const scramble = (block: bigint): bigint => multiply(rotate(multiply(block, 0xcc9e2d51n), 15n), 0x1b873593n);
  let hash = BigInt(seed);
  const whole = bytes.length - (bytes.length % 4);
  const blockAt = (at: number): bigint =>
    bytes.subarray(at, Math.min(at + 4, bytes.length)).reduceRight((block, byte) => (block << 8n) | BigInt(byte), 0n);
  for (let at = 0; at < whole; at += 4) {
    hash = (multiply(rotate(hash ^ scramble(blockAt(at)), 13n), 5n) + 0xe6546b64n) & mask;
  }
  if (whole < bytes.length) hash ^= scramble(blockAt(whole));
  hash ^= BigInt(bytes.length);
  hash = multiply(hash ^ (hash >> 16n), 0x85ebca6bn);
  hash = multiply(hash ^ (hash >> 13n), 0xc2b2ae35n);
  return Number(hash ^ (hash >> 16n));
}

const ourSeed = 0x7f4a7c15;

test("the yardstick gives MurmurHash3's published values", () => {
  const published: [string, number, number][] = [
    ["", 0, 0],
    ["", 1, 0x514e28b7],
    ["", 0xffffffff, 0x81f16f39],
    ["test", 0, 0xba6bd213],
    ["test", 0x9747b28c, 0x704b81dc],
    ["Hello, world!", 0x9747b28c, 0x24884cba],
    ["The quick brown fox jumps over the lazy dog", 0x9747b28c, 0x2fa826cd],
  ];
  for (const [text, seed, expected] of published) assert.equal(murmur3(utf8(text), seed), expected, text);
});

test("a hash is MurmurHash3 of exactly its range, for every length of tail", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(5), fc.nat(5), (key, before, behind) => {
      const wide = new Uint8Array(before + key.length + behind).fill(0xcc);
      wide.set(key, before);
      const hash = hashBytes(wide, before, before + key.length);
      assert.equal(hash, murmur3(key, ourSeed));
      assert.equal(hashBytesSigned(wide, before, before + key.length) >>> 0, hash);
    }),
    { numRuns: 500 },
  );
});

test("hashes are part of the table format: these stay as they are", () => {
  const known: [string, number, number][] = [
    ["", 0x4bc0fbeb, 0x985e3ebb],
    ["a", 0xd9e0e4e2, 0x72b561af],
    ["ab", 0x14534d21, 0xea0aa77f],
    ["abc", 0xc0cccfa0, 0xa3e4579b],
    ["abcd", 0xe1a244f5, 0xa0157977],
    ["user:1000", 0x500c6756, 0xb9e25062],
    ["The quick brown fox jumps over the lazy dog", 0x7881a16c, 0x4eb5278d],
  ];
  for (const [text, hash, second] of known) {
    const bytes = utf8(text);
    assert.equal(hashBytes(bytes, 0, bytes.length), hash, text);
    assert.equal(rehash(hash), second, text);
  }
});

test("a second hash is a whole number of 32 bits that does not follow the first", () => {
  const seen = new Set<number>();
  for (let hash = 0; hash < 1000; hash++) {
    const second = rehash(hash);
    assert.ok(Number.isInteger(second) && second >= 0 && second < 2 ** 32);
    seen.add(second);
  }
  assert.equal(seen.size, 1000);
});

test("one changed bit changes about half of the hash", () => {
  const key = utf8("a key of twenty bytes");
  let changed = 0;
  for (let bit = 0; bit < key.length * 8; bit++) {
    const other = key.slice();
    other[bit >>> 3] = (other[bit >>> 3] as number) ^ (1 << (bit & 7));
    const difference = hashBytes(key, 0, key.length) ^ hashBytes(other, 0, other.length);
    changed += (difference >>> 0).toString(2).replaceAll("0", "").length;
  }
  const share = changed / (key.length * 8 * 32);
  assert.ok(share > 0.45 && share < 0.55, `share of bits changed: ${share}`);
});
