import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stamp, stampOfMilliseconds, stampZero } from "../base/stamp.ts";
import { HybridClock } from "./hybrid-clock.ts";

const day = 24 * 3600 * 1000;

function clockAt(wall: number): { wall: number; monotonic: number; clock: HybridClock } {
  const at = { wall, monotonic: 0, clock: undefined as unknown as HybridClock };
  const source = { wallMilliseconds: () => at.wall, monotonicMilliseconds: () => at.monotonic };
  at.clock = new HybridClock(source, stampZero);
  return at;
}

describe("hybrid clock", () => {
  it("gives stamps that grow, within one millisecond too, and never below a time that was told", () => {
    const at = clockAt(1000);
    const stamps = [at.clock.next(), at.clock.next(), at.clock.now(), at.clock.next()];
    assert.deepEqual(stamps, [1_024_000, 1_024_001, 1_024_001, 1_024_002]);
    at.clock.observe(stamp(2_000_000));
    assert.equal(at.clock.next(), 2_000_001);
  });

  it("goes on at the pace of the monotonic clock while the wall clock lies behind", () => {
    const at = clockAt(10 * day);
    const before = at.clock.now();
    at.wall -= day;
    assert.equal(at.clock.now(), before, "it does not go back");
    at.monotonic += 250;
    assert.equal(at.clock.now(), before + stampOfMilliseconds(250), "nor stand still");
    for (let step = 0; step < 1000; step++) {
      at.monotonic += 0.0009;
      at.clock.now();
    }
    assert.equal(at.clock.now(), before + Math.floor(250.9 * 1024), "however often it is asked");
    at.wall += 2 * day;
    assert.equal(at.clock.now(), stampOfMilliseconds(11 * day));
  });

  it("goes on from a stamp that it has seen, from then on", () => {
    const at = clockAt(day);
    at.monotonic += 60_000;
    at.clock.observe(stampOfMilliseconds(2 * day));
    assert.equal(at.clock.now(), stampOfMilliseconds(2 * day));
    at.monotonic += 1000;
    assert.equal(at.clock.now(), stampOfMilliseconds(2 * day + 1000));
  });

  it("refuses a clock that is beyond what a stamp can say with a ttl behind it", () => {
    const at = clockAt(day);
    const before = at.clock.next();
    at.wall = 9_000_000_000_000;
    assert.throws(() => at.clock.next(), { code: "internal", message: /about the year 2255: set it right/ });
    at.wall = day;
    assert.equal(at.clock.next(), before + 1);
  });
});
