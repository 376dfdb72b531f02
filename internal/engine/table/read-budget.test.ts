import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FixedClock } from "../../../test/engine/table-fixture.ts";
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
    const budget = new ReadBudget(3, clock);
    assert.equal(budget.isTouched, false);
    for (let turn = 0; turn < 3; turn++) {
      assert.deepEqual(
        [1, 2, 3, 4, 5].map(() => read(budget, clock, 0.01)),
        [true, true, true, false, false],
      );
      assert.equal(budget.isTouched, true);
      budget.refill();
    }
    assert.deepEqual(budget.stats, { taken: 9, refused: 6, slow: 0 });
  });

  test("rests ten times as long as a slow read took", () => {
    const clock = new FixedClock();
    const budget = new ReadBudget(100, clock);
    assert.equal(read(budget, clock, 5), true);
    clock.milliseconds += 49;
    assert.equal(read(budget, clock, 0), false);
    budget.refill();
    assert.equal(read(budget, clock, 0), false);
    clock.milliseconds += 1;
    assert.equal(read(budget, clock, 0), true);
    assert.equal(budget.stats.slow, 1);
  });

  test("of none grants none", () => {
    const budget = new ReadBudget(0, new FixedClock());
    assert.equal(budget.tryTake(), false);
    assert.equal(budget.isTouched, false);
  });
});
