// Deals things of groups (replicas, or the leadership) out to nodes: evenly first, then with as little change as may be.
//
// What is wanted is exact, in this order (the groups of users are all but the meta group):
//
//   1. what the meta group has stays, unless it may not
//   2. what the groups of users have is even over the nodes: the sum of squares is the least possible
//   3. so is what all groups have, the meta group's counted in
//   4. as much as may be stays where it is
//
// That is the cheapest flow through this network, one unit for each thing, with a cost for each of the four aims, and each
// aim's cost above all that the lesser ones can come to:
//
//             count     a zone with more nodes        each further one        each further one
//                       than may be taken of it       costs more (2)          costs more (3)
//    source ---------> group ---> ( zone ) ---> node, users ---------> node, all ---------> sink
//    source ---------> meta ----> ( zone ) --------------------------> node, all
//                                         1 each; costs what moving there does (4, or 1)

import { assert } from "../base/assert.ts";
import { FlowNetwork } from "./cheapest-flow.ts";

/** Nodes are numbers here: places in the list of the nodes. */
export interface Wish {
  readonly isMeta: boolean;
  /** How many nodes it wants. */
  readonly count: number;
  /** The nodes that it may have, each list holding those of one zone. */
  readonly zones: readonly (readonly number[])[];
  readonly fromZoneMax: number;
  /** What it has now. */
  readonly has: ReadonlySet<number>;
}

interface Weights {
  readonly keep: number;
  readonly all: number;
  readonly users: number;
  readonly meta: number;
}

/** For each wish its nodes, in ascending order. That all wishes can be granted is the caller's to know. */
export function spread(nodeCount: number, wishes: readonly Wish[]): number[][] {
  const network = new FlowNetwork();
  const source = network.addVertex();
  const sink = network.addVertex();
  const weights = weightsOf(wishes.length);
  const most = wishes.length;
  const nodes = Array.from({ length: nodeCount }, () => {
    const users = network.addVertex();
    const all = network.addVertex();
    network.addArc({ from: users, to: all, capacity: most, cost: 0, steeper: weights.users });
    network.addArc({ from: all, to: sink, capacity: most, cost: 0, steeper: weights.all });
    return { users, all };
  });
  const grants = wishes.map((wish) => {
    const group = network.addVertex();
    network.addArc({ from: source, to: group, capacity: wish.count, cost: 0, steeper: 0 });
    const moving = wish.isMeta ? weights.meta : weights.keep;
    return wish.zones.flatMap((zone) => {
      const from = zone.length > wish.fromZoneMax ? zoneVertex(network, group, wish.fromZoneMax) : group;
      return zone.map((node) => {
        const { users, all } = nodes[node] as { users: number; all: number };
        const cost = wish.has.has(node) ? 0 : moving;
        return { node, arc: network.addArc({ from, to: wish.isMeta ? all : users, capacity: 1, cost, steeper: 0 }) };
      });
    });
  });
  const units = wishes.reduce((sum, wish) => sum + wish.count, 0);
  const sent = network.send(source, sink, units);
  assert(sent === units, "every wish can be granted", { sent, units });
  return grants.map((possible) =>
    possible
      .filter(({ arc }) => network.carries(arc) > 0)
      .map(({ node }) => node)
      .sort((left, right) => left - right),
  );
}

function zoneVertex(network: FlowNetwork, group: number, most: number): number {
  const zone = network.addVertex();
  network.addArc({ from: group, to: zone, capacity: most, cost: 0, steeper: 0 });
  return zone;
}

/**
 * A path meets each vertex once: it enters and leaves each group once, and of the arcs into the sink it meets two. Where the
 * meta group lies changes nothing for what can be reached of (2): both are had at once, and neither has to outweigh the other.
 */
function weightsOf(groups: number): Weights {
  const keep = 1;
  const all = keep * (2 * groups + 1);
  const users = all * (2 * groups + 2);
  return { keep, all, users, meta: users };
}
