import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { randomRun } from "./random-run.ts";
import { noCounts } from "./run-watch.ts";
import type { CountName, RunCounts } from "./run-watch.ts";
import type { WorldStart } from "./world.ts";

interface RunSeeds {
  readonly toMeetAll?: boolean;
  readonly start?: WorldStart;
}

/** What a run of so many seeds may go on for, until each thing that is counted was met: the rarest comes once in a hundred of them. */
const seedsMax = 3000;

function missingIn(totals: RunCounts): readonly string[] {
  return Object.keys(totals).filter((kind) => totals[kind as CountName] === 0);
}

/** `count` seeds, and as many more as it takes to meet everything once when `toMeetAll`. */
function runSeeds(first: number, count: number, { toMeetAll = false, start }: RunSeeds = {}): RunCounts {
  const totals = noCounts();
  const goesOn = (done: number): boolean =>
    done < count || (toMeetAll && done < seedsMax && missingIn(totals).length > 0);
  for (let seed = first; goesOn(seed - first); seed++) {
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
    const totals = runSeeds(Number(process.env["RAFT_SEED"] ?? 1), seeds, { toMeetAll: true });
    context.diagnostic(JSON.stringify(totals));
    assert.ok(totals.committed > seeds * 10, `${totals.committed} entries committed`);
    if (process.env["RAFT_PRINT"] === "1") console.log(JSON.stringify(totals));
    assert.deepEqual(missingIn(totals), [], "never met over all seeds");
  });

  it("do the same where terms and indexes pass 2^32", (context) => {
    const totals = runSeeds(1, 40, { start: { index: 2 ** 32 - 20, term: 2 ** 32 - 2 } });
    context.diagnostic(JSON.stringify(totals));
    assert.ok(totals.committed > 400 && totals.elections > 100 && totals.exchangesEnded > 0);
  });
});
