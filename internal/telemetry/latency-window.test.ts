// Quantiles of the last minute, on a clock that the test turns.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { LatencyWindow } from "./latency-window.ts";

class FakeTime {
  milliseconds = 123_456;
}

function windowAt(time: FakeTime, series = 1): LatencyWindow {
  return new LatencyWindow(series, () => time.milliseconds);
}

describe("latencies of the last minute", () => {
  test("a quantile is never below the true one, and above it by a sixteenth at most", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 2 ** 27 - 1 }), { minLength: 1, maxLength: 300 }),
        fc.constantFrom(0.001, 0.5, 0.95, 0.99, 1),
        (microseconds, share) => {
          const window = windowAt(new FakeTime());
          for (const value of microseconds) window.observe(0, value / 1000);
          const sorted = microseconds.toSorted((a, b) => a - b);
          const exact = sorted[Math.ceil(share * sorted.length) - 1] as number;
          const [found] = window.quantiles(0, [share]) as [number];
          const told = found * 1_000_000;
          // A thousandth of a microsecond: what dividing and multiplying by powers of ten adds to a whole number.
          assert.ok(told >= exact - 0.001 && told <= exact * (1 + 1 / 16) + 1.001, `${told} of ${exact}`);
        },
      ),
      { seed: 20_261_121 },
    );
  });

  test("many quantiles are those that are asked for one by one", () => {
    const window = windowAt(new FakeTime());
    for (let value = 1; value <= 1000; value++) window.observe(0, value);
    const shares = [0.5, 0.95, 0.99, 1];
    assert.deepEqual(
      window.quantiles(0, shares),
      shares.map((share) => window.quantiles(0, [share])?.[0]),
    );
  });

  test("series are apart, and one without anything says so", () => {
    const window = windowAt(new FakeTime(), 3);
    window.observe(1, 5);
    assert.equal(window.quantiles(0, [0.5]), undefined);
    assert.equal(window.quantiles(2, [0.5]), undefined);
    assert.ok((window.quantiles(1, [0.5])?.[0] ?? 0) >= 0.005);
  });

  test("what is a minute old still counts, what is seventy seconds old does not, whatever came in between", () => {
    fc.assert(
      fc.property(
        fc.nat(1_000_000),
        fc.array(fc.integer({ min: 0, max: 25_000 }), { maxLength: 20 }),
        (start, steps) => {
          const time = new FakeTime();
          time.milliseconds = start;
          const window = windowAt(time);
          window.observe(0, 60_000);
          for (const step of steps) {
            time.milliseconds += step;
            window.observe(0, 1);
            const slowest = window.quantiles(0, [1])?.[0] as number;
            const age = time.milliseconds - start;
            if (age <= 60_000) assert.ok(slowest > 1, `forgotten after ${age} ms`);
            if (age >= 70_000) assert.ok(slowest < 1, `still there after ${age} ms`);
          }
        },
      ),
      { seed: 20_261_121 },
    );
  });

  test("after any pause nothing is left, and what comes next counts", () => {
    for (const pause of [70_000, 80_000, 1_000_000_000]) {
      const time = new FakeTime();
      const window = windowAt(time);
      window.observe(0, 3);
      time.milliseconds += pause;
      assert.equal(window.quantiles(0, [0.5]), undefined);
      window.observe(0, 3);
      assert.ok(window.quantiles(0, [0.5]) !== undefined);
    }
  });

  test("times below and beyond its range are counted at its ends", () => {
    const window = windowAt(new FakeTime(), 2);
    window.observe(0, -1);
    window.observe(1, 1e9);
    assert.deepEqual(window.quantiles(0, [1]), [0]);
    assert.ok((window.quantiles(1, [1])?.[0] ?? 0) > 134);
  });
});
