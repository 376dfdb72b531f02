// Where replicas live that the map does not name, or not yet: as they were last heard from. A leader answers a replica that has
// left, and a new one hears from a leader before it has read the newest map.

import type { GroupId, NodeId, ReplicaId } from "../base/ids.ts";

const replicasPerGroupMax = 16;

export class Whereabouts {
  private readonly groups = new Map<GroupId, Map<ReplicaId, NodeId>>();

  heard(group: GroupId, replica: ReplicaId, node: NodeId): void {
    const known = this.groups.get(group) ?? new Map<ReplicaId, NodeId>();
    this.groups.set(group, known);
    if (known.get(replica) === node) return;
    if (known.size >= replicasPerGroupMax) known.clear();
    known.set(replica, node);
  }

  of(group: GroupId, replica: ReplicaId): NodeId | undefined {
    return this.groups.get(group)?.get(replica);
  }
}
