// What the replicas of a node have counted since its process began, those among them that are not here any more.

import type { GroupId } from "../../internal/base/ids.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { SalvageNumbers, SnapshotNumbers } from "../../internal/telemetry/node-metrics.ts";

type Present = Pick<Replica, "numbers" | "snapshotsUnderWay">;

export class ReplicaTotals {
  /** Of each group the numbers of the replicas that it has had here, in turn. */
  private readonly known = new Map<GroupId, Present["numbers"][]>();
  private present: ReadonlyMap<GroupId, Present> = new Map();

  /** Whenever somebody looks, and now and then. */
  note(replicas: ReadonlyMap<GroupId, Present>): void {
    this.present = replicas;
    for (const [group, { numbers }] of replicas) {
      const known = this.known.get(group) ?? [];
      this.known.set(group, known);
      if (known.at(-1) !== numbers) known.push(numbers);
    }
  }

  salvage(): SalvageNumbers {
    const sum = { salvaged: 0, superseded: 0, lost: 0 };
    for (const { fates } of Array.from(this.known.values()).flat()) {
      sum.salvaged += fates.salvaged;
      sum.superseded += fates.superseded;
      sum.lost += fates.lost;
    }
    return sum;
  }

  snapshots(): readonly SnapshotNumbers[] {
    return Array.from(this.known, ([group, ofReplicas]) => {
      const { sending, receiving } = this.present.get(group)?.snapshotsUnderWay ?? { sending: 0, receiving: 0 };
      const sum = { group, sending, receiving, sentBytes: 0, receivedBytes: 0, made: 0, installed: 0 };
      for (const { sentBytes, receivedBytes, made, installed } of ofReplicas) {
        sum.sentBytes += sentBytes;
        sum.receivedBytes += receivedBytes;
        sum.made += made;
        sum.installed += installed;
      }
      return sum;
    });
  }
}
