// What the replicas of a node have counted since its process began, those among them that are not here any more.

import type { GroupId } from "../../internal/base/ids.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { SalvageNumbers, SnapshotNumbers } from "../../internal/telemetry/node-metrics.ts";

export class ReplicaTotals {
  private readonly known = new Map<GroupId, Pick<Replica, "numbers">>();
  /** Of replicas that had a successor. */
  private readonly gone: Pick<Replica, "numbers">["numbers"][] = [];
  private present: ReadonlyMap<GroupId, Pick<Replica, "numbers" | "snapshotsUnderWay">> = new Map();

  /** Whenever somebody looks, and now and then. */
  note(replicas: ReadonlyMap<GroupId, Pick<Replica, "numbers" | "snapshotsUnderWay">>): void {
    this.present = replicas;
    for (const [group, replica] of replicas) {
      const before = this.known.get(group);
      if (before !== undefined && before !== replica) this.gone.push(before.numbers);
      this.known.set(group, replica);
    }
  }

  salvage(): SalvageNumbers {
    const sum = { salvaged: 0, superseded: 0, lost: 0 };
    for (const { fates } of this.all) {
      sum.salvaged += fates.salvaged;
      sum.superseded += fates.superseded;
      sum.lost += fates.lost;
    }
    return sum;
  }

  snapshots(): SnapshotNumbers {
    const sum = { sending: 0, receiving: 0, sentBytes: 0, receivedBytes: 0, installed: 0 };
    for (const { sentBytes, receivedBytes, installed } of this.all) {
      sum.sentBytes += sentBytes;
      sum.receivedBytes += receivedBytes;
      sum.installed += installed;
    }
    for (const { snapshotsUnderWay } of this.present.values()) {
      sum.sending += snapshotsUnderWay.sending;
      sum.receiving += snapshotsUnderWay.receiving;
    }
    return sum;
  }

  private get all(): readonly Pick<Replica, "numbers">["numbers"][] {
    return [...this.gone, ...Array.from(this.known.values(), ({ numbers }) => numbers)];
  }
}
