// What the replicas of a node have said that its disk must know, and whether it still knows it when the node comes back.

import type { GroupId, ReplicaId } from "../../../internal/base/ids.ts";
import type { Log } from "../../../internal/log/log.ts";
import type { ReplicaMessage } from "../../../internal/replica/messages.ts";
import { DiskPromises } from "../disk-promises.ts";

interface Hosted {
  readonly id: ReplicaId;
}

export class NodePromises {
  private readonly byReplica = new Map<string, DiskPromises>();
  /** Whom the last process hosted. Others have taken their leave, and have nothing to keep. */
  private hosted: readonly (readonly [GroupId, ReplicaId])[] = [];

  /** A message leaves the node. */
  note(group: GroupId, message: ReplicaMessage, log: Log): void {
    this.of(group, message.from).note(message, log.group(group));
  }

  ended(replicas: ReadonlyMap<GroupId, Hosted>): void {
    if (replicas.size > 0) this.hosted = Array.from(replicas, ([group, { id }]) => [group, id] as const);
  }

  /** The node is back, with this log. */
  check(log: Log): void {
    for (const [group, id] of this.hosted) this.of(group, id).check(log.group(group));
  }

  private of(group: GroupId, replica: ReplicaId): DiskPromises {
    const name = `${group}/${replica}`;
    const known = this.byReplica.get(name) ?? new DiskPromises();
    this.byReplica.set(name, known);
    return known;
  }
}
