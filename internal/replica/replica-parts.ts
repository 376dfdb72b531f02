// What a replica is put together from.

import type { Incarnation, ReplicaId } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Engine } from "../engine/engine.ts";
import type { GroupLog } from "../log/group-log.ts";
import type { Log } from "../log/log.ts";
import type { Background } from "../platform/background.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import type { Disk } from "../platform/disk.ts";
import type { Logger } from "../platform/logger.ts";
import type { Raft } from "../raft/raft.ts";
import type { GroupState } from "./group-state.ts";
import type { LogEntries } from "./log-entries.ts";
import type { ReplicaMessage } from "./messages.ts";
import type { ReplicaOptions } from "./options.ts";
import type { ReplicaNumbers } from "./replica-numbers.ts";

export interface ReplicaSeams {
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  send(message: ReplicaMessage): void;
  /** It can do nothing more: its log or its engine failed, or the group has let it go. */
  onFailure(failure: Error): void;
}

export interface ReplicaParts {
  readonly id: ReplicaId;
  readonly seams: ReplicaSeams;
  readonly options: ReplicaOptions;
  readonly log: Log;
  readonly group: GroupLog;
  readonly engine: Engine;
  readonly raft: Raft;
  readonly entries: LogEntries;
  readonly disk: Disk;
  readonly background: Background;
  /** Where a snapshot is put together; on the engine's file system. */
  readonly snapshotFolder: string;
  /** What is acknowledged is synced: the log does not wait for an interval. */
  readonly isSynced: boolean;
  readonly place: ReplicaPlace;
  readonly numbers: ReplicaNumbers;
}

/** Where its data lies now, and what apply knows beside: both change when a snapshot is installed. */
export interface ReplicaPlace {
  readonly incarnation: Incarnation;
  readonly state: GroupState;
}

/** The clock is looked at anew: this process may have been stopped since its last turn. */
export function hybridNow({ raft, seams }: ReplicaParts): Stamp {
  raft.setWallClock(seams.clock.wallMilliseconds());
  return raft.hybridNow();
}
