import assert from "node:assert/strict";
import { test } from "node:test";
import { replicaId } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import type { Configuration } from "../../internal/raft/configuration.ts";
import { ContentWatch } from "./content-watch.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { SimNode } from "./sim-node.ts";

// Seed 426635: a replica was looked at between its engine's switch to a snapshot's data and its own word of it. How far garbage was
// gone in what it had before is forgotten with that, and it was blamed for a record that it had forgotten long before.
test("what a replica had is not looked at once its engine has switched to a snapshot's data", () => {
  const looked: number[] = [];
  const cluster = { time: { now: 0 }, sightings: { note: () => undefined } } as unknown as SimCluster;
  const voters = [replicaId(1), replicaId(2), replicaId(3)];
  const first: Configuration = { voters, outgoing: [], learners: [] };
  const watch = new ContentWatch(cluster, first, new Prng(1));
  const nodeWith = (place: number): SimNode => {
    const engine = {
      placeOf: () => ({ incarnation: place }),
      horizonOf: () => void looked.push(place),
      iterate: () => ({ nextLoaded: () => Promise.resolve(false), close: () => undefined }),
    };
    const replica = { appliedIndex: 0, incarnation: 1 };
    return { id: 3, disk: { isDamaged: true }, log: {}, replica, engine } as unknown as SimNode;
  };
  watch.check(nodeWith(2));
  assert.deepEqual(looked, []);
  watch.check(nodeWith(1));
  assert.deepEqual(looked, [1]);
});
