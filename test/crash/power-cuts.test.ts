import assert from "node:assert/strict";
import { test } from "node:test";
import { runFlips } from "./flips.ts";
import { runPowerCuts } from "./power-cuts.ts";

test("a store whose power is cut again and again keeps every write that it called synced, and no half of one", async () => {
  for (let seed = 1000; seed < 1010; seed++) {
    const result = await runPowerCuts({ seed, cuts: 12 });
    assert.deepEqual(result.faults, []);
    assert.ok(result.writes > 0, "the run wrote something");
  }
});

test("a bit flipped anywhere in a closed store's files is harmless or named, never a wrong answer", async () => {
  const result = await runFlips(1, 120);
  assert.deepEqual(result.faults, []);
  assert.ok(result.refused > 0, "some were found");
});
