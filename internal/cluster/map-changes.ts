// How the cluster map changes: pure functions from a map to the next one. Each returns the map that it was given when there is nothing
// to change, so that whoever asks twice changes once.

import { assert } from "../base/assert.ts";
import { TrefoilError } from "../base/errors.ts";
import { groupId, replicaId } from "../base/ids.ts";
import type { GroupId, NodeId, ReplicaId } from "../base/ids.ts";
import { foundingPlacement, metaGroup, plan } from "../ring/placement.ts";
import { faultOf, firstReplicas, groupOf, isSupported, nodeOf, nodesMax, replicasPerGroup } from "./cluster-map.ts";
import type { ClusterMap, MapGroup, MapNode, MapReplica } from "./cluster-map.ts";

export interface Beginning {
  readonly cluster: string;
  /** Every node that the cluster is to begin with. */
  readonly peers: readonly NodeId[];
  readonly groups: number;
  /** Those that host the meta group, registered. */
  readonly founders: readonly MapNode[];
}

/** The first map: the founders, and the meta group on them. */
export function firstMap({ cluster, peers, groups, founders }: Beginning): ClusterMap {
  assert(founders.length === replicasPerGroup, "a cluster is founded by three", { founders: founders.length });
  const nodes = inOrder(founders);
  const meta = newGroup(metaGroup, nodes);
  // What every founder can write.
  const formats = { active: Math.min(...nodes.map((node) => node.formats.most)) };
  const expected = sorted(peers);
  return checked({ cluster, epoch: 1, formats, groupsWanted: groups, expected, nodes, groups: [meta], ring: [] });
}

/** The nodes that host the meta group of a cluster of `peers`; undefined: there are too few. */
export function foundersOf(peers: readonly NodeId[]): readonly NodeId[] | undefined {
  return foundingPlacement(peers)?.nodes as readonly NodeId[] | undefined;
}

/** A node says where it is, and which data folder it has. Throws `conflict` when the map has no room for another name. */
export function registerNode(map: ClusterMap, node: MapNode): ClusterMap {
  if (isRegistered(map, node)) return map;
  if (nodeOf(map, node.id) === undefined && map.nodes.length >= nodesMax) {
    const detail = `the cluster knows ${nodesMax} names of nodes, which is the most, and node ${node.id} is none of them; give it one of those that are gone`;
    throw new TrefoilError("conflict", detail);
  }
  const { active } = map.formats;
  if (!isSupported(node.formats, active)) {
    const { least, most } = node.formats;
    const way = most < active ? "update it" : "raise the cluster's format first";
    const detail = `the cluster writes format ${active}, and node ${node.id} reads ${least} to ${most}: ${way}`;
    throw new TrefoilError("conflict", detail);
  }
  const nodes = inOrder([...map.nodes.filter(({ id }) => id !== node.id), node]);
  return next(map, { nodes, expected: map.expected.filter((id) => id !== node.id) });
}

/** Whether the map has a node as it says that it is. Of founders the first map says no more than that they exist. */
export function isRegistered(map: ClusterMap, node: MapNode): boolean {
  const known = nodeOf(map, node.id);
  return known !== undefined && isSameNode(known, node) && !map.expected.includes(node.id);
}

/** What is written everywhere becomes the next format. Throws `conflict` as long as a node does not support it. */
export function raiseFormat(map: ClusterMap, active: number): ClusterMap {
  if (active <= map.formats.active) return map;
  const older = map.nodes.filter(({ formats }) => !isSupported(formats, active)).map(({ id }) => id);
  if (older.length === 0) return next(map, { formats: { active } });
  throw new TrefoilError("conflict", `format ${active} is not supported by ${older.join(", ")}: update them first`);
}

/** Once every expected node has come and said in which zone it is (rule 26): the groups that the cluster was founded with get their places, and the ring its slots. */
export function placeGroups(map: ClusterMap): ClusterMap {
  if (map.ring.length > 0 || map.expected.length > 0) return map;
  const ids = Array.from({ length: map.groupsWanted }, (_, at) => groupId(at + 1));
  const present = map.groups.map(({ id, replicas }) => {
    const nodes = sorted(replicas.map(({ node }) => node));
    return { group: id, nodes, leader: nodes[0] as NodeId };
  });
  const planned = plan(present, map.nodes, [metaGroup, ...ids]);
  if (planned.kind === "refused") return map;
  const placed = planned.placement.filter(({ group }) => group !== metaGroup);
  const groups = placed.map(({ group, nodes }) =>
    newGroup(
      group,
      nodes.map((id) => nodeOf(map, id as NodeId) as MapNode),
    ),
  );
  return next(map, { groups: [...map.groups, ...groups], ring: ids });
}

/**
 * A replica whose data folder is lost gets a successor on its node: the first such replica of each group that exchanges none
 * yet. What is there remains as it is until `endExchange`.
 */
export function replaceLost(map: ClusterMap): ClusterMap {
  let changed = false;
  const groups = map.groups.map((group): MapGroup => {
    const lost = group.exchange === undefined ? group.replicas.find((replica) => isLost(map, replica)) : undefined;
    if (lost === undefined) return renewedExchange(map, group, () => (changed = true));
    changed = true;
    return withExchange(map, group, lost.replica, lost.node);
  });
  return changed ? next(map, { groups }) : map;
}

/** The group has taken `joining` in, and let `leaving` go. */
export function endExchange(map: ClusterMap, id: GroupId, joined: ReplicaId): ClusterMap {
  const group = groupOf(map, id);
  const exchange = group?.exchange;
  if (group === undefined || exchange?.joining.replica !== joined) return map;
  const staying = group.replicas.filter(({ replica }) => replica !== exchange.leaving);
  const replicas = [...staying, exchange.joining].sort((left, right) => left.replica - right.replica);
  return withGroup(map, { ...group, replicas, exchange: undefined });
}

/** Whether the data folder that a replica lived in is gone. */
function isLost(map: ClusterMap, { node, disk }: MapReplica): boolean {
  return nodeOf(map, node)?.disk !== disk;
}

/** A joining replica may lose its folder as well, before it has joined. */
function renewedExchange(map: ClusterMap, group: MapGroup, onChange: () => void): MapGroup {
  const { exchange } = group;
  if (exchange === undefined || !isLost(map, exchange.joining)) return group;
  onChange();
  return withExchange(map, group, exchange.leaving, exchange.joining.node);
}

function withExchange(map: ClusterMap, group: MapGroup, leaving: ReplicaId, node: NodeId): MapGroup {
  const { nextReplica } = group;
  const { disk } = nodeOf(map, node) as MapNode; // faultOf holds every replica's node to be there
  return {
    ...group,
    exchange: { joining: { replica: nextReplica, node, disk }, leaving },
    nextReplica: replicaId(nextReplica + 1),
  };
}

function withGroup(map: ClusterMap, changed: MapGroup): ClusterMap {
  return next(map, { groups: map.groups.map((group) => (group.id === changed.id ? changed : group)) });
}

function next(map: ClusterMap, changes: Partial<ClusterMap>): ClusterMap {
  return checked({ ...map, ...changes, epoch: map.epoch + 1 });
}

function checked(map: ClusterMap): ClusterMap {
  const fault = faultOf(map);
  assert(fault === undefined, "a cluster map that cannot be", { fault });
  return map;
}

function newGroup(id: GroupId, nodes: readonly MapNode[]): MapGroup {
  assert(nodes.length === replicasPerGroup, "a group begins with three", { id, nodes: nodes.length });
  const replicas = firstReplicas.map((replica, at) => {
    const { id: node, disk } = nodes[at] as MapNode; // as many as there are replicas
    return { replica, node, disk };
  });
  return { id, replicas, exchange: undefined, nextReplica: replicaId(replicasPerGroup + 1) };
}

function isSameNode(left: MapNode, right: MapNode): boolean {
  const { addresses: one } = left;
  const { addresses: other } = right;
  return (
    left.zone === right.zone &&
    left.disk === right.disk &&
    left.formats.least === right.formats.least &&
    left.formats.most === right.formats.most &&
    one.peer === other.peer &&
    one.http === other.http &&
    one.resp === other.resp &&
    one.grpc === other.grpc &&
    one.admin === other.admin
  );
}

function inOrder(nodes: readonly MapNode[]): readonly MapNode[] {
  return [...nodes].sort((left, right) => (left.id < right.id ? -1 : 1));
}

function sorted(ids: readonly NodeId[]): readonly NodeId[] {
  return [...new Set(ids)].sort((left, right) => (left < right ? -1 : 1));
}
