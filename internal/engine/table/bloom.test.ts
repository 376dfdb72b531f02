import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Prng } from "../../base/prng.ts";
import { BloomBuilder, BloomFilter, bloomIsWellFormed } from "./bloom.ts";

function filterOf(hashes: Iterable<number>, bitsPerKey = 10): BloomFilter {
  const builder = new BloomBuilder(bitsPerKey);
  for (const hash of hashes) builder.add(hash);
  const contents = builder.build();
  assert.ok(bloomIsWellFormed(contents));
  return new BloomFilter(contents);
}

describe("a Bloom filter", () => {
  test("passes every key that was added, whatever its hash and the bits per key", () => {
    const hash = fc.oneof(fc.constantFrom(0, 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1), fc.nat(2 ** 32 - 1));
    const property = fc.property(
      fc.array(hash, { maxLength: 2000 }),
      fc.integer({ min: 1, max: 32 }),
      (hashes, bits) => {
        const filter = filterOf(hashes, bits);
        for (const each of hashes) assert.ok(filter.mayContain(each), `hash ${each}`);
      },
    );
    fc.assert(property, { numRuns: 200 });
  });

  for (const keys of [1, 10, 1000, 65_000]) {
    test(`of ${keys} keys lets at most one in a hundred others pass`, () => {
      const chance = new Prng(7, keys);
      const filter = filterOf(Array.from({ length: keys }, () => chance.next()));
      const asked = 200_000;
      let passed = 0;
      for (let at = 0; at < asked; at++) if (filter.mayContain(chance.next())) passed++;
      assert.ok(passed <= asked / 100, `${passed} of ${asked}`);
    });
  }

  test("is sized for the keys that there are, with seven probes at ten bits", () => {
    const filter = filterOf(Array.from({ length: 8000 }, (_, at) => at * 7919));
    assert.equal(filter.bytes.length, 10_000 + 1);
    assert.equal(filter.probes, 7);
    assert.equal(filterOf([]).mayContain(5), false);
  });

  test("is refused without bits or with an impossible count of probes", () => {
    for (const bytes of [[], [7], [255, 0], [255, 31], [255, 255]])
      assert.ok(!bloomIsWellFormed(Uint8Array.from(bytes)));
    assert.ok(bloomIsWellFormed(Uint8Array.of(255, 7)));
  });
});
