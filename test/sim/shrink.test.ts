// The shrinker, on failures that are planted: it is known what each of them needs.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { wholeRun } from "./run-plan.ts";
import type { RunPlan } from "./run-plan.ts";
import { shrink } from "./shrink.ts";
import { trySeed } from "./sim-run.ts";
import type { RunOutcome } from "./sim-run.ts";

const names = ["kill", "pause", "ttl", "batches", "counters"];
const numbers = Array.from({ length: 40 }, (_, at) => at + 1);

/** A run that fails when all of this is in it. */
function planted(needs: { faults: readonly number[]; names: readonly string[]; milliseconds: number }) {
  return (plan: RunPlan): Promise<RunOutcome> => {
    const made = numbers.filter((number) => plan.faults?.has(number) !== false);
    const isLong = plan.faultMilliseconds >= needs.milliseconds;
    const hasAll =
      needs.faults.every((number) => made.includes(number)) && !needs.names.some((one) => plan.without.has(one));
    const by = isLong && hasAll ? "planted" : "something else";
    return Promise.resolve({
      kind: "violated",
      report: { by, seed: 1, what: "", atMilliseconds: 95_000 },
      faults: made,
    });
  };
}

async function shrunkBy(run: (plan: RunPlan) => Promise<RunOutcome>, runsMax = 1000) {
  const found = await run(wholeRun);
  assert.ok(found.kind === "violated");
  let runs = 0;
  const counted = (plan: RunPlan): Promise<RunOutcome> => {
    runs++;
    return run(plan);
  };
  return shrink(wholeRun, found, { names, run: counted, isEnough: () => runs >= runsMax });
}

describe("shrinking a failing run", () => {
  it("finds what it needs, and no more", async () => {
    const needs = { faults: [7, 31], names: ["pause", "ttl"], milliseconds: 31_000 };
    const { plan, report, runs, isCutShort } = await shrunkBy(planted(needs));
    assert.equal(report.by, "planted");
    assert.deepEqual([...(plan.faults ?? [])], needs.faults);
    assert.deepEqual([...plan.without], ["kill", "batches", "counters"]);
    assert.ok(plan.faultMilliseconds >= 31_000 && plan.faultMilliseconds < 31_500, `${plan.faultMilliseconds} ms`);
    assert.ok(!isCutShort && runs < 120, `${runs} runs`);
  });

  it("leaves everything out that can be", async () => {
    const { plan } = await shrunkBy(planted({ faults: [], names: [], milliseconds: 0 }));
    assert.equal(plan.faults?.size, 0);
    assert.equal(plan.without.size, names.length);
    assert.ok(plan.faultMilliseconds <= 20);
  });

  it("ends with what it has when patience ends", async () => {
    const { plan, isCutShort } = await shrunkBy(planted({ faults: [7, 31], names: [], milliseconds: 100 }), 5);
    assert.ok(isCutShort && plan.faultMilliseconds < 10_000, `${plan.faultMilliseconds} ms`);
  });

  it("leaves what is left of a real run as it was", async () => {
    const whole = { ...wholeRun, faultMilliseconds: 4000 };
    const traceOf = async (plan: RunPlan): Promise<number> => {
      const outcome = await trySeed(11, plan);
      assert.ok(outcome.kind === "done", JSON.stringify(outcome));
      return outcome.result.trace;
    };
    assert.equal(await traceOf({ ...whole, faults: new Set(numbers) }), await traceOf(whole));
    assert.notEqual(await traceOf({ ...whole, faults: new Set() }), await traceOf(whole));
  });
});
