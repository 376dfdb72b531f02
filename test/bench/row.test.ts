import assert from "node:assert/strict";
import test from "node:test";
import { median, renderRows, rowOf } from "./row.ts";

test("a ratio is the median of the rounds' ratios, not the ratio of the medians", () => {
  const row = rowOf({
    work: "w",
    unit: "u",
    trefoil: [10, 40, 12],
    peer: [5, 10, 12],
    target: { of: "ratio", better: "above", atLeast: 2, aim: 3 },
  });
  assert.equal(row.trefoil, 12);
  assert.equal(row.peer, 10);
  assert.equal(row.ratio, 2);
  assert.equal(row.met, true);
  assert.equal(row.aimMet, false);
  assert.equal(row.target, "≥ 2 x, aim 3 x");
});

test("a figure that must stay below its bound is not met above it", () => {
  const target = { of: "figure", better: "below", atLeast: 50, aim: 25 } as const;
  assert.equal(rowOf({ work: "w", unit: "ms", trefoil: [51], target }).met, false);
  assert.equal(rowOf({ work: "w", unit: "ms", trefoil: [50], target }).met, true);
  assert.equal(rowOf({ work: "w", unit: "ms", trefoil: [25], target }).aimMet, true);
});

test("a row without figures is neither met nor missed", () => {
  const target = { of: "ratio", better: "above", atLeast: 1 } as const;
  const row = rowOf({ work: "w", unit: "u", trefoil: [], peer: [], target });
  assert.equal(row.met, undefined);
  assert.equal(row.ratio, undefined);
  assert.match(renderRows([row]), /\| w +\| u +\|/);
});

test("the median of an even number of rounds lies between the middle two", () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([Number.NaN]), undefined);
});
