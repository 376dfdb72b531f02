import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { mapNode, placedMap } from "../../test/node/sample-map.ts";
import { NodeClock, VirtualTime } from "../../test/sim/virtual-time.ts";
import { groupId, logIndex, nodeId, replicaId, term } from "../base/ids.ts";
import type { NodeId } from "../base/ids.ts";
import type { ClusterMap } from "../cluster/cluster-map.ts";
import { preferredLeaders } from "../cluster/preferred-leaders.ts";
import { configuration } from "../raft/configuration.ts";
import type { FollowerStatus } from "../raft/raft.ts";
import type { RaftStatus } from "../raft/status.ts";
import { Leaderships } from "./leaderships.ts";

const map = placedMap(
  ["n1", "n2", "n3"].map((id) => mapNode(id)),
  6,
);
const group = groupId(1);
const preferred = preferredLeaders(map).get(group);
assert.ok(preferred !== undefined);
const heir = preferred;
const own = replicaId(heir === 1 ? 2 : 1);
const thirdId = replicaId(6 - own - heir);
const heirNode = map.groups[1]?.replicas.find(({ replica }) => replica === heir)?.node;

const up = { id: heir, state: "replicate", match: logIndex(90), silentTicks: 1, hasSalvage: false } as const;
const leading: RaftStatus = {
  id: own,
  role: "leader",
  term: term(3),
  leader: own,
  commit: logIndex(90),
  persisted: logIndex(100),
  last: logIndex(100),
  lastStamp: 0 as RaftStatus["lastStamp"],
  hasQuorum: true,
  isTransferring: false,
  isRemoved: false,
  configuration: configuration([1, 2, 3].map(replicaId)),
  configurationIndex: logIndex(0),
};

let time: VirtualTime;
let status: RaftStatus;
let follower: FollowerStatus;
let third: FollowerStatus;
let leaderships: Leaderships;
let away: Set<NodeId>;
let leaving: Set<NodeId>;
let unfit: Set<NodeId>;
let isUnfit: boolean;
let handed: number[];

beforeEach(() => {
  time = new VirtualTime();
  status = leading;
  follower = up;
  third = { ...up, id: thirdId, state: "snapshot" };
  away = new Set();
  leaving = new Set();
  unfit = new Set();
  isUnfit = false;
  handed = [];
  const replica = {
    id: own,
    get status() {
      return status;
    },
    get followers() {
      return [follower, third];
    },
    transfer: (to: number) => void handed.push(to),
  };
  leaderships = new Leaderships({
    groups: { get: (id) => (id === group ? replica : undefined) },
    table: { isConnected: (node) => !away.has(node), isLeaving: (node) => leaving.has(node) },
    unfit: {
      get own() {
        return isUnfit ? "no space" : undefined;
      },
      of: (node) => (unfit.has(node) ? "no space" : undefined),
    },
    clock: new NodeClock(time),
    milliseconds: 10_000,
  });
});

function pass(milliseconds: number, of: ClusterMap = map): void {
  for (let at = 0; at < milliseconds; at += 100) {
    time.now += 100;
    leaderships.look(of);
  }
}

describe("leaderships", () => {
  it("are spread over the nodes as evenly as may be, the same by every map that says the same", () => {
    for (const [nodes, groups] of [
      [3, 4],
      [3, 6],
      [4, 16],
      [5, 64],
    ] as const) {
      const ids = Array.from({ length: nodes }, (_, at) => `n${at + 1}`);
      const of = placedMap(
        ids.map((id) => mapNode(id)),
        groups,
      );
      const leaders = preferredLeaders(of);
      assert.equal(leaders.size, groups + 1);
      const held = new Map(ids.map((id) => [id, 0]));
      for (const { id, replicas } of of.groups) {
        const seat = replicas.find(({ replica }) => replica === leaders.get(id));
        assert.ok(seat !== undefined);
        held.set(seat.node, (held.get(seat.node) ?? 0) + 1);
      }
      const counts = [...held.values()];
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${groups} groups: ${counts.join(" ")}`);
      assert.deepEqual(preferredLeaders({ ...of, epoch: of.epoch + 1 }), leaders);
    }
  });

  it("are handed to whom the map would have lead, once he has been ready for a while", () => {
    pass(9_900);
    assert.deepEqual(handed, []);
    pass(300);
    assert.deepEqual(handed, [heir]);
    pass(19_500);
    assert.deepEqual(handed, [heir], "what came to nothing is not tried again at once");
    pass(1000);
    assert.deepEqual(handed, [heir, heir]);
  });

  it("are offered less and less often to an heir that does not take them, until it was away or another term began", () => {
    const tries: number[] = [];
    /** The tries of so many seconds, each of which comes to nothing within half a second. */
    const triesIn = (seconds: number): readonly number[] => {
      const start = time.now;
      tries.length = 0;
      while (time.now - start < seconds * 1000) {
        handed = [];
        pass(100);
        if (handed.length === 0) continue;
        tries.push(Math.round((time.now - start) / 10_000));
        status = { ...status, isTransferring: true };
        pass(500);
        status = { ...status, isTransferring: false };
      }
      return tries;
    };
    assert.deepEqual(triesIn(700), [1, 3, 7, 15, 31, 63]);
    assert.equal(triesIn(6400).length, 10, "as often as that for good");
    away.add(nodeId(heirNode ?? ""));
    pass(100);
    away.clear();
    assert.deepEqual(triesIn(40), [1, 3]);
    status = { ...status, term: term(4) };
    assert.deepEqual(triesIn(40), [1, 3]);
  });

  it("stay while the heir is not there, is about to leave, or lacks something, and the while begins anew then", () => {
    const node = nodeId(heirNode ?? "");
    const hindrances: readonly (readonly [string, () => void])[] = [
      ["away", () => away.add(node)],
      ["leaving", () => leaving.add(node)],
      ["unfit", () => unfit.add(node)],
      ["behind", () => (status = { ...leading, last: logIndex(2000) })],
      ["in need of a snapshot", () => (follower = { ...up, state: "snapshot" })],
      ["with salvage", () => (follower = { ...up, hasSalvage: true })],
      ["in a handover", () => (status = { ...leading, isTransferring: true })],
      ["without quorum", () => (status = { ...leading, hasQuorum: false })],
      ["no leader", () => (status = { ...leading, role: "follower" })],
      ["no voter", () => (status = { ...leading, configuration: configuration([own, replicaId(9), replicaId(10)]) })],
    ];
    for (const [what, hinder] of hindrances) {
      handed = [];
      pass(9_000);
      hinder();
      pass(20_000);
      assert.deepEqual(handed, [], what);
      [status, follower] = [leading, up];
      for (const each of [away, leaving, unfit]) each.clear();
      pass(9_000);
      assert.deepEqual(handed, [], `${what}: it was ready without a break for 9 s only`);
      pass(1_200);
      assert.deepEqual(handed, [heir], what);
      status = { ...leading, role: "follower" };
      pass(100);
      status = leading;
    }
  });

  it("are handed over at once by a node that is unfit to lead, to the one of the map first, and to each once before it rests", () => {
    third = { ...third, state: "replicate" };
    isUnfit = true;
    const tries: [number, number][] = [];
    const start = time.now;
    while (time.now - start < 20_000) {
      pass(100);
      const [to] = handed.splice(0);
      if (to === undefined) continue;
      tries.push([to, Math.round((time.now - start) / 1000)]);
      status = { ...status, isTransferring: true };
      pass(1000);
      status = { ...status, isTransferring: false };
    }
    assert.deepEqual(
      tries,
      [heir, thirdId, heir, thirdId, heir, thirdId].map((to, at) => [to, [0, 1, 4, 5, 11, 12][at]]),
    );
  });

  it("are handed by a node that is unfit to nobody who is unfit, behind, or about to leave the group, though a replica comes in", () => {
    const [meta, first, ...others] = map.groups;
    assert.ok(meta !== undefined && first !== undefined);
    const joining = { replica: replicaId(4), node: heirNode ?? nodeId("n2"), disk: "new" };
    const exchanging = { ...first, exchange: { joining, leaving: heir }, nextReplica: replicaId(5) };
    const exchange = { ...map, groups: [meta, exchanging, ...others] };
    isUnfit = true;
    pass(20_000, exchange);
    assert.deepEqual(handed, [], "one leaves the group, the other one is being filled");
    third = { ...third, state: "replicate" };
    unfit.add(map.groups[1]?.replicas.find(({ replica }) => replica === thirdId)?.node ?? nodeId("n3"));
    pass(20_000, exchange);
    assert.deepEqual(handed, [], "it has no room, either");
    unfit.clear();
    pass(200, exchange);
    assert.deepEqual(handed, [thirdId]);
  });

  it("stay for as long with whoever was elected anew", () => {
    pass(9_900);
    status = { ...leading, term: term(4) };
    pass(9_900);
    assert.deepEqual(handed, []);
    pass(300);
    assert.deepEqual(handed, [heir]);
  });

  it("stay where they are when that is right, or while a replica is exchanged", () => {
    const [meta, first, ...others] = map.groups;
    assert.ok(meta !== undefined && first !== undefined);
    const joining = { replica: replicaId(4), node: nodeId("n3"), disk: "new" };
    const leavingId = first.replicas.find(({ node }) => node === "n3")?.replica ?? replicaId(3);
    const exchanging = { ...first, exchange: { joining, leaving: leavingId }, nextReplica: replicaId(5) };
    pass(30_000, { ...map, groups: [meta, exchanging, ...others] });
    assert.deepEqual(handed, []);
  });
});
