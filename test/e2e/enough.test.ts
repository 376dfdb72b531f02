import assert from "node:assert/strict";
import { it } from "node:test";
import { shortcomings } from "./enough.ts";

const plan = { seconds: 600, killEverySeconds: 30 };
const counts = { done: 10_000, refused: 500, unknown: 100, silent: 0, why: new Map<string, number>() };
const nothing = { ...counts, done: 0, refused: 0, unknown: 0 };

it("a run of real processes in which too little happened has no verdict", () => {
  assert.deepEqual(shortcomings(counts, 20, plan), []);
  assert.deepEqual(shortcomings(nothing, 20, plan), ["0 operations were answered, of at least 10000 in 600 s"]);
  assert.deepEqual(shortcomings(counts, 19, plan), ["19 processes were killed, of at least 20 in 600 s"]);
  assert.deepEqual(shortcomings({ ...counts, refused: 2000 }, 20, plan), [
    "only 10000 of 12100 operations were answered",
  ]);
  assert.deepEqual(shortcomings({ ...counts, silent: 1 }, 20, plan), ["1 requests were not answered within 15000 ms"]);
  const short = { seconds: 10, killEverySeconds: 60 };
  assert.deepEqual(shortcomings({ ...counts, done: 1000, refused: 0 }, 0, short), [
    "0 processes were killed, of at least 1 in 10 s",
  ]);
});
