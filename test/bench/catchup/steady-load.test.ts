import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { faultsIn, p99Of } from "./steady-load.ts";
import type { Sample } from "./steady-load.ts";

const sample = (from: number, milliseconds: number, more: Partial<Sample> = {}): Sample => {
  return { kind: "fast read", from, milliseconds, fault: undefined, ...more };
};

describe("what a window of a load cost its clients", () => {
  const hundred = Array.from({ length: 100 }, (_, at) => sample(at, 100 - at));

  it("is the time that 99 of a hundred did not exceed", () => {
    assert.equal(p99Of(hundred, "fast read", { from: 0, to: 100 }), 99);
    assert.equal(p99Of([sample(0, 7)], "fast read", { from: 0, to: 1 }), 7);
  });

  it("is of what was asked in it, whenever that was answered", () => {
    const samples = [sample(9, 900), sample(10, 50), sample(19, 60), sample(20, 800)];
    assert.equal(p99Of(samples, "fast read", { from: 10, to: 20 }), 60);
    assert.equal(p99Of(samples, "fast read", { from: 30, to: 40 }), undefined);
  });

  it("is of one kind, and of what was served", () => {
    const samples = [sample(1, 5), sample(2, 70, { kind: "strong write" }), sample(3, 90, { fault: "silent" })];
    const all = { from: 0, to: 10 };
    assert.equal(p99Of(samples, "fast read", all), 5);
    assert.equal(p99Of(samples, "strong write", all), 70);
    assert.deepEqual(faultsIn(samples, all), ["silent"]);
    assert.deepEqual(faultsIn(samples, { from: 0, to: 3 }), []);
  });
});
