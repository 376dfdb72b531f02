import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ByteReader } from "../base/codec.ts";
import { logIndex, term } from "../base/ids.ts";
import { stamp } from "../base/stamp.ts";
import type { Boundary } from "./group-state.ts";
import { MovingSlots } from "./moving-slots.ts";

const entry = (index: number): Boundary => {
  return { term: term(3), index: logIndex(index), stamp: stamp(100 * index) };
};
const move = (slots: MovingSlots, mode: "seal" | "close" | "open", which: readonly number[], index: number): number[] =>
  slots.move({ mode, above: term(0), slots: which }, entry(index));

const takenBack = (slots: MovingSlots): MovingSlots => {
  const again = new MovingSlots();
  for (const slot of slots.known) {
    const record = slots.encode(slot);
    assert.ok(record !== undefined);
    again.take(slot, new ByteReader(record, "a slot"));
  }
  return again;
};

describe("slots that move", () => {
  it("are told once each when there is something new to remember of them, however many others move", () => {
    const slots = new MovingSlots();
    assert.deepEqual(move(slots, "seal", [1, 2, 3, 2], 1), [1, 2, 3]);
    assert.deepEqual(move(slots, "seal", [2, 4], 2), [4]);
    assert.deepEqual(move(slots, "close", [1, 2], 3), [1, 2]);
    assert.deepEqual(move(slots, "seal", [1], 4), []);
    assert.deepEqual(slots.loaded([1, 3, 1], stamp(500)), [1, 3]);
    assert.deepEqual(slots.loaded([3, 2], stamp(600)), [2]);
    assert.deepEqual(move(slots, "open", [9, 4, 1, 1], 7), [4, 1]);
    assert.deepEqual(slots.known, [1, 2, 3]);
    assert.equal(slots.encode(4), undefined);
    assert.deepEqual(slots.passed(stamp(699)), []);
    assert.deepEqual(slots.passed(stamp(700)), [1]);
    assert.deepEqual(slots.known, [2, 3]);
  });

  it("are the same when they were read back", () => {
    const slots = new MovingSlots();
    move(slots, "close", [0, 7, 16_383], 1);
    slots.loaded([7], stamp(500));
    move(slots, "open", [0, 7], 6);
    move(slots, "seal", [7, 8], 8);
    slots.loaded([8], stamp(900));
    const again = takenBack(slots);
    assert.deepEqual(again, slots);
    assert.equal(again.isSealed(7), true);
    assert.equal(again.isClosed(7), false);
    assert.equal(again.isVoid(7, { term: term(3), index: logIndex(5) }), true);
    assert.equal(again.garbageHorizon(stamp(2000)), 899);
  });

  it("hold garbage from before the first load of those that are sealed still, read back in whatever order", () => {
    const slots = new MovingSlots();
    move(slots, "seal", [1, 2, 3], 1);
    assert.equal(slots.garbageHorizon(stamp(1000)), 1000);
    slots.loaded([3], stamp(300));
    slots.loaded([1], stamp(400));
    slots.loaded([2], stamp(500));
    assert.equal(slots.garbageHorizon(stamp(299)), 299);
    for (const each of [slots, takenBack(slots)]) {
      assert.equal(each.garbageHorizon(stamp(1000)), 299);
      move(each, "open", [3], 6);
      assert.equal(each.garbageHorizon(stamp(1000)), 399);
      move(each, "open", [2], 7);
      assert.equal(each.garbageHorizon(stamp(1000)), 399);
      move(each, "open", [1], 8);
      assert.equal(each.garbageHorizon(stamp(1000)), 1000);
    }
  });

  it("cannot be read from what no replica writes, or of a slot that there is not", () => {
    const take = (slot: number, ...bytes: number[]): MovingSlots => {
      const moving = new MovingSlots();
      moving.take(slot, new ByteReader(Uint8Array.from(bytes), "a slot"));
      return moving;
    };
    const opened = [3, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    assert.deepEqual(take(1, 4, ...opened).known, [1]);
    for (const flags of [0, 2, 6, 12, 0xfc]) {
      assert.throws(() => take(1, flags, ...opened), { code: "corruption" }, `flags ${flags}`);
    }
    assert.throws(() => take(1, 4, ...opened, 0), { code: "corruption" });
    assert.throws(() => take(16_384, 4, ...opened), { code: "corruption" });
  });
});
