import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { EntryHeader, writeEntryHeader } from "./block-entry.ts";

const length = fc.oneof(fc.nat(300), fc.constantFrom(0, 127, 128, 16_383, 16_384, 2 ** 28));
const number = fc.oneof(
  fc.nat(300),
  fc.constantFrom(0, 127, 128, 2 ** 21 - 1, 2 ** 21, 2 ** 28, Number.MAX_SAFE_INTEGER),
  fc.maxSafeNat(),
);

describe("an entry's header", () => {
  test("is decoded to what was written, and only within bounds", () => {
    const lengths = fc.tuple(length, length, length, fc.nat(5));
    const property = fc.property(lengths, number, ([shared, unshared, cell, at], sequence) => {
      const bytes = new Uint8Array(64).fill(0xff);
      const suffixAt = writeEntryHeader(bytes, at, shared, unshared, cell, sequence);
      const end = suffixAt + unshared + cell;
      const header = new EntryHeader();
      assert.ok(header.decode(bytes, at, end));
      const { shared: s, unshared: u, sequence: q, cellAt, end: e } = header;
      assert.deepEqual(
        [s, u, q, header.suffixAt, cellAt, e],
        [shared, unshared, sequence, suffixAt, suffixAt + unshared, end],
      );
      for (let limit = at + 1; limit < Math.min(end, suffixAt + 3); limit++)
        assert.ok(!header.decode(bytes, at, limit));
      if (end > suffixAt) assert.ok(!header.decode(bytes, at, end - 1));
    });
    fc.assert(property, { numRuns: 1000 });
  });

  test("of random bytes ends within bounds or is refused", () => {
    const bytes = fc.array(fc.oneof(fc.nat(255), fc.constantFrom(0x80, 0xff)), { minLength: 6, maxLength: 48 });
    const property = fc.property(bytes, fc.nat(40), (values, at) => {
      const end = values.length - 5;
      fc.pre(at < end);
      const header = new EntryHeader();
      if (!header.decode(Uint8Array.from(values), at, end)) return;
      assert.ok(header.suffixAt > at && header.suffixAt <= header.cellAt && header.cellAt <= header.end);
      assert.ok(header.end <= end);
      assert.ok(header.sequence <= Number.MAX_SAFE_INTEGER);
    });
    fc.assert(property, { numRuns: 3000 });
  });
});
