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

/** A read that has a turn for itself. */
function readInTurn(budget: ReadBudget, clock: FixedClock, turns: HeldTurns, milliseconds: number): boolean {
  const granted = read(budget, clock, milliseconds);
  turns.end();
  return granted;
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

  test("grants no more in a turn whose reads have taken two milliseconds together", () => {
    const clock = new FixedClock();
    const turns = new HeldTurns();
    const budget = new ReadBudget(100, clock, turns);
    for (let turn = 0; turn < 3; turn++) {
      let granted = 0;
      while (read(budget, clock, 0.75)) granted++;
      assert.equal(granted, 3);
      // What passes between reads counts for nothing.
      clock.milliseconds += 100;
      assert.equal(read(budget, clock, 0), false);
      turns.end();
    }
    assert.equal(budget.stats.slow, 0);
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
      const turns = new HeldTurns();
      const budget = new ReadBudget(1000, clock, turns);
      for (let count = 0; count < 64; count++) readInTurn(budget, clock, turns, 1);
      readInTurn(budget, clock, turns, milliseconds);
      assert.equal(read(budget, clock, 0), granted);
      assert.equal(budget.stats.slow, 1);
    }
  });

  test("does not forgive slow reads that come often", () => {
    const clock = new FixedClock();
    const turns = new HeldTurns();
    const budget = new ReadBudget(1000, clock, turns);
    for (let count = 0; count < 64; count++) readInTurn(budget, clock, turns, 1);
    assert.equal(readInTurn(budget, clock, turns, 5), true);
    for (let count = 0; count < 63; count++) readInTurn(budget, clock, turns, 1);
    assert.equal(readInTurn(budget, clock, turns, 5), true);
    assert.equal(read(budget, clock, 0), false);
  });

  test("of none grants none", () => {
    const turns = new HeldTurns();
    const budget = new ReadBudget(0, new FixedClock(), turns);
    assert.equal(budget.tryTake(), false);
    assert.equal(turns.waiting, 0);
  });
});
