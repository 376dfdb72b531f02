import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Prng } from "../base/prng.ts";
import { RateBucket } from "./rate-bucket.ts";

describe("rate bucket", () => {
  it("a step pays after it was taken, and the next waits until it is paid", () => {
    const bucket = new RateBucket(0);
    assert.equal(bucket.millisecondsToWait(0, 1000), 0);
    bucket.spend(500);
    assert.equal(bucket.millisecondsToWait(0, 1000), 500);
    assert.equal(bucket.millisecondsToWait(200, 1000), 300);
    assert.equal(bucket.millisecondsToWait(500, 1000), 0);
  });

  it("a new rate acts on the debt at once", () => {
    const bucket = new RateBucket(0);
    bucket.spend(1000);
    assert.equal(bucket.millisecondsToWait(0, 1000), 1000);
    assert.equal(bucket.millisecondsToWait(0, 10_000), 100);
    assert.equal(bucket.millisecondsToWait(0, Number.POSITIVE_INFINITY), 0);
    assert.equal(bucket.millisecondsToWait(0, 1000), 0);
  });

  it("whatever the steps, no more is written than rate, burst and one step allow", () => {
    const random = new Prng(3);
    const rate = 1_000_000;
    const bucket = new RateBucket(0);
    let now = 0;
    let written = 0;
    for (let round = 0; round < 10_000; round++) {
      const wait = bucket.millisecondsToWait(now, rate);
      now += wait > 0 ? Math.ceil(wait) : random.below(3);
      if (wait > 0) continue;
      const step = random.below(100_000);
      assert.ok(written <= (rate / 1000) * (now + 50) + 1, `round ${round}`);
      bucket.spend(step);
      written += step;
    }
    assert.ok(written > (rate / 1000) * now * 0.9, "and nearly all of the rate is used");
  });
});
