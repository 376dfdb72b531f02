// A few runs of the simulator, and those that once found something. `npm run sim` has more.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { simRun } from "./sim-run.ts";

/** Each once found a fault; said is which. */
const regressions: readonly (readonly [seed: number, what: string])[] = [
  [246, "salvaged entries were read after staging one had evicted the others"],
  [715_026, "a write that a snapshot covers was answered as done, though nobody there knew what it had come to"],
];

describe("replicas under faults", () => {
  for (const seed of [1, 2, 3, 4]) {
    it(`keep their promises with seed ${seed}`, async () => {
      const { completed, succeeded, faults } = await simRun(seed);
      assert.ok(
        completed > 500 && succeeded * 2 > completed && faults > 5,
        `${completed} operations, ${faults} faults`,
      );
    });
  }

  for (const [seed, what] of regressions) {
    it(`keep them with seed ${seed}: ${what}`, async () => {
      await simRun(seed);
    });
  }

  it("do the same for one seed in another process", async () => {
    const { trace } = await simRun(5);
    const script = `import { simRun } from ${JSON.stringify(new URL("./sim-run.js", import.meta.url).href)};
      console.log((await simRun(5)).trace);`;
    const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", script], { encoding: "utf8" });
    assert.equal(printed.trim(), String(trace));
  });
});
