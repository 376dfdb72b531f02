import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { groupId, nodeId } from "../base/ids.ts";
import type { NodeId } from "../base/ids.ts";
import type { GroupView, ReplicaView } from "./requests.ts";
import { wouldDo } from "./would-do.ts";

const [n1, n2, n3, n4] = [nodeId("n1"), nodeId("n2"), nodeId("n3"), nodeId("n4")];

const replica = (number: number, role: ReplicaView["role"], joining = false): ReplicaView => {
  const appliedIndex = role === undefined ? undefined : 7;
  return { replica: number, node: nodeId(`n${number}`), role, appliedIndex, lag: undefined, joining };
};

function group(replicas: readonly ReplicaView[]): GroupView {
  const leader = replicas.find(({ role }) => role === "leader")?.node;
  return { group: groupId(1), slots: 4, term: 3, leader, commitIndex: 7, replicas };
}

const healthy = [replica(1, "leader"), replica(2, "follower"), replica(3, "follower")];

/** The beginning of each: what is said and not why. */
function told(replicas: readonly ReplicaView[], order: readonly NodeId[]): readonly string[] {
  const { fastRead, strongRead, fastWrite, strongWrite } = wouldDo(group(replicas), order);
  return [fastRead, strongRead, fastWrite, strongWrite];
}

const noLeader = /^be refused \(no_leader\) when its time is up/;
const noQuorum = /^be refused \(no_quorum\) after 250 ms/;

function matches(lines: readonly string[], expected: readonly RegExp[]): void {
  for (const [at, line] of expected.entries()) assert.match(lines[at] ?? "", line);
}

describe("what a request would do", () => {
  it("is to be served, while all are there", () => {
    assert.deepEqual(told(healthy, [n2, n1, n3]), [
      "be served by n2, the nearest replica, at once",
      "be served by n2 after n1, which leads, has confirmed it with a majority",
      "be taken by n1, which leads, and be answered when it is on its disk",
      "be taken by n1, which leads, and be answered when a majority has it on disk and it is applied",
    ]);
  });

  it("is to be refused without a majority, but for what a leader alone does", () => {
    const lines = told([replica(1, "leader"), replica(2, undefined), replica(3, undefined)], [n1, n2, n3]);
    matches(lines, [/^be served by n1, the nearest replica, at once$/, noQuorum]);
    assert.match(lines[2] ?? "", /^be taken by n1, which leads and hears no majority: .* \(no_quorum\)/);
    assert.match(lines[3] ?? "", noQuorum);
  });

  it("is to be refused without a leader, but for fast reads; and without anybody", () => {
    const followers = [replica(1, undefined), replica(2, "follower"), replica(3, "follower")];
    matches(told(followers, [n3, n2, n1]), [/^be served by n3/, noLeader, noLeader, noLeader]);
    const dead = [1, 2, 3].map((number) => replica(number, undefined));
    matches(told(dead, [n1, n2, n3]), [noLeader, noLeader, noLeader, noLeader]);
  });

  it("leaves out who is being filled, is away, or stops", () => {
    const filled = [replica(1, "leader"), replica(2, "learner"), replica(3, "follower")];
    const served = "be served by n1, for n2, which is nearer, cannot serve it, at once";
    assert.equal(told(filled, [n2, n3, n1])[0], served, "who leads is tried next");
    const away = [replica(1, "follower"), replica(2, undefined), replica(3, "leader")];
    assert.match(told(away, [n2, n1])[0] ?? "", /^be served by n1/, "n3 leads and stops");
    matches(told(away, [n2, n1]).slice(2), [/^wait until n3, which stops, has handed/, /^wait until n3, which stops/]);
    const joining = [...healthy.slice(0, 2), replica(3, undefined), replica(4, "learner", true)];
    const [fastRead = "", , , strongWrite = ""] = told(joining, [n4, n1, n2, n3]);
    assert.match(fastRead, /^be served by n1, for n4/);
    assert.match(strongWrite, /^be taken by n1/);
    const alone = [replica(1, "leader"), replica(2, undefined), replica(3, undefined), replica(4, "learner", true)];
    assert.match(told(alone, [n1, n4])[3] ?? "", noQuorum, "who does not vote counts for no majority");
  });
});
