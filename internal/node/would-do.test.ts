import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nodeId, replicaId } from "../base/ids.ts";
import type { NodeId } from "../base/ids.ts";
import type { SeenReplica } from "./group-service.ts";
import { silent, wouldDo } from "./would-do.ts";
import type { Said } from "./would-do.ts";

const [n1, n2, n3, n4] = [nodeId("n1"), nodeId("n2"), nodeId("n3"), nodeId("n4")];

function seen(role: SeenReplica["role"], more: Partial<SeenReplica> = {}): SeenReplica {
  const indexes = { commitIndex: 7, appliedIndex: 7, lastIndex: 7 };
  return {
    replica: replicaId(1),
    role,
    term: 3,
    leader: n1,
    ...indexes,
    hasQuorum: true,
    matched: [],
    disbeliefMilliseconds: 0,
    ...more,
  };
}

const [leader, follower, learner] = [seen("leader"), seen("follower"), seen("learner")];
const lonely = seen("leader", { hasQuorum: false });
const leaderless = seen("follower", { leader: undefined });

/** Of n1, n2 and so on. */
function told(said: readonly Said[], order: readonly NodeId[]): readonly string[] {
  const byNode = new Map(said.map((each, at) => [nodeId(`n${at + 1}`), each]));
  const { fastRead, strongRead, fastWrite, strongWrite } = wouldDo(byNode, order);
  return [fastRead, strongRead, fastWrite, strongWrite];
}

const noLeader = /^be refused \(no_leader\) when its time is up/;
const noQuorum = /^be refused \(no_quorum\) after 250 ms.*: n1, which leads, hears no majority$/;
const starting = /^be refused \(starting\) when its time is up.*: n3 has no replica open/;

function matches(lines: readonly string[], expected: readonly RegExp[]): void {
  for (const [at, line] of expected.entries()) assert.match(lines[at] ?? "", line);
}

describe("what a request would do", () => {
  it("is to be served, while all are there", () => {
    assert.deepEqual(told([leader, follower, follower], [n2, n1, n3]), [
      "be served by n2, the nearest replica, at once",
      "be served by n2 after n1, which leads, has confirmed it with a majority",
      "be taken by n1, which leads, and be answered when it is on its disk",
      "be taken by n1, which leads, and be answered when a majority has it on disk and it is applied",
    ]);
  });

  it("is to be refused when the leader hears no majority, but for what it does alone; whoever answers here", () => {
    for (const others of [follower, silent]) {
      const lines = told([lonely, others, others], [n1, n2, n3]);
      matches(lines, [/^be served by n1, the nearest replica, at once$/, noQuorum]);
      assert.match(lines[2] ?? "", /^be taken by n1, which leads and hears no majority: .* \(no_quorum\)/);
      assert.match(lines[3] ?? "", noQuorum);
    }
    assert.match(told([lonely, follower, follower], [n3, n1, n2])[1] ?? "", noQuorum, "a follower asks the leader");
    matches(told([leader, silent, silent], [n1, n2, n3]).slice(1), [
      /^be served by n1 after/,
      /^be taken/,
      /^be taken/,
    ]);
  });

  it("is to be refused without a leader, but for fast reads; and without anybody", () => {
    const lines = told([silent, leaderless, leaderless], [n3, n2, n1]);
    matches(lines, [/^be served by n3/, noLeader, noLeader, noLeader]);
    matches(told([silent, silent, silent], [n1, n2, n3]), [noLeader, noLeader, noLeader, noLeader]);
    matches(told([silent, silent, silent], []), [noLeader, noLeader, noLeader, noLeader]);
  });

  it("is to be refused by the gravest of what those say who cannot do it", () => {
    matches(told([silent, silent, "not_here"], [n1, n2, n3]), [starting, starting, starting, starting]);
    matches(told([silent, leaderless, "not_here"], [n3, n2]), [
      /^be served by n2, for n3/,
      starting,
      starting,
      starting,
    ]);
    matches(told([silent, "busy", "not_here"], [n1, n2, n3]), [/^be refused \(busy\): n2 /]);
    matches(told([lonely, learner, "not_here"], [n2, n3, n1]).slice(3), [noQuorum]);
  });

  it("is to be refused by a leader of an earlier term that hears no majority, which takes fast writes alone", () => {
    const later = seen("follower", { term: 4, leader: undefined });
    const lines = told([lonely, later, later], [n2, n3, n1]);
    matches(lines.slice(1), [
      noQuorum,
      /^be taken by n1, which leads though a later term has begun and hears no/,
      noQuorum,
    ]);
    matches(told([leader, later, later], [n2, n3, n1]).slice(3), [noLeader]);
    const next = seen("leader", { term: 4, leader: n2 });
    assert.match(told([lonely, next, later], [n1, n2, n3])[3] ?? "", /^be taken by n2, which leads, /);
  });

  it("reaches a leader through those that do, for reads", () => {
    const lines = told([silent, follower, follower], [n2, n3, n1]);
    const confirmed = "be served by n2 after n1, which leads by what n2 says, has confirmed it with a majority";
    assert.equal(lines[1], confirmed);
    matches(lines.slice(2), [noLeader, noLeader]);
  });

  it("leaves out who is being filled, is away, or stops", () => {
    const served = "be served by n1, for n2, which is nearer, cannot serve it, at once";
    assert.equal(told([leader, learner, follower], [n2, n3, n1])[0], served, "who leads is tried next");
    const away = told([follower, silent, seen("leader", { leader: n3 })], [n2, n1]);
    assert.match(away[0] ?? "", /^be served by n1/, "n3 leads and stops");
    matches(away.slice(2), [/^wait until n3, which stops, has handed/, /^wait until n3, which stops/]);
    const joining = told([leader, follower, silent, learner], [n4, n1, n2, n3]);
    matches(joining, [/^be served by n1, for n4/, /^be served by n1 after n1/, /^be taken by n1/, /^be taken by n1/]);
  });
});
