// Random lives of a log against a plain model: appends, conflicts, compactions, snapshots, salvage, pins,
// group removals, clean stops, kills and power cuts, with limits so small that every edge is met often.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { RandomRun } from "./random-run.ts";
import type { RunCounts } from "./random-run.ts";

const stepsPerRun = 120;

describe("log against a model", () => {
  it("holds what it should at every step and after every crash", async () => {
    const total: Partial<RunCounts> = {};
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2 ** 31 }), async (seed) => {
        const run = await RandomRun.start(seed);
        try {
          for (let step = 0; step < stepsPerRun; step++) await run.step();
          await run.check();
          await run.end();
        } catch (reason) {
          const what = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
          throw new Error(`seed ${seed}, step ${run.counts.steps}: ${what}`, { cause: reason });
        }
        for (const key of Object.keys(run.counts) as (keyof RunCounts)[]) {
          total[key] = (total[key] ?? 0) + run.counts[key];
        }
      }),
      { numRuns: 60, endOnFailure: true, includeErrorInReport: true },
    );
    // A run that never met what it is for proves nothing.
    for (const [what, count] of Object.entries(total)) assert.ok(count > 0, `the runs never met: ${what}`);
  });
});
