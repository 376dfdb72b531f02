import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noCounts, randomRun } from "./random-run.ts";
import type { RunCounts } from "./random-run.ts";

describe("cores under chance", () => {
  it("keep Raft's invariants, and make progress when all is well again", (context) => {
    const seeds = Number(process.env["RAFT_SEEDS"] ?? 200);
    const totals = noCounts();
    const kinds = Object.keys(totals) as (keyof RunCounts)[];
    for (let seed = 1; seed <= seeds; seed++) {
      try {
        const counts = randomRun(seed, 2000);
        for (const kind of kinds) totals[kind] += counts[kind];
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    context.diagnostic(JSON.stringify(totals));
    assert.ok(totals.committed > seeds * 10, `${totals.committed} entries committed`);
    const missing = kinds.filter((kind) => totals[kind] === 0);
    assert.deepEqual(missing, [], "never met over all seeds");
  });
});
