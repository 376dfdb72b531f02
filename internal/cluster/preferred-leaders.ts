// Who is to lead each group when everybody is there: leaders do the work of writes, so they are spread over the nodes as replicas are.
// The same on every node that has the map, and for as long as the map stays.

import type { GroupId, ReplicaId } from "../base/ids.ts";
import { evenLeaders } from "../ring/placement.ts";
import type { ClusterMap } from "./cluster-map.ts";

export function preferredLeaders({ nodes, groups }: ClusterMap): ReadonlyMap<GroupId, ReplicaId> {
  const placed = groups.map(({ id, replicas }) => ({ group: id, nodes: replicas.map(({ node }) => node) }));
  const ids = nodes.map(({ id }) => id);
  const leaders = evenLeaders(ids, placed);
  const preferred = new Map<GroupId, ReplicaId>();
  for (const { id, replicas } of groups) {
    const seat = replicas.find(({ node }) => node === leaders.get(id));
    if (seat !== undefined) preferred.set(id, seat.replica);
  }
  return preferred;
}
