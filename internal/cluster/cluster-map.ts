// The cluster map: which nodes there are, where the replicas of each group lie, which groups are on the ring. It is a value with an
// epoch; each change makes a new one (map-changes.ts). It lies in the meta group, and is the same on whoever has its epoch.
//
// As bytes it is JSON, `format` first, so that whoever meets a newer one can say so. What comes from elsewhere is checked
// as a whole: a map is either one that could have been made here, or refused.

import { utf8 } from "../base/bytes.ts";
import { corruption } from "../base/errors.ts";
import { groupId, nodeId, replicaId } from "../base/ids.ts";
import type { GroupId, NodeId, ReplicaId } from "../base/ids.ts";
import { countOf, fieldsOf, listMax, listOf, parseJson, textOf } from "./json-fields.ts";

const what = "a cluster map";
const mapFormat = 1;
export const replicasPerGroup = 3;
/** Names stay in the map when their nodes are gone. */
export const nodesMax = listMax;
/** Each group begins with these: who joins later and reads its log from there has to know. */
export const firstReplicas: readonly ReplicaId[] = Array.from({ length: replicasPerGroup }, (_, at) =>
  replicaId(at + 1),
);

/** What others dial: `host:port` each. */
export interface Addresses {
  readonly peer: string;
  readonly http: string;
  readonly resp: string;
  readonly grpc: string;
  readonly admin: string;
}

/** Numbers of formats: of frames, log, commands, tables, snapshots, all together. A process reads and writes the present one and the one before. */
export interface FormatRange {
  readonly least: number;
  readonly most: number;
}

/** By this version. */
export const supportedFormats: FormatRange = { least: 1, most: 1 };

export interface MapNode {
  readonly id: NodeId;
  readonly zone: string;
  /** Names its data folder; a node that comes with another one has lost what it had. */
  readonly disk: string;
  readonly addresses: Addresses;
  readonly formats: FormatRange;
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
  /** What is written everywhere: each node reads it. It is raised when all can write the next one. */
  readonly formats: { readonly active: number };
  /** Groups of users that the cluster was founded with; placed when every expected node has come. */
  readonly groupsWanted: number;
  /** Those of the beginning that have not registered. */
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
  const map = fieldsOf(parseJson(bytes, what), what);
  if (map["format"] !== mapFormat) {
    throw corruption(`a cluster map of format ${String(map["format"])}; this version reads format ${mapFormat}`);
  }
  const made: ClusterMap = {
    cluster: textOf(map["cluster"], what),
    epoch: countOf(map["epoch"], what),
    formats: decodeFormats(map["formats"]),
    groupsWanted: countOf(map["groupsWanted"], what),
    expected: listOf(map["expected"], what).map((id) => nodeId(textOf(id, what))),
    nodes: listOf(map["nodes"], what).map(decodeMapNode),
    groups: listOf(map["groups"], what).map(decodeGroup),
    ring: listOf(map["ring"], what).map((id) => groupId(countOf(id, what))),
  };
  const fault = faultOf(made);
  if (fault !== undefined) throw corruption(`a cluster map with ${fault}`);
  const { active } = made.formats;
  if (!isSupported(supportedFormats, active)) {
    const { least, most } = supportedFormats;
    throw corruption(`the cluster writes format ${active}; this version reads ${least} to ${most}: update it`);
  }
  return made;
}

/** Why this is no map, or undefined. */
export function faultOf(map: ClusterMap): string | undefined {
  if (map.epoch < 1) return "no epoch";
  if (map.nodes.length > nodesMax) return `${map.nodes.length} nodes, and ${nodesMax} is the most`;
  if (!isAscending(map.nodes.map(({ id }) => id))) return "nodes that are out of order, or there twice";
  if (!isAscending(map.groups.map(({ id }) => id))) return "groups that are out of order, or there twice";
  if (map.groups[0]?.id !== 0) return "no meta group";
  if (!isAscending(map.ring)) return "groups on the ring that are out of order, or there twice";
  for (const id of map.ring) {
    if (id === 0 || groupOf(map, id) === undefined) return `group ${id} on the ring`;
  }
  const { active } = map.formats;
  const older = map.nodes.find(({ formats }) => !isSupported(formats, active));
  if (older !== undefined) return `format ${active}, which node ${older.id} does not support`;
  for (const group of map.groups) {
    const fault = faultOfGroup(map, group);
    if (fault !== undefined) return `group ${group.id}: ${fault}`;
  }
  return undefined;
}

export const isSupported = ({ least, most }: FormatRange, format: number): boolean => least <= format && format <= most;

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

export function decodeMapNode(value: unknown): MapNode {
  const { id, zone, disk, addresses, formats } = fieldsOf(value, what);
  const { peer, http, resp, grpc, admin } = fieldsOf(addresses, what);
  return {
    id: nodeId(textOf(id, what)),
    zone: textOf(zone, what),
    disk: textOf(disk, what),
    addresses: {
      peer: textOf(peer, what),
      http: textOf(http, what),
      resp: textOf(resp, what),
      grpc: textOf(grpc, what),
      admin: textOf(admin, what),
    },
    formats: decodeRange(formats),
  };
}

/** Maps from before there was a second format do not name it. */
function decodeFormats(value: unknown): ClusterMap["formats"] {
  return { active: value === undefined ? 1 : countOf(fieldsOf(value, what)["active"], what) };
}

function decodeRange(value: unknown): FormatRange {
  if (value === undefined) return { least: 1, most: 1 };
  const { least, most } = fieldsOf(value, what);
  return { least: countOf(least, what), most: countOf(most, what) };
}

function decodeGroup(value: unknown): MapGroup {
  const { id, replicas, exchange, nextReplica } = fieldsOf(value, what);
  return {
    id: groupId(countOf(id, what)),
    replicas: listOf(replicas, what).map(decodeReplica),
    exchange: exchange === undefined ? undefined : decodeExchange(exchange),
    nextReplica: replicaId(countOf(nextReplica, what)),
  };
}

function decodeExchange(value: unknown): Exchange {
  const { joining, leaving } = fieldsOf(value, what);
  return { joining: decodeReplica(joining), leaving: replicaId(countOf(leaving, what)) };
}

function decodeReplica(value: unknown): MapReplica {
  const { replica, node, disk } = fieldsOf(value, what);
  return {
    replica: replicaId(countOf(replica, what)),
    node: nodeId(textOf(node, what)),
    disk: textOf(disk, what),
  };
}
