import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { groupId, nodeId, replicaId } from "../base/ids.ts";
import type { MapGroup } from "../cluster/cluster-map.ts";
import { configuration } from "../raft/configuration.ts";
import type { Configuration } from "../raft/configuration.ts";
import { exchangeStep } from "./exchanges.ts";
import type { ExchangeStep } from "./exchanges.ts";

const ids = (...numbers: number[]) => numbers.map((number) => replicaId(number));
const seat = (replica: number, node = `n${replica}`) => {
  return { replica: replicaId(replica), node: nodeId(node), disk: `disk ${replica}` };
};
const still: MapGroup = {
  id: groupId(1),
  replicas: [seat(1), seat(2), seat(3)],
  exchange: undefined,
  nextReplica: replicaId(4),
};
/** Replica 4 is to take the place of 2, on its node. */
const exchanging: MapGroup = {
  ...still,
  exchange: { joining: seat(4, "n2"), leaving: replicaId(2) },
  nextReplica: replicaId(5),
};
const of = (voters: number[], learners: number[] = [], outgoing: number[] = []): Configuration => {
  return { ...configuration(ids(...voters)), learners: ids(...learners), outgoing: ids(...outgoing) };
};
const change = (voters: number[], learners: number[]): ExchangeStep => {
  return { kind: "change", to: { voters: ids(...voters), learners: ids(...learners) } };
};
const step = (group: MapGroup, present: Configuration, self = 1): ExchangeStep =>
  exchangeStep(group, present, replicaId(self));

describe("an exchange of replicas, as the group's leader takes it on", () => {
  it("goes from learner to voter to the meta group, each step from what the configuration shows", () => {
    assert.deepEqual(step(exchanging, of([1, 2, 3])), change([1, 2, 3], [4]));
    assert.deepEqual(step(exchanging, of([1, 2, 3], [4])), change([1, 3, 4], []));
    assert.deepEqual(step(exchanging, of([1, 3, 4], [], [1, 2, 3])), { kind: "nothing" }, "it is between two");
    assert.deepEqual(step(exchanging, of([1, 3, 4])), { kind: "joined", replica: replicaId(4) });
  });

  it("is handed over by a leader whose own place it is, once the other has everything to do with", () => {
    assert.deepEqual(step(exchanging, of([1, 2, 3]), 2), change([1, 2, 3], [4]));
    const handed = step(exchanging, of([1, 2, 3], [4]), 2);
    assert.ok(handed.kind === "hand_over" && [1, 3].includes(handed.to), handed.kind);
  });

  it("takes the place of one that was given up, and leaves no learner behind when none is wanted", () => {
    const renewed: MapGroup = { ...exchanging, exchange: { joining: seat(5, "n2"), leaving: replicaId(2) } };
    assert.deepEqual(step(renewed, of([1, 2, 3], [4])), change([1, 2, 3], [5]));
    assert.deepEqual(step(renewed, of([1, 2, 3], [4, 5])), change([1, 2, 3], [5]));
    assert.deepEqual(step(still, of([1, 2, 3], [4])), change([1, 2, 3], []));
    assert.deepEqual(step(still, of([1, 2, 3])), { kind: "nothing" });
  });

  it("comes to its end from wherever a crash has left it", () => {
    for (const self of [1, 2, 3]) {
      for (const start of [of([1, 2, 3]), of([1, 2, 3], [4]), of([1, 3, 4], [], [1, 2, 3]), of([1, 3, 4])]) {
        let [present, leader, isDone] = [start, self, false];
        for (let steps = 0; steps < 10 && !isDone; steps++) {
          const next = step(exchanging, present, leader);
          if (next.kind === "joined") isDone = true;
          else if (next.kind === "hand_over") leader = next.to;
          else if (next.kind === "nothing") present = { ...present, outgoing: [] };
          else present = { ...present, voters: next.to.voters, learners: next.to.learners };
        }
        assert.ok(isDone, `from ${start.voters.join()} | ${start.learners.join()}, led by ${self}`);
      }
    }
  });
});
