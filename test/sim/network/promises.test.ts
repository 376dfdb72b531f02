// The simulated network keeps what the Network interface promises, whatever goes wrong, and does the same for one seed.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Trial, type TrialTotals } from "./trial.ts";

describe("the simulated network under faults", () => {
  const totals: TrialTotals[] = [];
  for (const seed of [1, 2, 3, 4]) {
    it(`keeps its promises with seed ${seed}`, async () => {
      totals.push(await new Trial(seed).run());
    });
  }

  it("has met everything that can go wrong", () => {
    const sum = (of: (one: TrialTotals) => Map<string, number>, what: string): number =>
      totals.reduce((all, one) => all + (of(one).get(what) ?? 0), 0);
    for (const outcome of ["answered", "refused down", "refused busy", "unknown lost", "unknown late"]) {
      assert.ok(sum((one) => one.outcomes, outcome) > 0, `no request was ${outcome}`);
    }
    for (const sighting of ["lost", "doubled", "overtaken", "late", "stalled", "given up", "replaced"]) {
      assert.ok(sum((one) => one.sightings, sighting) > 0, `nothing was ${sighting}`);
    }
    for (const { messages, downs } of totals) {
      assert.ok(messages > 1000 && downs > 20, `${messages} messages, ${downs} losses`);
    }
  });

  it("does the same for one seed, and something else for another", async () => {
    const [first, again, other] = [new Trial(7), new Trial(7), new Trial(8)];
    const { trace } = await first.run();
    assert.equal((await again.run()).trace, trace);
    assert.notEqual((await other.run()).trace, trace);
  });
});
