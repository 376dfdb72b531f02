import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../base/bytes.ts";
import { groupId } from "../base/ids.ts";
import { slotPosition, virtualNodePositions } from "./positions.ts";
import { xxh32 } from "../../test/ring/by-the-page.ts";

describe("positions on the ring", () => {
  it("are measured against a hash that gives XXH32's published values", () => {
    const published: [string, number, number][] = [
      ["", 0, 0x02cc5d05],
      ["", 0x9e3779b1, 0x36b78ae7],
      ["abc", 0, 0x32d153ff],
      ["Nobody inspects the spammish repetition", 0, 0xe2293b2f],
    ];
    for (const [text, seed, hash] of published) assert.equal(xxh32(utf8(text), seed), hash, text);
  });

  it("of slots are XXH32 of four bytes, big endian", () => {
    for (const slot of [0, 1, 255, 256, 257, 12_182, 16_383]) {
      assert.equal(slotPosition(slot), xxh32(Uint8Array.of(0, 0, slot >>> 8, slot & 0xff), 0), String(slot));
    }
    for (const slot of [-1, 16_384, 0.5]) assert.throws(() => slotPosition(slot), /a slot's number/);
  });

  it("of virtual nodes are XXH32 of group:<id>:<n>, n from 0 to 255", () => {
    for (const id of [1, 2, 64, 300, 65_535]) {
      const positions = virtualNodePositions(groupId(id));
      assert.equal(positions.length, 256);
      for (const number of [0, 1, 9, 10, 99, 100, 255]) {
        assert.equal(positions[number], xxh32(utf8(`group:${id}:${number}`), 0), `group:${id}:${number}`);
      }
    }
  });

  it("are the same after more groups than are kept", () => {
    const before = [...virtualNodePositions(groupId(1))];
    for (let id = 2; id <= 258; id++) virtualNodePositions(groupId(id));
    assert.deepEqual([...virtualNodePositions(groupId(1))], before);
  });
});
