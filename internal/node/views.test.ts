import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mapNode, placedMap } from "../../test/node/sample-map.ts";
import { groupId, nodeId, replicaId } from "../base/ids.ts";
import type { NodeId } from "../base/ids.ts";
import type { ClusterMap } from "../cluster/cluster-map.ts";
import { decodeCall, encodeAnswer, writeSeen } from "./client-wire.ts";
import type { SeenReplica } from "./group-service.ts";
import type { RoutingParts } from "./routing.ts";
import { Views } from "./views.ts";
import { isSeen } from "./would-do.ts";

const [n1, n2, n3] = [nodeId("n1"), nodeId("n2"), nodeId("n3")];
const group = groupId(1);

/** Of a gateway that reaches these nodes, each with what it says of its replica. */
function viewsOf(said: ReadonlyMap<NodeId, SeenReplica>, unfit = new Map<NodeId, string>()): Views {
  const table = {
    get: (node: NodeId) => (said.has(node) ? { life: 1 } : undefined),
    request: (node: NodeId, payload: Uint8Array) => {
      assert.equal(decodeCall(payload).call.kind, "view");
      const value = said.get(node);
      if (value === undefined) return Promise.resolve({ kind: "refused", why: "down" });
      return Promise.resolve({
        kind: "answered",
        payload: encodeAnswer({ kind: "done", value }, writeSeen, undefined),
      });
    },
    isKnown: (node: NodeId) => node !== n3,
  };
  const parts = {
    node: nodeId("gateway"),
    service: undefined,
    table,
    unfit: { of: (node: NodeId) => unfit.get(node) },
    keeper: { epoch: 1 },
  };
  return new Views(parts as unknown as RoutingParts);
}

const seen = (replica: number, role: SeenReplica["role"], appliedIndex: number): SeenReplica => {
  const place = { replica: replicaId(replica), role, term: 3, leader: n1 };
  const indexes = { commitIndex: 20, appliedIndex, lastIndex: appliedIndex };
  return { ...place, ...indexes, hasQuorum: true, matched: [], disbeliefMilliseconds: 0 };
};

/** n2 came back with an empty folder: replica 4 takes the place of replica 2 there. */
function exchanging(): ClusterMap {
  const map = placedMap([mapNode("n1"), mapNode("n2", "", "new disk"), mapNode("n3")], 1);
  const groups = map.groups.map((each) => {
    const replicas = [n1, n2, n3].map((node, at) => ({ replica: replicaId(at + 1), node, disk: "disk" }));
    const exchange = { joining: { replica: replicaId(4), node: n2, disk: "new disk" }, leaving: replicaId(2) };
    return each.id === group ? { ...each, replicas, exchange, nextReplica: replicaId(5) } : each;
  });
  return { ...map, groups };
}

describe("what there is to see of a cluster", () => {
  it("tells a replica that takes the place of another one from that one, and says what goes on", async () => {
    const views = viewsOf(
      new Map([
        [n1, seen(1, "leader", 20)],
        [n2, seen(4, "learner", 5)],
        [n3, seen(3, "follower", 18)],
      ]),
    );
    const { groups, troubles } = await views.cluster(exchanging(), undefined);
    const view = groups.find((each) => each.group === group);
    assert.deepEqual(
      view?.replicas.map(({ replica, node, role, lag, joining }) => [replica, node, role, lag, joining]),
      [
        [1, n1, "leader", 0, false],
        [2, n2, undefined, undefined, false],
        [3, n3, "follower", 2, false],
        [4, n2, "learner", 15, true],
      ],
    );
    assert.equal(view?.leader, n1);
    assert.deepEqual(troubles, [
      "group 0: n2 does not have its replica 2 open: it is starting, or has lost it",
      "group 1: replica 2 of n2 is lost; replica 4 of n2 takes its place",
    ]);
  });

  it("tells of groups without a majority among the troubles, and of nodes that nobody has looked at yet", async () => {
    const map = placedMap(
      [n1, n2, n3].map((id) => mapNode(id)),
      1,
    );
    const { troubles } = await viewsOf(new Map([[n1, seen(1, "leader", 20)]])).cluster(map, undefined);
    assert.deepEqual(troubles, [
      "node n2 cannot be reached from gateway",
      "node n3 has not been reached from gateway yet",
      "group 0 has no majority: gateway sees 1 of 3 replicas, and not those of n2 and n3",
      "group 1 has no majority: gateway sees 1 of 3 replicas, and not those of n2 and n3",
    ]);
  });

  it("names a node that cannot write", async () => {
    const map = placedMap(
      [n1, n2, n3].map((id) => mapNode(id)),
      1,
    );
    const said = new Map([n1, n2, n3].map((id, at) => [id, seen(at + 1, at === 0 ? "leader" : "follower", 20)]));
    const { troubles } = await viewsOf(said, new Map([[n2, "no space"]])).cluster(map, undefined);
    assert.deepEqual(troubles, ["node n2 cannot write, and others lead its groups as far as they can: no space"]);
  });

  it("tells why nobody leads a group whose newest stamps are not believed", async () => {
    const map = placedMap(
      [n1, n2, n3].map((id) => mapNode(id)),
      1,
    );
    const doubting = (number: number, disbeliefMilliseconds: number): SeenReplica => {
      return { ...seen(number, "follower", 20), disbeliefMilliseconds };
    };
    const said = new Map([
      [n1, doubting(1, 61_001)],
      [n2, doubting(2, 5000)],
      [n3, doubting(3, 0)],
    ]);
    const troubles = async (): Promise<readonly string[]> => {
      const view = await viewsOf(said).cluster(map, undefined);
      return view.troubles.filter((trouble) => trouble.startsWith("group 1"));
    };
    assert.deepEqual(await troubles(), [
      "group 1 has no leader",
      "group 1: on n1 and n2 nobody stands for election for another 62 s, for its newest write is stamped that much further ahead of " +
        "the clock there than --max-clock-offset lets it be: set a clock right that is slow; where the clocks are right, and were ahead " +
        "for a while, wait, or start the nodes again with a --max-clock-offset that is 62 s longer",
    ]);
    said.set(n3, { ...seen(3, "leader", 20) });
    assert.deepEqual(await troubles(), [], "one is enough to lead");
  });

  it("names a replica that has less than it had acknowledged, unless it only seemed so between two looks", async () => {
    const map = placedMap(
      [n1, n2, n3].map((id) => mapNode(id)),
      1,
    );
    const matched = [2, 3].map((number) => ({ replica: replicaId(number), index: 20 }));
    const said = new Map([
      [n1, { ...seen(1, "leader", 20), matched }],
      [n2, seen(2, "follower", 15)],
      [n3, { ...seen(3, "follower", 15), term: 2 }],
    ]);
    const words =
      "group 1: replica 2 of n2 has less than it had acknowledged, as with an older copy of its folder; " +
      "stop n2, empty its folder, and start it again: the others fill it";
    const troubles = async (): Promise<readonly string[]> => {
      const view = await viewsOf(said).cluster(map, undefined);
      return view.troubles.filter((trouble) => trouble.startsWith("group 1"));
    };
    assert.deepEqual(await troubles(), [words], "who has not heard of the leader yet says nothing");
    let looks = 0;
    const late = { ...seen(2, "follower", 15) };
    Object.defineProperty(late, "lastIndex", { get: () => (looks++ < 2 ? 15 : 20) });
    said.set(n2, late);
    assert.deepEqual([await troubles(), looks > 2], [[], true]);
  });

  it("knows neither term nor commit index of a group of which nobody is seen", async () => {
    const { view } = await viewsOf(new Map()).lookAt(exchanging(), undefined, group);
    assert.deepEqual([view.term, view.commitIndex, view.leader], [undefined, undefined, undefined]);
    const one = await viewsOf(new Map([[n2, seen(2, "follower", 5)]])).lookAt(exchanging(), undefined, group);
    assert.deepEqual([one.view.term, one.view.commitIndex], [3, 20]);
  });

  it("tells nothing of a replica whose node is away, or has another one", async () => {
    const views = viewsOf(new Map([[n2, seen(2, "follower", 5)]]));
    const { view, said } = await views.lookAt(exchanging(), undefined, group);
    assert.deepEqual(
      view.replicas.map(({ role }) => role),
      [undefined, "follower", undefined, undefined],
    );
    assert.equal(view.leader, undefined);
    assert.deepEqual(
      [...said].map(([node, each]) => [node, isSeen(each) ? each.replica : each]),
      [
        [n1, "no_leader"],
        [n2, 2],
        [n3, "no_leader"],
      ],
    );
  });
});
