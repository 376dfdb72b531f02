// The cluster map: which nodes there are, where the replicas of each group lie, which groups are on the ring. It is a value with an
// epoch; each change makes a new one (map-changes.ts). It lies in the meta group, and is the same on whoever has its epoch.
//
// As bytes it is JSON, `format` first, so that whoever meets a newer one can say so. What comes from elsewhere is checked
// as a whole: a map is either one that could have been made here, or refused.

import { utf8, utf8Text } from "../base/bytes.ts";
import { corruption } from "../base/errors.ts";
import { groupId, nodeId, replicaId } from "../base/ids.ts";
import type { GroupId, NodeId, ReplicaId } from "../base/ids.ts";

const mapFormat = 1;
export const replicasPerGroup = 3;
const groupsMax = 1024;
const nodesMax = 1024;

/** What others dial: `host:port` each. */
export interface Addresses {
  readonly peer: string;
  readonly http: string;
  readonly resp: string;
  readonly grpc: string;
  readonly admin: string;
}

export interface MapNode {
  readonly id: NodeId;
  readonly zone: string;
  /** Names its data folder; a node that comes with another one has lost what it had. */
  readonly disk: string;
  readonly addresses: Addresses;
}

export interface MapReplica {
  readonly replica: ReplicaId;
  readonly node: NodeId;
  /** It lives in this data folder, and in no other. */
  readonly disk: string;
}

/** One replica is to take the place of another. */
export interface Exchange {
  readonly joining: MapReplica;
  readonly leaving: ReplicaId;
}

export interface MapGroup {
  readonly id: GroupId;
  /** The three that vote, in the order of their ids; while an exchange is under way, those from before it. */
  readonly replicas: readonly MapReplica[];
  readonly exchange: Exchange | undefined;
  /** No replica of the group had this id, or a greater one. */
  readonly nextReplica: ReplicaId;
}

export interface ClusterMap {
  /** Names the cluster for ever. */
  readonly cluster: string;
  readonly epoch: number;
  /** Groups of users that the cluster was founded with; placed when every expected node has come. */
  readonly groupsWanted: number;
  readonly expected: readonly NodeId[];
  /** In the order of their ids. */
  readonly nodes: readonly MapNode[];
  /** In the order of their ids; the first is the meta group. */
  readonly groups: readonly MapGroup[];
  /** Groups that own slots; none before they are placed. */
  readonly ring: readonly GroupId[];
}

export function nodeOf(map: ClusterMap, id: NodeId): MapNode | undefined {
  return map.nodes.find((node) => node.id === id);
}

export function groupOf(map: ClusterMap, id: GroupId): MapGroup | undefined {
  return map.groups.find((group) => group.id === id);
}

/** Everybody who belongs to a group, or is about to. */
export function replicasOf(group: MapGroup): readonly MapReplica[] {
  return group.exchange === undefined ? group.replicas : [...group.replicas, group.exchange.joining];
}

export function encodeMap(map: ClusterMap): Uint8Array {
  return utf8(JSON.stringify({ format: mapFormat, ...map }));
}

/** Throws `corruption` for bytes that are no map. */
export function decodeMap(bytes: Uint8Array): ClusterMap {
  const map = fieldsOf(parse(bytes), "the map");
  if (map["format"] !== mapFormat) {
    throw corruption(`a cluster map of format ${String(map["format"])}; this version reads format ${mapFormat}`);
  }
  const made: ClusterMap = {
    cluster: textOf(map["cluster"], "cluster"),
    epoch: countOf(map["epoch"], "epoch"),
    groupsWanted: countOf(map["groupsWanted"], "groupsWanted"),
    expected: listOf(map["expected"], "expected", nodesMax).map((id) => nodeId(textOf(id, "an expected node"))),
    nodes: listOf(map["nodes"], "nodes", nodesMax).map(decodeNode),
    groups: listOf(map["groups"], "groups", groupsMax).map(decodeGroup),
    ring: listOf(map["ring"], "ring", groupsMax).map((id) => groupId(countOf(id, "a group on the ring"))),
  };
  const fault = faultOf(made);
  if (fault !== undefined) throw corruption(`a cluster map with ${fault}`);
  return made;
}

/** Why this is no map, or undefined. */
export function faultOf(map: ClusterMap): string | undefined {
  if (map.epoch < 1) return "no epoch";
  if (!isAscending(map.nodes.map(({ id }) => id))) return "nodes that are out of order, or there twice";
  if (!isAscending(map.groups.map(({ id }) => id))) return "groups that are out of order, or there twice";
  if (map.groups[0]?.id !== 0) return "no meta group";
  if (!isAscending(map.ring)) return "groups on the ring that are out of order, or there twice";
  for (const id of map.ring) {
    if (id === 0 || groupOf(map, id) === undefined) return `group ${id} on the ring`;
  }
  for (const group of map.groups) {
    const fault = faultOfGroup(map, group);
    if (fault !== undefined) return `group ${group.id}: ${fault}`;
  }
  return undefined;
}

function faultOfGroup(map: ClusterMap, group: MapGroup): string | undefined {
  const { replicas, exchange, nextReplica } = group;
  if (replicas.length !== replicasPerGroup) return `${replicas.length} replicas instead of ${replicasPerGroup}`;
  if (!isAscending(replicas.map(({ replica }) => replica))) return "replicas that are out of order, or there twice";
  if (new Set(replicas.map(({ node }) => node)).size !== replicas.length) return "two replicas on one node";
  for (const { replica, node } of replicasOf(group)) {
    if (replica < 1 || replica >= nextReplica) return `replica ${replica}, and ${nextReplica} is the next`;
    if (nodeOf(map, node) === undefined) return `replica ${replica} on node ${node}, which is not there`;
  }
  if (exchange === undefined) return undefined;
  const staying = replicas.filter(({ replica }) => replica !== exchange.leaving);
  if (staying.length !== replicas.length - 1) return `replica ${exchange.leaving} leaves and is not there`;
  if (staying.some(({ node }) => node === exchange.joining.node)) return "two replicas on one node after an exchange";
  return undefined;
}

function isAscending<T extends number | string>(values: readonly T[]): boolean {
  return values.every((value, at) => at === 0 || (values[at - 1] as T) < value);
}

type Fields = Readonly<Record<string, unknown>>;

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8Text(bytes)) as unknown;
  } catch (failure) {
    throw corruption("a cluster map that is not JSON", failure);
  }
}

function decodeNode(value: unknown): MapNode {
  const { id, zone, disk, addresses } = fieldsOf(value, "a node");
  const { peer, http, resp, grpc, admin } = fieldsOf(addresses, "a node's addresses");
  return {
    id: nodeId(textOf(id, "a node's id")),
    zone: textOf(zone, "a node's zone"),
    disk: textOf(disk, "a node's disk"),
    addresses: {
      peer: textOf(peer, "a peer address"),
      http: textOf(http, "an HTTP address"),
      resp: textOf(resp, "a RESP address"),
      grpc: textOf(grpc, "a gRPC address"),
      admin: textOf(admin, "an admin address"),
    },
  };
}

function decodeGroup(value: unknown): MapGroup {
  const { id, replicas, exchange, nextReplica } = fieldsOf(value, "a group");
  return {
    id: groupId(countOf(id, "a group's id")),
    replicas: listOf(replicas, "replicas", replicasPerGroup).map(decodeReplica),
    exchange: exchange === undefined ? undefined : decodeExchange(exchange),
    nextReplica: replicaId(countOf(nextReplica, "nextReplica")),
  };
}

function decodeExchange(value: unknown): Exchange {
  const { joining, leaving } = fieldsOf(value, "an exchange");
  return { joining: decodeReplica(joining), leaving: replicaId(countOf(leaving, "leaving")) };
}

function decodeReplica(value: unknown): MapReplica {
  const { replica, node, disk } = fieldsOf(value, "a replica");
  return {
    replica: replicaId(countOf(replica, "a replica's id")),
    node: nodeId(textOf(node, "a replica's node")),
    disk: textOf(disk, "a replica's disk"),
  };
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw corruption(`a cluster map in which ${what} is no object`);
}

function listOf(value: unknown, what: string, most: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= most) return value as readonly unknown[];
  throw corruption(`a cluster map in which ${what} is no list, or too long a one`);
}

const textCharactersMax = 512;

function textOf(value: unknown, what: string): string {
  if (typeof value === "string" && value.length <= textCharactersMax) return value;
  throw corruption(`a cluster map in which ${what} is no text, or too long a one`);
}

function countOf(value: unknown, what: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw corruption(`a cluster map in which ${what} is no whole number`);
}
