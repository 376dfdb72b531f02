// The values that go into a Raft core and come out of it.
//
// An entry's payload is opaque here, save that of a configuration. Entries are passed on as the very objects
// that came in, so a driver may hang more on them (their encoded record, say) and finds it again.

import type { LogIndex, ReplicaId, Term } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Configuration } from "./configuration.ts";
import type { Message } from "./messages.ts";

/** Kinds of entries that the core itself makes or reads. All others, from 2 to 255, are the driver's. */
export const entryKind = { noop: 0, configuration: 1 } as const;

export interface Entry {
  readonly term: Term;
  readonly index: LogIndex;
  /** Strictly increasing along the log. */
  readonly stamp: Stamp;
  /** The driver's. */
  readonly flags: number;
  readonly kind: number;
  readonly payload: Uint8Array;
}

export interface Proposal {
  /** From Raft.nextStamp() in the same turn. */
  readonly stamp: Stamp;
  readonly flags: number;
  readonly kind: number;
  readonly payload: Uint8Array;
  /** Refused at once while the leader has no quorum. */
  readonly needsQuorum: boolean;
}

export type ProposalRefusal =
  | "not_leader"
  /** Leadership is being handed over. */
  | "transferring"
  /** Too many entries, or bytes, are not committed and durable here yet. */
  | "busy"
  | "no_quorum";

export type ProposeResult =
  | { readonly kind: "accepted"; readonly term: Term; readonly index: LogIndex }
  | { readonly kind: "refused"; readonly why: ProposalRefusal };

export interface HardState {
  readonly term: Term;
  readonly vote: ReplicaId;
  /** Known to be committed, of the entries that earlier Readys brought. */
  readonly commit: LogIndex;
}

/** What a snapshot says about itself: the state after the entry `index`. */
export interface SnapshotMark {
  readonly index: LogIndex;
  readonly term: Term;
  /** Of the last entry that it covers. */
  readonly stamp: Stamp;
  readonly configuration: Configuration;
}

export interface SnapshotOffer extends SnapshotMark {
  /** Who offers it. */
  readonly from: ReplicaId;
}

/** A read was confirmed, or it never will be. */
export type ReadAnswer =
  | {
      readonly kind: "confirmed";
      readonly context: number;
      /** Committed when the read came; what is applied up to here is linearizable. */
      readonly commit: LogIndex;
      /** The leader's last entry when the read came: behind it nothing that it had answered. */
      readonly last: LogIndex;
      /** The leader's hybrid time when the read came: expiry is judged at it. */
      readonly time: Stamp;
    }
  | { readonly kind: "refused"; readonly context: number; readonly why: ReadRefusal };

export type ReadRefusal =
  | "no_leader"
  /** The leader has not committed an entry of its term yet. */
  | "not_ready"
  | "no_quorum"
  | "leader_changed"
  | "busy";

export interface EntryRange {
  readonly from: LogIndex;
  readonly to: LogIndex;
}

/**
 * What the core wants done, in this order: persist `hardState`, then the truncation, then `entries`; `messages` may leave at
 * once, `messagesAfterPersist` when all that is durable. Then `persisted(number)` is due. The rest can be done at
 * any time, `applicable` in order.
 */
export interface Ready {
  readonly number: number;
  readonly hardState: HardState | undefined;
  /** Entries from here on, handed out before, are discarded. */
  readonly truncateFrom: LogIndex | undefined;
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
  readonly messagesAfterPersist: readonly Message[];
  /** Entries up to here are committed and durable here: they may be applied. */
  readonly applicable: LogIndex;
  readonly reads: readonly ReadAnswer[];
  /** A snapshot to fetch; when it is here: beginInstall, install, snapshotInstalled. */
  readonly snapshot: SnapshotOffer | undefined;
  /** Replicas that need a snapshot from this leader: make one, then offerSnapshot. */
  readonly snapshotsWanted: readonly ReplicaId[];
  /** Entries that EntrySource did not have in memory: load them, then entriesLoaded(). */
  readonly loads: readonly EntryRange[];
}

/** What the driver knows of entries: where those are found that the core does not keep, and what it could not apply. */
export interface EntrySource {
  /** Entries from..to as far as they fit `bytesMax`, at least one; undefined when they have to be loaded first. */
  readNow(range: EntryRange, bytesMax: number): readonly Entry[] | undefined;
  /** Why no replica could apply an entry that came from elsewhere; a message with one is refused. */
  faultOf?(entry: Entry): string | undefined;
}
