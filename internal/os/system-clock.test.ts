import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import { ttlMillisecondsMax } from "../base/limits.ts";
import { stampMax, stampOfMilliseconds } from "../base/stamp.ts";
import { systemClock, systemScheduler } from "./system-clock.ts";

describe("system clock", () => {
  it("tells wall time near Date's, and a monotonic time that never goes back", () => {
    const before = Date.now();
    const wall = systemClock.wallMilliseconds();
    assert.ok(wall >= before && wall <= Date.now());
    let last = systemClock.monotonicMilliseconds();
    for (let round = 0; round < 1000; round++) {
      const now = systemClock.monotonicMilliseconds();
      assert.ok(now >= last);
      last = now;
    }
  });

  it("a timer fires once, unless cancelled; cancelling twice or late does nothing", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const fired: string[] = [];
      systemScheduler.after(10, () => fired.push("ten"));
      const cancelled = systemScheduler.after(10, () => fired.push("cancelled"));
      const negative = systemScheduler.after(-5, () => fired.push("negative"), true);
      cancelled.cancel();
      cancelled.cancel();
      mock.timers.tick(10);
      negative.cancel();
      mock.timers.tick(1000);
      assert.deepEqual(fired.sort(), ["negative", "ten"]);
    } finally {
      mock.timers.reset();
    }
  });

  it("a timer beyond what setTimeout takes still waits, and can be cancelled half-way", () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      const month = 30 * 24 * 3600 * 1000;
      const fired: string[] = [];
      systemScheduler.after(month, () => fired.push("month"));
      const cancelled = systemScheduler.after(month, () => fired.push("cancelled"));
      mock.timers.tick(0x7fff_ffff);
      assert.deepEqual(fired, []);
      cancelled.cancel();
      mock.timers.tick(month - 0x7fff_ffff - 1);
      assert.deepEqual(fired, []);
      mock.timers.tick(1);
      assert.deepEqual(fired, ["month"]);
    } finally {
      mock.timers.reset();
    }
  });

  it("afterTurn runs behind the promises and ticks of the turn", async () => {
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      systemScheduler.afterTurn(() => {
        order.push("after");
        resolve();
      });
      void Promise.resolve().then(() => order.push("promise"));
      process.nextTick(() => order.push("tick"));
      order.push("now");
    });
    assert.deepEqual(order.slice(0, 1), ["now"]);
    assert.equal(order[3], "after");
  });
});

describe("the wall clock", () => {
  it("of a machine that is centuries wrong says times that stamps and expiries can be made of", (t) => {
    const century = 36_525 * 24 * 3600 * 1000;
    const right = Date.now();
    const { mock } = t.mock.method(Date, "now", () => right);
    const at = (offset: number): number => {
      mock.mockImplementation(() => right + offset);
      return systemClock.wallMilliseconds();
    };
    assert.equal(at(0), right);
    assert.equal(at(century), right + century);
    for (const centuries of [2, 3, 100]) {
      const latest = stampOfMilliseconds(at(centuries * century) + ttlMillisecondsMax);
      assert.ok(Number.isSafeInteger(latest) && latest < stampMax, `${centuries} centuries ahead`);
    }
    for (const offset of [-right, -century]) assert.equal(at(offset), 1);
  });
});
