// A few runs of the simulator; `npm run sim` has more. A seed that finds something gets a test here, by its name, until a test of
// the part that was wrong shows the same: a seed means something else as soon as anything that is drawn changes.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { simRun } from "./sim-run.ts";

describe("replicas under faults", () => {
  for (const seed of [1, 2]) {
    it(`keep their promises with seed ${seed}`, async () => {
      const { completed, succeeded, faults } = await simRun(seed);
      assert.ok(
        completed > 500 && succeeded * 2 > completed && faults > 5,
        `${completed} operations, ${faults} faults`,
      );
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
