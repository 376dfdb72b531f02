import assert from "node:assert/strict";
import { test } from "node:test";
import { runPowerCuts } from "./power-cuts.ts";

test("a store whose power is cut again and again keeps every write that it called synced, and no half of one", async () => {
  for (let seed = 1000; seed < 1012; seed++) {
    const result = await runPowerCuts({ seed, cuts: 12 });
    assert.deepEqual(result.faults, []);
    assert.ok(result.writes > 0, "the run wrote something");
  }
});

test("under an fsync interval a flush may be ahead of the log after a power cut (seeds 7, 9, 19, 30, 31, 150)", async () => {
  for (const seed of [7, 9, 19, 30, 31, 150]) {
    assert.deepEqual((await runPowerCuts({ seed, cuts: 16 })).faults, []);
  }
});
