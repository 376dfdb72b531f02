import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { utf8 } from "./bytes.ts";
import { crc32, crc32Continue, maskCrc } from "./checksum.ts";

test("known checksums", () => {
  const known: [string, number][] = [
    ["", 0],
    ["a", 0xe8b7be43],
    ["123456789", 0xcbf43926],
    ["The quick brown fox jumps over the lazy dog", 0x414fa339],
  ];
  for (const [text, expected] of known) assert.equal(crc32(utf8(text)), expected, text);
});

test("a checksum covers exactly its range, and can be continued at any place", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(60), fc.nat(60), (bytes, one, other) => {
      const [start, end] = [Math.min(one, other, bytes.length), Math.min(Math.max(one, other), bytes.length)];
      const part = bytes.slice(start, end);
      assert.equal(crc32(bytes, start, end), crc32(part));
      assert.equal(crc32Continue(crc32(bytes, 0, start), bytes.subarray(start)), crc32(bytes));
    }),
  );
});

test("any flipped bit changes the checksum", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 60 }), fc.nat(), (bytes, where) => {
      const damaged = bytes.slice();
      const bit = where % (bytes.length * 8);
      damaged[bit >>> 3] = (damaged[bit >>> 3] as number) ^ (1 << (bit & 7));
      assert.notEqual(crc32(damaged), crc32(bytes));
    }),
  );
});

test("a mask is part of the formats, loses nothing, and never leaves a checksum as it was", () => {
  assert.equal(maskCrc(0), 0xa282ead8);
  assert.equal(maskCrc(0xcbf43926), 0x14d082c0);
  fc.assert(
    fc.property(fc.nat({ max: 0xffff_ffff }), (crc) => {
      const masked = maskCrc(crc);
      assert.ok(Number.isInteger(masked) && masked >= 0 && masked < 2 ** 32);
      assert.notEqual(masked, crc);
      const rotated = (masked - 0xa282ead8) >>> 0;
      assert.equal(((rotated << 15) | (rotated >>> 17)) >>> 0, crc);
    }),
  );
});
