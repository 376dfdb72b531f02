// What a replica counts, for metrics alone: since it was opened, and nothing here decides anything.

import type { RaftStatus } from "../raft/status.ts";
import type { Fate } from "./fates.ts";

export class ReplicaNumbers {
  /** Fast writes that a log had lost, by what became of them where this replica led. */
  readonly fates = { salvaged: 0, superseded: 0, lost: 0 } satisfies Record<Fate, number>;
  /** Snapshots that were begun to be sent, and those that were taken in; and what travelled of all. */
  made = 0;
  installed = 0;
  sentBytes = 0;
  receivedBytes = 0;

  /** Each replica applies a merge; one counts. */
  decided(fate: Fate, role: RaftStatus["role"]): void {
    if (role === "leader") this.fates[fate]++;
  }
}
