import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { utf8 } from "../base/bytes.ts";
import { crc16, slotCount, slotOf } from "./slots.ts";

/** CRC16 bit by bit, without a table. */
function crcByBits(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    for (let bit = 7; bit >= 0; bit--) {
      const carry = (crc >>> 15) ^ ((byte >>> bit) & 1);
      crc = ((crc << 1) & 0xffff) ^ (carry * 0x1021);
    }
  }
  return crc;
}

/** The part of a key that counts, in the words of Redis Cluster's specification. */
function hashedPart(key: string): string {
  const open = key.indexOf("{");
  if (open < 0) return key;
  const close = key.indexOf("}", open + 1);
  return close < 0 || close === open + 1 ? key : key.slice(open + 1, close);
}

describe("slots", () => {
  it("agree with the published check value of CRC16 and with Redis Cluster's slots", () => {
    assert.equal(crc16(utf8("123456789")), 0x31c3);
    for (const [key, slot] of [
      ["foo", 12182],
      ["bar", 5061],
      ["hello", 866],
      ["somekey", 11058],
      ["foo{hash_tag}", 2515],
      ["bar{hash_tag}", 2515],
      ["123456789", 0x31c3],
      ["", 0],
    ] as const) {
      assert.equal(slotOf(utf8(key)), slot, key);
    }
  });

  it("of keys with one tag are the same, and an empty or open tag is none", () => {
    assert.equal(slotOf(utf8("{user1000}.following")), slotOf(utf8("{user1000}.followers")));
    assert.equal(slotOf(utf8("{user1000}.following")), slotOf(utf8("user1000")));
    assert.equal(slotOf(utf8("foo{{bar}}zap")), slotOf(utf8("{bar")));
    assert.equal(slotOf(utf8("foo{bar}{zap}")), slotOf(utf8("bar")));
    assert.equal(slotOf(utf8("foo{}{bar}")), crc16(utf8("foo{}{bar}")) % 16_384);
    assert.equal(slotOf(utf8("foo{bar")), crc16(utf8("foo{bar")) % 16_384);
    assert.equal(slotOf(utf8("}{bar}")), slotOf(utf8("bar")));
  });

  it("look only at the key's own bytes", () => {
    const bytes = utf8("x{a}foo}");
    assert.equal(slotOf(bytes, 4, 7), slotOf(utf8("foo")));
    assert.equal(slotOf(bytes, 1, 3), slotOf(utf8("{a")));
    assert.equal(slotOf(bytes, 3, 3), 0);
  });

  it("are those of the specification for any key, wherever it lies", () => {
    const text = fc.string({ unit: fc.constantFrom("{", "}", "a", "b", "é", "\0", "\u{1f340}"), maxLength: 12 });
    fc.assert(
      fc.property(text, text, text, (before, key, behind) => {
        const frame = utf8(before + key + behind);
        const start = utf8(before).length;
        const slot = slotOf(frame, start, start + utf8(key).length);
        assert.equal(slot, crcByBits(utf8(hashedPart(key))) % slotCount);
      }),
      { numRuns: 1000 },
    );
  });
});
