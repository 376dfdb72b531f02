import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  compareBytes,
  compareRanges,
  concatBytes,
  copyBytes,
  emptyBytes,
  equalBytes,
  hex,
  prefixSuccessor,
  printableKey,
  sharedPrefixLength,
  utf8,
  utf8Text,
} from "./bytes.ts";

/** Often prefixes of each other, often extreme bytes. */
const keys = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.array(fc.constantFrom(0, 1, 127, 128, 254, 255), { maxLength: 5 }).map((bytes) => Uint8Array.from(bytes)),
);

test("keys order as unsigned bytes, a prefix before what it begins", () => {
  const inOrder = [[], [0], [0, 0], [0, 255], [1], [127], [128], [255], [255, 0], [255, 255]];
  inOrder.forEach((one, at) =>
    inOrder.forEach((other, otherAt) => {
      const order = compareBytes(Uint8Array.from(one), Uint8Array.from(other));
      assert.equal(Math.sign(order), Math.sign(at - otherAt), `${String(one)} against ${String(other)}`);
    }),
  );
});

test("comparing, whole or in ranges, agrees with Node's own", () => {
  fc.assert(
    fc.property(keys, keys, fc.nat(5), fc.nat(5), (one, other, before, behind) => {
      const expected = Buffer.compare(one, other);
      assert.equal(Math.sign(compareBytes(one, other)), expected);
      assert.equal(equalBytes(one, other), expected === 0);
      const wideOne = inside(one, before, behind);
      const wideOther = inside(other, behind, before);
      const ofRanges = compareRanges(wideOne, before, before + one.length, wideOther, behind, behind + other.length);
      assert.equal(Math.sign(ofRanges), expected);
    }),
  );
});

function inside(bytes: Uint8Array, before: number, behind: number): Uint8Array {
  const wide = new Uint8Array(before + bytes.length + behind).fill(0x5a);
  wide.set(bytes, before);
  return wide;
}

test("the shared prefix is shared, and the byte behind it is not", () => {
  fc.assert(
    fc.property(keys, keys, (one, other) => {
      const shared = sharedPrefixLength(one, other);
      assert.deepEqual(one.subarray(0, shared), other.subarray(0, shared));
      assert.ok(shared === Math.min(one.length, other.length) || one[shared] !== other[shared]);
    }),
  );
});

test("a prefix's successor is above all that begins with it, and nothing lies between", () => {
  fc.assert(
    fc.property(keys, keys, (prefix, key) => {
      const successor = prefixSuccessor(prefix);
      const begins = sharedPrefixLength(prefix, key) === prefix.length;
      const below = successor === undefined || compareBytes(key, successor) < 0;
      assert.equal(begins, compareBytes(key, prefix) >= 0 && below);
    }),
    { numRuns: 500 },
  );
  assert.equal(prefixSuccessor(emptyBytes), undefined);
  assert.equal(prefixSuccessor(Uint8Array.of(255, 255)), undefined);
  assert.deepEqual(prefixSuccessor(Uint8Array.of(1, 255)), Uint8Array.of(2));
});

test("copies and joins share no memory with what they were made from", () => {
  const source = Uint8Array.of(1, 2, 3);
  const copy = copyBytes(source.subarray(1));
  const joined = concatBytes([source, emptyBytes, source.subarray(2)]);
  source.fill(9);
  assert.deepEqual(copy, Uint8Array.of(2, 3));
  assert.deepEqual(joined, Uint8Array.of(1, 2, 3, 3));
  assert.deepEqual(concatBytes([]), emptyBytes);
});

test("bytes are shown to people without a byte lost", () => {
  assert.equal(hex(Uint8Array.of(0, 1, 0x7f, 0xa0, 0xff)), "00017fa0ff");
  assert.equal(printableKey(utf8("user/1 ~")), "user/1 ~");
  assert.equal(printableKey(Uint8Array.of(0x1f, 0x20, 0x5c, 0x7e, 0x7f, 0xc3, 0)), "\\x1f \\x5c~\\x7f\\xc3\\x00");
  fc.assert(
    fc.property(keys, (key) => {
      const back = Uint8Array.from(printableKey(key).match(/\\x..|./g) ?? [], (part) =>
        part.length === 1 ? part.charCodeAt(0) : Number.parseInt(part.slice(2), 16),
      );
      assert.deepEqual(back, key);
      assert.equal(hex(key), Buffer.from(key).toString("hex"));
    }),
  );
});

test("text survives the way through UTF-8, and malformed bytes become the replacement character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      assert.equal(utf8Text(utf8(text)), text);
    }),
  );
  assert.equal(utf8Text(Uint8Array.of(0x61, 0xff, 0x62)), "a\u{fffd}b");
});
