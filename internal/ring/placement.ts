// Where the replicas of each group lie: three on three different nodes, zones kept apart, the load even, and as few replicas
// moved as that allows. A plan is a pure function of what is there: every node makes the same one.
//
//   zones    three or more: one replica in each of three; two: at most two in one; one: no matter
//   even     replicas differ by at most one from node to node, where zones allow: those of the groups of users, and, with the
//            meta group's, those of all. Where zones do not allow it, the sum of squares is the least that they do
//   moves    of these placements it is one with the fewest moves. A replica of the meta group moves only when it has to
//   leaders  each group's preferred leader is one of its three; they are spread in the same way, after the replicas

import { assert } from "../base/assert.ts";
import { groupId } from "../base/ids.ts";
import type { GroupId } from "../base/ids.ts";
import { spread } from "./spread.ts";
import type { Wish } from "./spread.ts";

const replicasPerGroup = 3;
/** Keeps the cluster's own state; it is not on the ring. */
export const metaGroup = groupId(0);

/** A node that may hold replicas. One that is to leave is not named. */
export interface PlacementNode {
  readonly id: string;
  readonly zone: string;
}

export interface GroupPlacement {
  readonly group: GroupId;
  /** The ids of three different nodes, in the order of their code units. */
  readonly nodes: readonly string[];
  /** The node that is to lead, one of the three. */
  readonly leader: string;
}

/** One step: the replica on `from` is replaced by one on `to`. */
export interface ReplicaMove {
  readonly group: GroupId;
  readonly from: string;
  readonly to: string;
}

export type PlanResult =
  | {
      readonly kind: "planned";
      /** In the order of the groups' ids. */
      readonly placement: readonly GroupPlacement[];
      /**
       * In the order of the groups' ids. Of one group they are made in this order, so that zones stay apart on the way too;
       * those of different groups in any order. Groups that were nowhere before have none.
       */
      readonly moves: readonly ReplicaMove[];
    }
  | { readonly kind: "refused"; readonly why: "too_few_nodes" };

/** Where a cluster begins: the meta group on the first three nodes by id. */
export function foundingPlacement(nodeIds: readonly string[]): GroupPlacement | undefined {
  const nodes = [...new Set(nodeIds)].sort(byCodeUnits).slice(0, replicasPerGroup);
  const [leader] = nodes;
  return leader === undefined || nodes.length < replicasPerGroup ? undefined : { group: metaGroup, nodes, leader };
}

/**
 * Places `groups` on `nodes`. What `present` says about other groups is dropped; nodes that it names and `nodes` does not
 * are left by whatever lies there.
 */
export function plan(
  present: readonly GroupPlacement[],
  nodes: readonly PlacementNode[],
  groups: readonly GroupId[],
): PlanResult {
  const sortedNodes = [...nodes].sort((left, right) => byCodeUnits(left.id, right.id));
  const sortedGroups = [...groups].sort((left, right) => left - right);
  checkDifferent(sortedNodes.map((node) => node.id));
  checkDifferent(sortedGroups);
  if (nodes.length < replicasPerGroup) return { kind: "refused", why: "too_few_nodes" };

  const before = new Map(present.map((placed) => [placed.group, placed]));
  for (const placed of present) checkPlaced(placed);
  const replicas = spreadReplicas(sortedNodes, sortedGroups, before);
  const leaders = spreadLeaders(sortedNodes, replicas, before);
  const placement = sortedGroups.map((group, at) => ({
    group,
    nodes: (replicas[at] as Chosen).nodes.map((node) => idOf(sortedNodes, node)),
    leader: idOf(sortedNodes, leaders[at] as number),
  }));
  const zones = new Map(sortedNodes.map(({ id, zone }) => [id, zone]));
  const moves = placement.flatMap((placed) => movesOf(before.get(placed.group), placed, zones));
  return { kind: "planned", placement, moves };
}

/** The node that is to lead each of these groups: one of its own, spread as evenly as that allows. */
export function evenLeaders(
  nodeIds: readonly string[],
  placed: readonly Omit<GroupPlacement, "leader">[],
): ReadonlyMap<GroupId, string> {
  const nodes = [...nodeIds].sort(byCodeUnits).map((id) => ({ id, zone: "" }));
  const chosen = placed.map(({ group, nodes: ids }) => ({ group, nodes: [...placesOf(nodes, ids)] }));
  const leaders = spreadLeaders(nodes, chosen, new Map());
  return new Map(placed.map(({ group }, at) => [group, idOf(nodes, leaders[at] as number)]));
}

interface Chosen {
  readonly group: GroupId;
  /** Places in the list of nodes. */
  readonly nodes: readonly number[];
}

function spreadReplicas(
  nodes: readonly PlacementNode[],
  groups: readonly GroupId[],
  before: ReadonlyMap<GroupId, GroupPlacement>,
): Chosen[] {
  const zones = placesByZone(nodes);
  const fromZoneMax = Math.ceil(replicasPerGroup / zones.length);
  const wishes = groups.map((group): Wish => {
    const has = placesOf(nodes, before.get(group)?.nodes ?? []);
    return { isMeta: group === metaGroup, count: replicasPerGroup, zones, fromZoneMax, has };
  });
  return spread(nodes.length, wishes).map((chosen, at) => ({ group: groups[at] as GroupId, nodes: chosen }));
}

function spreadLeaders(
  nodes: readonly PlacementNode[],
  replicas: readonly Chosen[],
  before: ReadonlyMap<GroupId, GroupPlacement>,
): number[] {
  const wishes = replicas.map(({ group, nodes: chosen }): Wish => {
    const placed = before.get(group);
    const has = placesOf(nodes, placed === undefined ? [] : [placed.leader]);
    return { isMeta: group === metaGroup, count: 1, zones: [chosen], fromZoneMax: chosen.length, has };
  });
  return spread(nodes.length, wishes).map(([leader]) => leader as number);
}

/** Pairs the nodes that a group leaves with those that it enters: within a zone first, so that no zone holds more meanwhile. */
function movesOf(
  before: GroupPlacement | undefined,
  after: GroupPlacement,
  zones: ReadonlyMap<string, string>,
): ReplicaMove[] {
  if (before === undefined) return [];
  const left = before.nodes.filter((id) => !after.nodes.includes(id)).sort(byCodeUnits);
  const entered = after.nodes.filter((id) => !before.nodes.includes(id));
  const moves: ReplicaMove[] = [];
  const pair = (from: string, to: string): void => {
    left.splice(left.indexOf(from), 1);
    entered.splice(entered.indexOf(to), 1);
    moves.push({ group: after.group, from, to });
  };
  for (const from of before.nodes) {
    if (!left.includes(from)) continue;
    const to = entered.find((id) => zones.get(id) === zones.get(from));
    if (to !== undefined) pair(from, to);
  }
  while (left.length > 0) pair(left[0] as string, entered[0] as string);
  return moves;
}

function placesByZone(nodes: readonly PlacementNode[]): number[][] {
  const places = new Map<string, number[]>();
  for (const [at, { zone }] of nodes.entries()) {
    const there = places.get(zone);
    if (there === undefined) places.set(zone, [at]);
    else there.push(at);
  }
  return [...places.values()];
}

function placesOf(nodes: readonly PlacementNode[], ids: readonly string[]): Set<number> {
  return new Set(ids.map((id) => nodes.findIndex((node) => node.id === id)));
}

function idOf(nodes: readonly PlacementNode[], at: number): string {
  return (nodes[at] as PlacementNode).id;
}

/** Not by the rules of a language: those differ from machine to machine. */
function byCodeUnits(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function checkDifferent(sorted: readonly (string | number)[]): void {
  for (let at = 1; at < sorted.length; at++) {
    assert(sorted[at] !== sorted[at - 1], "named twice", { name: sorted[at] });
  }
}

function checkPlaced({ group, nodes }: GroupPlacement): void {
  const isSound = nodes.length === replicasPerGroup && new Set(nodes).size === replicasPerGroup;
  assert(isSound, "a group lies on three different nodes", { group, nodes: nodes.join(" ") });
}
