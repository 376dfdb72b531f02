import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Campaign } from "./campaign.ts";
import type { SeedDone } from "./child.ts";
import { allFaultKinds, allSightings } from "./kinds-of-runs.ts";

type Result = NonNullable<SeedDone["result"]>;

/** What real runs of an hour come to, about. */
const hour: Result = {
  seed: 1,
  virtualMilliseconds: 3_600_000,
  completed: 73_000,
  succeeded: 72_000,
  refused: 30_000,
  unknown: 1000,
  faults: 2800,
  leaderChanges: 800,
  trace: 0,
  faultsByKind: allFaultKinds.map((kind) => [kind, 1]),
  sightings: allSightings.map((kind) => [kind, 1]),
  fates: ["committed", "salvaged", "superseded", "lost"].map((fate) => [fate, 1]),
  met: [],
};

function gapsOf(hours: number, change: Partial<Result>): readonly string[] {
  const campaign = new Campaign(undefined);
  for (let at = 0; at < hours; at++) campaign.take({ result: { ...hour, ...change }, report: undefined });
  return campaign.gaps();
}

describe("a campaign", () => {
  it("means something when its hours are as real ones are", () => {
    assert.deepEqual(gapsOf(1, {}), []);
    assert.deepEqual(gapsOf(24, {}), []);
  });

  it("means nothing when most of what clients asked for was turned away, or has an unknown outcome", () => {
    const gap = ["less than half of what was asked for succeeded"];
    assert.deepEqual(gapsOf(1, { refused: 75_000 }), gap);
    assert.deepEqual(gapsOf(1, { refused: 70_000 }), []);
    assert.deepEqual(gapsOf(1, { succeeded: 40_000, unknown: 33_000 }), gap);
    // Nine of ten turned away, and yet many operations.
    assert.deepEqual(gapsOf(1, { refused: 657_000 }), gap);
    assert.deepEqual(gapsOf(1, { refused: 657_000, virtualMilliseconds: 90_000 }), [], "a few seeds say nothing");
  });

  it("means nothing when too little happened", () => {
    assert.deepEqual(gapsOf(0, {}), ["no seed was run"]);
    assert.deepEqual(gapsOf(2, { completed: 9999, succeeded: 9999, refused: 0 }), ["19998 completed in 2.0 hours"]);
    assert.deepEqual(gapsOf(1, { faults: 59, leaderChanges: 19 }), [
      "59 faults in 1.0 hours",
      "19 leaderChanges in 1.0 hours",
    ]);
  });

  it("of four hours has to have met everything", () => {
    assert.deepEqual(gapsOf(3, { fates: [], faultsByKind: [], sightings: [] }), []);
    assert.deepEqual(gapsOf(4, { fates: hour.fates.slice(1) }), ["no fast write was committed"]);
    const [fault = "", sighting = ""] = [allFaultKinds[0], allSightings[0]];
    assert.deepEqual(gapsOf(4, { faultsByKind: hour.faultsByKind.slice(1), sightings: hour.sightings.slice(1) }), [
      `"${fault}" never happened`,
      `"${sighting}" was never met`,
    ]);
  });
});
