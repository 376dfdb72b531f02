import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { randomRun } from "./random-run.ts";
import { noCounts } from "./run-watch.ts";
import type { CountName, RunCounts } from "./run-watch.ts";
import type { WorldStart } from "./world.ts";

function runSeeds(first: number, count: number, start?: WorldStart): RunCounts {
  const totals = noCounts();
  for (let seed = first; seed < first + count; seed++) {
    try {
      const counts = randomRun(seed, 2000, start);
      for (const kind of Object.keys(totals) as CountName[]) totals[kind] += counts[kind];
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  return totals;
}

describe("cores under chance", () => {
  it("keep Raft's invariants, and make progress when all is well again", (context) => {
    const seeds = Number(process.env["RAFT_SEEDS"] ?? 250);
    const totals = runSeeds(Number(process.env["RAFT_SEED"] ?? 401), seeds);
    context.diagnostic(JSON.stringify(totals));
    assert.ok(totals.committed > seeds * 10, `${totals.committed} entries committed`);
    if (process.env["RAFT_PRINT"] === "1") console.log(JSON.stringify(totals));
    const missing = Object.keys(totals).filter((kind) => totals[kind as CountName] === 0);
    assert.deepEqual(missing, [], "never met over all seeds");
  });

  it("do the same where terms and indexes pass 2^32", (context) => {
    const totals = runSeeds(1, 40, { index: 2 ** 32 - 20, term: 2 ** 32 - 2 });
    context.diagnostic(JSON.stringify(totals));
    assert.ok(totals.committed > 400 && totals.elections > 100 && totals.exchangesEnded > 0);
  });
});
