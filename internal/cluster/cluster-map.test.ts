import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8, utf8Text } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import { groupId, nodeId, replicaId } from "../base/ids.ts";
import { decodeMap, encodeMap, groupOf, nodesMax, replicasOf } from "./cluster-map.ts";
import type { ClusterMap, MapNode } from "./cluster-map.ts";
import {
  endExchange,
  firstMap,
  foundersOf,
  placeGroups,
  raiseFormat,
  registerNode,
  replaceLost,
} from "./map-changes.ts";

function node(id: string, disk = `disk of ${id}`, zone = ""): MapNode {
  const at = (port: number): string => `${id}:${port}`;
  return {
    id: nodeId(id),
    zone,
    disk,
    addresses: { peer: at(7400), http: at(8080), resp: at(7379), grpc: at(7500), admin: at(9400) },
    formats: { least: 1, most: 1 },
  };
}

function founded(peers: readonly string[] = ["n1", "n2", "n3"], groups = 4): ClusterMap {
  const founders = foundersOf(peers.map(nodeId)) ?? [];
  return firstMap({ cluster: "c1", peers: peers.map(nodeId), groups, founders: founders.map((id) => node(id)) });
}

/** Every node that is expected has registered. */
const complete = (map: ClusterMap): ClusterMap => map.expected.map((id) => node(id)).reduce(registerNode, map);
const placed = (): ClusterMap => placeGroups(complete(founded()));
const changedTo = (map: ClusterMap, to: Partial<ClusterMap>): ClusterMap => ({ ...map, ...to });

describe("the cluster map", () => {
  it("is the same after it was bytes", () => {
    for (const map of [founded(), placed(), replaceLost(registerNode(placed(), node("n2", "another")))]) {
      assert.deepEqual(decodeMap(encodeMap(map)), map);
    }
  });

  it("is refused as a whole when something in it cannot be", () => {
    const map = placed();
    const [first, second] = map.groups;
    assert.ok(first !== undefined && second !== undefined);
    const [replica, ...others] = second.replicas;
    assert.ok(replica !== undefined);
    const withGroup = (group: object): ClusterMap => changedTo(map, { groups: [first, group as typeof second] });
    const bad: readonly [ClusterMap, RegExp][] = [
      [changedTo(map, { epoch: 0 }), /no epoch/],
      [changedTo(map, { groups: [second] }), /no meta group/],
      [changedTo(map, { nodes: [...map.nodes].reverse() }), /nodes that are out of order/],
      [changedTo(map, { ring: [groupId(9)] }), /group 9 on the ring/],
      [changedTo(map, { ring: [groupId(0)] }), /group 0 on the ring/],
      [withGroup({ ...second, replicas: others }), /ring|2 replicas/],
      [changedTo(founded(), { groups: [{ ...first, replicas: others }] }), /2 replicas instead of 3/],
      [changedTo(founded(), { groups: [{ ...first, nextReplica: replicaId(3) }] }), /3 is the next/],
      [changedTo(founded(), { nodes: map.nodes.slice(1) }), /which is not there/],
      [
        changedTo(founded(), {
          groups: [{ ...first, replicas: first.replicas.map((each) => ({ ...each, node: replica.node })) }],
        }),
        /two replicas on one node/,
      ],
    ];
    for (const [wrong, why] of bad) {
      assert.throws(
        () => decodeMap(encodeMap(wrong)),
        (failure) => failure instanceof TrefoilError && failure.code === "corruption" && why.test(failure.message),
        String(why),
      );
    }
    const text = utf8Text(encodeMap(map));
    for (const wrong of ["", "[]", "null", "{}", text.slice(1), text.replace('"format":1', '"format":2')]) {
      assert.throws(() => decodeMap(utf8(wrong)), TrefoilError, wrong.slice(0, 20));
    }
    assert.throws(() => decodeMap(utf8(text.replace('"zone":""', '"zone":7'))), /no text/);
    assert.throws(() => decodeMap(utf8(text.replace(/"epoch":\d+/, '"epoch":2.5'))), /no whole number/);
  });

  it("begins with the first three peers by id, and places the groups once every peer has come", () => {
    let map = founded(["n4", "n2", "n3", "n1"], 8);
    assert.deepEqual(
      replicasOf(map.groups[0] as never).map(({ node: at }) => at),
      ["n1", "n2", "n3"],
    );
    map = ["n1", "n2", "n3"].map((id) => node(id)).reduce(registerNode, map);
    assert.equal(placeGroups(map), map, "n4 has not come");
    map = placeGroups(registerNode(map, node("n4")));
    assert.deepEqual(map.ring, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(
      map.groups.map(({ id }) => id),
      [0, ...map.ring],
    );
    const held = new Map<string, number>();
    for (const { replicas } of map.groups) for (const { node: at } of replicas) held.set(at, (held.get(at) ?? 0) + 1);
    const loads = [...held.values()];
    assert.ok(Math.max(...loads) - Math.min(...loads) <= 1, `even: ${loads.join(" ")}`);
    assert.equal(placeGroups(map), map, "once");
  });

  it("places the groups over the zones that the nodes have told, the founders too (rule 26)", () => {
    const zones = new Map([
      ["n1", "a"],
      ["n2", "a"],
      ["n3", "b"],
      ["n4", "b"],
      ["n5", "c"],
      ["n6", "c"],
    ]);
    let map = founded([...zones.keys()], 8);
    for (const [id, zone] of [...zones].reverse()) {
      assert.equal(placeGroups(map), map, `${id} has not said where it is`);
      map = registerNode(map, node(id, `disk of ${id}`, zone));
    }
    map = placeGroups(map);
    assert.equal(map.ring.length, 8);
    for (const { id, replicas } of map.groups.slice(1)) {
      const held = new Set(replicas.map(({ node: at }) => zones.get(at)));
      assert.equal(held.size, 3, `group ${id} lies in ${[...held].join(", ")}`);
    }
  });

  it("does not change when a node says again what is known, and does when it has moved", () => {
    const map = registerNode(founded(), node("n1"));
    assert.equal(registerNode(map, node("n1")), map);
    const moved = registerNode(map, { ...node("n1"), zone: "b" });
    assert.equal(moved.epoch, map.epoch + 1);
  });

  it("takes so many nodes as it can be read back with, and refuses the next one by name", () => {
    let map = founded();
    for (let at = map.nodes.length; at < nodesMax; at++) map = registerNode(map, node(`m${10_000 + at}`));
    assert.equal(decodeMap(encodeMap(map)).nodes.length, nodesMax);
    assert.throws(
      () => registerNode(map, node("n9")),
      (failure) => failure instanceof TrefoilError && failure.code === "conflict" && /node n9/.test(failure.message),
    );
    const moved = registerNode(map, node("n2", "another"));
    assert.equal(moved.nodes.length, nodesMax, "who is known may move");
  });

  it("holds the format that all write, raised when every node supports the next one; who does not read it stays out", () => {
    const both = { least: 1, most: 2 };
    let map = placed();
    assert.equal(map.formats.active, 1);
    for (const id of ["n1", "n2"]) map = registerNode(map, { ...node(id), formats: both });
    assert.throws(() => raiseFormat(map, 2), /format 2 is not supported by n3: update them first/);
    const [one, two] = [registerNode(map, { ...node("n3"), formats: both }), node("n4")];
    const raised = raiseFormat(one, 2);
    assert.deepEqual([raised.formats.active, raised.epoch], [2, one.epoch + 1]);
    assert.equal(raiseFormat(raised, 1), raised, "it only grows");
    assert.throws(() => registerNode(raised, two), /writes format 2, and node n4 reads 1 to 1: update it/);
    const newer = { ...two, formats: { least: 2, most: 3 } };
    assert.throws(() => registerNode(map, newer), /writes format 1, and node n4 reads 2 to 3: raise/);
    assert.throws(
      () => decodeMap(encodeMap(raised)),
      /the cluster writes format 2; this version reads 1 to 1: update it/,
    );
    const before = JSON.parse(utf8Text(encodeMap(placed()))) as { formats?: unknown; nodes: { formats?: unknown }[] };
    delete before.formats;
    for (const each of before.nodes) delete each.formats;
    assert.deepEqual(decodeMap(utf8(JSON.stringify(before))), placed(), "as it was before there were two");
  });

  it("gives a replica whose data folder is lost a successor under a new id, and lets the lost one go in the end", () => {
    let map = registerNode(placed(), node("n2", "new"));
    const before = map;
    map = replaceLost(map);
    for (const group of map.groups) {
      const lost = groupOf(before, group.id)?.replicas.find(({ node: at }) => at === "n2");
      assert.deepEqual(group.exchange, {
        joining: { replica: replicaId(4), node: "n2", disk: "new" },
        leaving: lost?.replica,
      });
    }
    assert.equal(replaceLost(map), map, "it is under way");
    assert.equal(endExchange(map, groupId(1), replicaId(9)), map);
    for (const { id } of map.groups) map = endExchange(map, id, replicaId(4));
    for (const group of map.groups) {
      assert.equal(group.exchange, undefined);
      assert.ok(group.replicas.some(({ replica, disk }) => replica === 4 && disk === "new"));
    }
    assert.equal(replaceLost(map), map, "nothing is lost any more");
    assert.equal(endExchange(map, groupId(1), replicaId(4)), map, "told twice");
  });

  it("gives a joining replica whose folder is lost as well another id", () => {
    let map = replaceLost(registerNode(placed(), node("n2", "new")));
    map = replaceLost(registerNode(map, node("n2", "newer")));
    const [group] = map.groups;
    assert.deepEqual(group?.exchange?.joining, { replica: replicaId(5), node: "n2", disk: "newer" });
    assert.equal(group.nextReplica, 6);
    assert.equal(endExchange(map, groupId(0), replicaId(4)), map, "it is not the one that is waited for");
  });
});
