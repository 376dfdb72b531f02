// What replicas say to each other beside Raft's own messages.

import type { LogIndex, ReplicaId, Term } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import type { Message as RaftMessage } from "../raft/messages.ts";
import type { ForeignWrite } from "./merge.ts";

interface Address {
  readonly from: ReplicaId;
  readonly to: ReplicaId;
}

/** To the leader: writes that this replica's log lost, to be merged. Said again until each has its fate. */
export interface SalvageMessage extends Address {
  readonly type: "salvage";
  readonly writes: readonly ForeignWrite[];
  /** The sender takes no part any more; without writes: it keeps none. */
  readonly isLeaving: boolean;
}

/** The leader's answer, as far as it has something to say. */
export interface SalvageSettled extends Address {
  readonly type: "salvage_settled";
  readonly fates: readonly { readonly version: Version; readonly mergedAt: Version }[];
  /** Nobody waits any more for writes of the replica that is leaving. */
  readonly isReleased: boolean;
}

/** A snapshot travels: every voter keeps its log from behind `index`, for as long as this is said again (rule 23). */
export interface KeepLog extends Address {
  readonly type: "keep_log";
  readonly index: LogIndex;
}

/** To the leader: what is kept for snapshots is more than this replica's log may hold. */
export interface LogFull extends Address {
  readonly type: "log_full";
}

/** To the leader: a read waits for an entry stamped `until` or later to be committed. */
export interface TickWanted extends Address {
  readonly type: "tick_wanted";
  readonly until: Stamp;
}

/** To whoever offered a snapshot: the chunk behind `after`, of the one that was offered at that index and term. */
export interface ChunkRequest extends Address {
  readonly type: "chunk_request";
  readonly index: LogIndex;
  readonly term: Term;
  /** The last key that is here already; empty at the beginning. */
  readonly after: Uint8Array;
}

export interface ChunkMessage extends Address {
  readonly type: "chunk";
  readonly index: LogIndex;
  readonly term: Term;
  /** The key that was asked behind. */
  readonly after: Uint8Array;
  /** Records in the order of their keys, each: key block | cell block. */
  readonly bytes: Uint8Array;
  readonly isLast: boolean;
}

/** There is no such snapshot here any more. */
export interface ChunkRefused extends Address {
  readonly type: "chunk_refused";
  readonly index: LogIndex;
  readonly term: Term;
}

export type ReplicaMessage =
  | RaftMessage
  | SalvageMessage
  | SalvageSettled
  | TickWanted
  | KeepLog
  | LogFull
  | ChunkRequest
  | ChunkMessage
  | ChunkRefused;
