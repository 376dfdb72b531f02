import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FixedClock, HeldTurns } from "../../../test/engine/table-fixture.ts";
import { ReadBudget } from "./read-budget.ts";

function read(budget: ReadBudget, clock: FixedClock, milliseconds: number): boolean {
  if (!budget.tryTake()) return false;
  clock.milliseconds += milliseconds;
  budget.done();
  return true;
}

describe("a read budget", () => {
  test("grants so many reads per turn", () => {
    const clock = new FixedClock();
    const turns = new HeldTurns();
    const budget = new ReadBudget(3, clock, turns);
    assert.equal(turns.waiting, 0);
    for (let turn = 0; turn < 3; turn++) {
      assert.deepEqual(
        [1, 2, 3, 4, 5].map(() => read(budget, clock, 0.01)),
        [true, true, true, false, false],
      );
      assert.equal(turns.waiting, 1);
      turns.end();
    }
    assert.deepEqual(budget.stats, { taken: 9, refused: 6, slow: 0 });
  });

  test("rests ten times as long as a slow read took", () => {
    const clock = new FixedClock();
    const turns = new HeldTurns();
    const budget = new ReadBudget(100, clock, turns);
    assert.equal(read(budget, clock, 5), true);
    clock.milliseconds += 49;
    assert.equal(read(budget, clock, 0), false);
    turns.end();
    assert.equal(read(budget, clock, 0), false);
    clock.milliseconds += 1;
    assert.equal(read(budget, clock, 0), true);
    assert.equal(budget.stats.slow, 1);
  });

  test("forgives a slow read that is alone among many fast ones, unless it was very slow", () => {
    for (const [milliseconds, granted] of [
      [20, true],
      [21, false],
    ] as const) {
      const clock = new FixedClock();
      const budget = new ReadBudget(1000, clock, new HeldTurns());
      for (let count = 0; count < 64; count++) read(budget, clock, 1);
      read(budget, clock, milliseconds);
      assert.equal(read(budget, clock, 0), granted);
      assert.equal(budget.stats.slow, 1);
    }
  });

  test("does not forgive slow reads that come often", () => {
    const clock = new FixedClock();
    const budget = new ReadBudget(1000, clock, new HeldTurns());
    for (let count = 0; count < 64; count++) read(budget, clock, 1);
    assert.equal(read(budget, clock, 5), true);
    for (let count = 0; count < 63; count++) read(budget, clock, 1);
    assert.equal(read(budget, clock, 5), true);
    assert.equal(read(budget, clock, 0), false);
  });

  test("of none grants none", () => {
    const turns = new HeldTurns();
    const budget = new ReadBudget(0, new FixedClock(), turns);
    assert.equal(budget.tryTake(), false);
    assert.equal(turns.waiting, 0);
  });
});
