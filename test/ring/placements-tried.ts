// The best placement by trying all of them: the yardstick of plans, for a handful of nodes and groups.

import type { GroupId } from "../../internal/base/ids.ts";
import { metaGroup } from "../../internal/ring/placement.ts";
import type { GroupPlacement, PlacementNode } from "../../internal/ring/placement.ts";

/**
 * What a placement is worth, the weightiest first; less is better: replicas of the meta group that moved; squares of the
 * loads without it; squares of all loads; replicas of the others that moved.
 */
export type Score = readonly [number, number, number, number];

type Choice = Pick<GroupPlacement, "group" | "nodes">;

export function scoreOf(
  placement: readonly Choice[],
  nodes: readonly PlacementNode[],
  present: readonly GroupPlacement[],
): Score {
  const users = new Map(nodes.map(({ id }) => [id, 0]));
  const all = new Map(users);
  let metaMoves = 0;
  let moves = 0;
  for (const { group, nodes: chosen } of placement) {
    const before = present.find((placed) => placed.group === group);
    const moved = before === undefined ? 0 : chosen.filter((id) => !before.nodes.includes(id)).length;
    if (group === metaGroup) metaMoves += moved;
    else moves += moved;
    for (const id of chosen) {
      all.set(id, (all.get(id) ?? 0) + 1);
      if (group !== metaGroup) users.set(id, (users.get(id) ?? 0) + 1);
    }
  }
  return [metaMoves, squares(users), squares(all), moves];
}

export function bestByTrying(
  nodes: readonly PlacementNode[],
  groups: readonly GroupId[],
  present: readonly GroupPlacement[],
): Score {
  const zoneOf = new Map(nodes.map(({ id, zone }) => [id, zone]));
  const zonesWanted = Math.min(3, new Set(zoneOf.values()).size);
  const allowed = threesOf(nodes.map(({ id }) => id)).filter(
    (chosen) => new Set(chosen.map((id) => zoneOf.get(id))).size >= zonesWanted,
  );
  return best(
    groups,
    () => allowed,
    (choices) => scoreOf(choices, nodes, present),
  );
}

export function scoreOfLeaders(
  placement: readonly GroupPlacement[],
  nodes: readonly PlacementNode[],
  present: readonly GroupPlacement[],
): Score {
  const asReplicas = (placed: GroupPlacement): GroupPlacement => ({ ...placed, nodes: [placed.leader] });
  return scoreOf(placement.map(asReplicas), nodes, present.map(asReplicas));
}

/** Where the replicas lie is given. */
export function bestLeadersByTrying(
  placement: readonly GroupPlacement[],
  nodes: readonly PlacementNode[],
  present: readonly GroupPlacement[],
): Score {
  const nodesOf = new Map(placement.map(({ group, nodes: chosen }) => [group, chosen]));
  const groups = placement.map(({ group }) => group);
  const before = present.map((placed) => ({ ...placed, nodes: [placed.leader] }));
  const choicesOf = (group: GroupId): string[][] => (nodesOf.get(group) ?? []).map((id) => [id]);
  return best(groups, choicesOf, (choices) => scoreOf(choices, nodes, before));
}

function best(
  groups: readonly GroupId[],
  choicesOf: (group: GroupId) => readonly string[][],
  score: (choices: readonly Choice[]) => Score,
): Score {
  let found: Score | undefined;
  const choices: Choice[] = [];
  const tryFrom = (at: number): void => {
    const group = groups[at];
    if (group === undefined) {
      const tried = score(choices);
      if (found === undefined || isLess(tried, found)) found = tried;
      return;
    }
    for (const nodes of choicesOf(group)) {
      choices.push({ group, nodes });
      tryFrom(at + 1);
      choices.pop();
    }
  };
  tryFrom(0);
  if (found === undefined) throw new Error("there is no valid placement");
  return found;
}

function isLess(left: Score, right: Score): boolean {
  const at = left.findIndex((value, place) => value !== right[place]);
  return at >= 0 && (left[at] as number) < (right[at] as number);
}

function threesOf(ids: readonly string[]): string[][] {
  return ids.flatMap((first, at) =>
    ids.slice(at + 1).flatMap((second, between) => ids.slice(at + between + 2).map((third) => [first, second, third])),
  );
}

function squares(loads: ReadonlyMap<string, number>): number {
  return [...loads.values()].reduce((sum, load) => sum + load * load, 0);
}
