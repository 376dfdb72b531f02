import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../base/bytes.ts";
import { crc16, slotOf } from "./slots.ts";

describe("slots", () => {
  it("agree with the published check value of CRC16 and with Redis Cluster's slots", () => {
    assert.equal(crc16(utf8("123456789")), 0x31c3);
    for (const [key, slot] of [
      ["foo", 12182],
      ["bar", 5061],
      ["hello", 866],
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
  });

  it("look only at the key's own bytes", () => {
    const bytes = utf8("x{a}foo}");
    assert.equal(slotOf(bytes, 4, 7), slotOf(utf8("foo")));
    assert.equal(slotOf(bytes, 1, 3), slotOf(utf8("{a")));
  });
});
