import assert from "node:assert/strict";
import { test } from "node:test";
import { checkStore } from "./store-model.ts";
import { noStory } from "./story.ts";

test("a store is a sorted map through reopening, kills, power cuts, snapshots, scans, checkpoints and expiry", async (t) => {
  const counts = noStory();
  await checkStore({ runs: 25, seed: 20_260_101, stepsMax: 120 }, counts);
  await checkStore({ runs: 15, seed: Date.now() % 1_000_000_000, stepsMax: 120 }, counts);
  t.diagnostic(
    Object.entries(counts)
      .map(([what, count]) => `${what} ${count}`)
      .join(", "),
  );
  assert.ok(counts.steps > 1000 && counts.writes > 5000, "thousands of steps and writes");
  for (const [what, count] of Object.entries(counts)) assert.ok(count > 0, `the stories never met: ${what}`);
});
