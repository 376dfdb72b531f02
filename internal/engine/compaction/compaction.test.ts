import assert from "node:assert/strict";
import { describe, test } from "node:test";
import * as fc from "fast-check";
import { CompactionWorld } from "../../../test/engine/compaction-world.ts";
import type { Count } from "../../../test/engine/compaction-world.ts";
import { makeDisk } from "../../../test/engine/table-fixture.ts";
import { Prng } from "../../base/prng.ts";

const step = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 30 }).map((count) => ({ do: "write" as const, count })) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 9 }).map((count) => ({ do: "passing" as const, count })) },
  { weight: 6, arbitrary: fc.constant({ do: "flush" as const }) },
  { weight: 8, arbitrary: fc.constant({ do: "compact" as const }) },
  { weight: 3, arbitrary: fc.constant({ do: "begin" as const }) },
  { weight: 3, arbitrary: fc.constantFrom({ do: "snapshot" as const }, { do: "release" as const }) },
  { weight: 3, arbitrary: fc.constant({ do: "horizon" as const }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ do: "replace" as const }, { do: "settle" as const }, { do: "all" as const }),
  },
);

type Step = ReturnType<typeof step.generate>["value"];

function take(world: CompactionWorld, given: Step): void {
  switch (given.do) {
    case "write":
      return world.write(given.count);
    case "passing":
      return world.writePassingTable(given.count);
    case "flush":
      return world.flush();
    case "compact":
      world.compact();
      return;
    case "begin":
      world.compact(false);
      return;
    case "snapshot":
      return world.takeSnapshot();
    case "release":
      return world.releaseSnapshot();
    case "horizon":
      return world.raiseHorizon();
    case "replace":
      return world.replaceGroup();
    case "settle":
      return world.settle();
    case "all":
      return world.compactAll();
  }
}

describe("merging tables", () => {
  test("never shows anybody another record than the newest, never uncovers an older one, and comes to an end", async () => {
    const totals = new Map<Count, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 80, size: "max" }), fc.nat(), async (steps, seed) => {
        const world = new CompactionWorld(await makeDisk(), new Prng(seed));
        for (const given of steps) {
          take(world, given);
          if (given.do !== "write") world.check();
        }
        world.settle();
        world.check();
        for (const [name, count] of world.counts) totals.set(name, (totals.get(name) ?? 0) + count);
      }),
      { numRuns: 150 },
    );
    const wanted: Count[] = ["merge", "move", "drop", "hidden", "tombstones", "expired", "dead", "interleaved", "cut"];
    for (const name of wanted) assert.ok((totals.get(name) ?? 0) >= 10, `${name}: ${totals.get(name) ?? 0} times only`);
  });

  test("leaves neither tombstones nor expired records nor dead groups when everything is merged behind all horizons", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: "max" }), fc.nat(), async (steps, seed) => {
        const world = new CompactionWorld(await makeDisk(), new Prng(seed));
        for (const given of steps) take(world, given);
        world.flush();
        world.snapshots.length = 0;
        world.raiseHorizon(true);
        world.compactAll();
        world.settle();
        world.check();
        assert.equal(world.keysStored, world.recordsAlive);
      }),
      { numRuns: 25 },
    );
  });
});
