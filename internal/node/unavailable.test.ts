import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { groupId, nodeId } from "../base/ids.ts";
import type { ClusterView, ReplicaView } from "./requests.ts";
import { unavailableIn } from "./unavailable.ts";

const replica = (number: number, role: ReplicaView["role"], joining = false): ReplicaView => {
  const seen = { role, appliedIndex: role && 7, lag: role && 0 };
  return { replica: number, node: nodeId(`n${number}`), ...seen, joining };
};

function viewOf(replicas: readonly ReplicaView[], leader = "n1"): ClusterView {
  const group = { group: groupId(1), slots: 16_384, term: 3, leader: nodeId(leader), commitIndex: 7, replicas };
  const whole = { cluster: "c1", epoch: 4, format: 1, answeredBy: nodeId("n1"), nodes: [], troubles: [] };
  return { ...whole, groups: [group] };
}

describe("what of a cluster is unavailable", () => {
  it("is a group whose majority is away; whoever joins it counts neither way", () => {
    const [first, second, third] = [replica(1, "leader"), replica(2, "follower"), replica(3, undefined)];
    assert.deepEqual(unavailableIn(viewOf([first, second, third])), []);
    assert.deepEqual(unavailableIn(viewOf([first, second, third, replica(4, undefined, true)])), []);
    const lost = [first, replica(2, undefined), third];
    const words = ["group 1 has no majority: n1 sees 1 of 3 replicas, and not those of n2 and n3"];
    assert.deepEqual(unavailableIn(viewOf(lost)), words);
    assert.deepEqual(unavailableIn(viewOf([...lost, replica(4, "learner", true)])), words);
  });
});
