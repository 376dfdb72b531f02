import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { mapNode, placedMap } from "../../test/node/sample-map.ts";
import { NodeClock, VirtualTime } from "../../test/sim/virtual-time.ts";
import { nodeId, replicaId } from "../base/ids.ts";
import type { GroupId } from "../base/ids.ts";
import type { ClusterMap } from "../cluster/cluster-map.ts";
import { endExchange, registerNode, replaceLost } from "../cluster/map-changes.ts";
import type { Replica } from "../replica/replica.ts";
import { StartWatch } from "./start-watch.ts";

const nodes = ["n1", "n2", "n3"].map((id) => mapNode(id));
const placed = placedMap(nodes, 1);
const emptied = mapNode("n2", "", "another");

interface Says {
  id: number;
  isWhole: boolean;
  leader: number;
  staleness: number | undefined;
  hasQuorum?: boolean;
}

let time: VirtualTime;
let map: ClusterMap | undefined;
let disk: string;
/** Of each group that has a replica here. */
let replicas: Map<GroupId, Says>;
let watch: StartWatch;

const replicaOf = (group: GroupId): Replica | undefined => {
  const says = replicas.get(group);
  if (says === undefined) return undefined;
  return {
    ...says,
    appliedIndex: 17,
    status: { role: "follower", term: 3, leader: says.leader, hasQuorum: says.hasQuorum ?? true },
    stalenessMilliseconds: says.staleness,
    refreshStaleness: () => undefined,
  } as unknown as Replica;
};

/** A replica in each group, under the id that the map gives this node's. */
function fill(changes: Partial<Says> = {}): void {
  for (const { id, replicas: placedHere, exchange } of map?.groups ?? []) {
    const seat = exchange?.joining ?? placedHere.find(({ node }) => node === "n2");
    replicas.set(id, { id: seat?.replica ?? 0, isWhole: true, leader: 1, staleness: 5, ...changes });
  }
}

const waitsFor = (): string[] =>
  watch.checks().flatMap(({ name, isFine, detail }) => (isFine ? [] : [`${name}: ${detail}`]));

beforeEach(() => {
  time = new VirtualTime();
  [map, disk] = [placed, "disk of n2"];
  replicas = new Map();
  watch = new StartWatch(
    {
      id: nodeId("n2"),
      get disk() {
        return disk;
      },
      get map() {
        return map;
      },
      awaited: "n3 has not come",
      replicaOf,
      nodeOf: () => nodeId("n1"),
    },
    new NodeClock(time),
  );
});

describe("a node that begins", () => {
  it("is ready when its replicas have what their leaders had, and stays so", () => {
    fill({ staleness: undefined });
    assert.equal(watch.look(), false, "they may not be open");
    watch.allOpen();
    assert.equal(watch.look(), false);
    assert.equal(waitsFor()[0], "group 0: follows n1, has applied entry 17, is not known to have all");
    fill();
    assert.equal(watch.look(), true);
    assert.deepEqual(waitsFor(), []);
    fill({ leader: 0, staleness: undefined });
    assert.equal(watch.look(), true, "it may serve local reads");
    fill({ leader: 2, hasQuorum: false });
    assert.equal(waitsFor()[0], "group 0: leads, and hears no majority, has applied entry 17");
    assert.equal(watch.look(), true);
  });

  it("waits ten seconds for leaders that nobody hears of, and then no longer", async () => {
    fill({ leader: 0 });
    watch.allOpen();
    await time.runTo(9000);
    assert.equal(watch.look(), false);
    await time.runTo(11_000);
    assert.equal(watch.look(), true);
  });

  it("is not ready before each seat that the map gives it is filled, when its data folder was emptied", async () => {
    disk = "another";
    watch.allOpen();
    assert.equal(watch.look(), false);
    assert.match(waitsFor()[0] ?? "", /^cluster: c1 at epoch \d+, it does not know node n2 with this data folder yet$/);
    map = registerNode(placed, emptied);
    assert.equal(watch.look(), false, "no replica is here at all");
    assert.deepEqual(waitsFor(), [
      "group 0: replica 2 went with its data folder, and has no successor yet",
      "group 1: replica 2 went with its data folder, and has no successor yet",
    ]);
    map = replaceLost(map);
    assert.equal(watch.look(), false);
    assert.equal(waitsFor()[1], "group 1: replica 4 is not open yet");
    fill({ isWhole: false });
    await time.runTo(60_000);
    assert.equal(watch.look(), false, "however long that takes, and whatever it has heard of its leader");
    assert.equal(waitsFor()[0], "group 0: replica 4 is being filled, has applied entry 17");
    fill();
    const [first] = map.groups;
    assert.ok(first !== undefined);
    replicas.set(first.id, { id: 4, isWhole: false, leader: 1, staleness: 5 });
    assert.equal(watch.look(), false, "one is not enough");
    map = endExchange(map, first.id, replicaId(4));
    fill();
    assert.equal(watch.look(), true);
  });

  it("is ready without any seat once the cluster knows it", () => {
    [disk, map] = ["disk of n4", registerNode(placed, mapNode("n4"))];
    const joined = new StartWatch(
      { id: nodeId("n4"), disk, map, awaited: "", replicaOf, nodeOf: () => undefined },
      new NodeClock(time),
    );
    joined.allOpen();
    assert.equal(joined.look(), true);
  });
});
