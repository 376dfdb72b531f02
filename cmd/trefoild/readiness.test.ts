import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TrefoilError } from "../../internal/base/errors.ts";
import { nodeId } from "../../internal/base/ids.ts";
import type { PeerClocks } from "../../internal/node/peer-clocks.ts";
import { NodeClock, VirtualTime } from "../../test/sim/virtual-time.ts";
import { NodeReadiness } from "./readiness.ts";

const watched = {
  id: nodeId("n2"),
  disk: "disk of n2",
  map: undefined,
  awaited: "n3 has not come",
  replicaOf: () => undefined,
  nodeOf: () => undefined,
};

/** Of a node whose groups have no places yet. */
function opened(unfitness: TrefoilError | undefined, trouble?: string, distances: PeerClocks["distances"] = []) {
  const readiness = new NodeReadiness(new NodeClock(new VirtualTime()));
  readiness.opens({ watched, unfitness, clocks: { trouble, distances } });
  return readiness.readiness();
}

const checkOf = ({ checks }: ReturnType<typeof opened>, name: string) => checks.find((check) => check.name === name);

describe("what a node tells of its readiness", () => {
  it("is that its log is being read, until it is open", () => {
    const { state, checks } = new NodeReadiness(new NodeClock(new VirtualTime())).readiness();
    assert.deepEqual([state, checks], ["starting", [{ name: "log", isFine: false, detail: "it is being read" }]]);
    assert.equal(checkOf(opened(undefined), "log")?.isFine, true);
  });

  it("has its disk, and why that cannot be written", () => {
    assert.deepEqual(checkOf(opened(undefined), "disk"), { name: "disk", isFine: true, detail: "can be written" });
    const full = new TrefoilError("storage_full", "no space is left");
    assert.deepEqual(checkOf(opened(full), "disk"), { name: "disk", isFine: false, detail: "no space is left" });
  });

  it("has its clock, by those of the others", () => {
    const distances = ["n1", "n3"].map((id) => ({ node: nodeId(id), aheadMilliseconds: 1, isApart: false }));
    const fine = { name: "clock", isFine: true, detail: "within --max-clock-skew of n1, n3" };
    assert.deepEqual(checkOf(opened(undefined, undefined, distances), "clock"), fine);
    assert.deepEqual(checkOf(opened(undefined, "an hour behind"), "clock"), {
      ...fine,
      isFine: false,
      detail: "an hour behind",
    });
  });
});
