// What replicas of one group say to each other. The cluster and the group stand on the envelope that carries a message;
// who is not meant by it never sees it.

import type { LogIndex, ReplicaId, Term } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Configuration } from "./configuration.ts";
import type { Entry, ReadRefusal } from "./types.ts";

interface Address {
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  /** The sender's; of a pre-vote and its grant: the term that an election would have. */
  readonly term: Term;
}

/** Would you vote for me? Asked before the term is raised, so that asking disturbs nobody. */
export interface PreVote extends Address {
  readonly type: "pre_vote";
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  /** Of the entry that brought the newest configuration in the asker's log. */
  readonly configurationIndex: LogIndex;
}

export interface PreVoteAnswer extends Address {
  readonly type: "pre_vote_answer";
  readonly isGranted: boolean;
  /** Refused only because a leader was heard of lately: worth another try soon. */
  readonly isSticky: boolean;
  /** A later configuration than the asker knows is committed, and leaves it out. */
  readonly isRemoved: boolean;
}

export interface Vote extends Address {
  readonly type: "vote";
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
  /** The leader itself asked for this election: nobody is to hold on to it. */
  readonly isTransfer: boolean;
}

export interface VoteAnswer extends Address {
  readonly type: "vote_answer";
  readonly isGranted: boolean;
}

interface FromLeader extends Address {
  /** A leader without it asks for no loyalty: its messages hold back no election. */
  readonly hasQuorum: boolean;
}

export interface Append extends FromLeader {
  readonly type: "append";
  readonly previousIndex: LogIndex;
  readonly previousTerm: Term;
  readonly entries: readonly Entry[];
  readonly commit: LogIndex;
}

interface FromFollower extends Address {
  /** It keeps discarded fast entries that have no fate yet: the watermark has to wait for it. */
  readonly hasSalvage: boolean;
}

/** The log agrees with the leader's up to `index`, durably. */
export interface AppendAccepted extends FromFollower {
  readonly type: "append_accepted";
  readonly index: LogIndex;
  /** Entries behind `index` were refused: they are stamped too far ahead of this replica's clock. */
  readonly isClockRefused: boolean;
}

/** There is no entry previousIndex of previousTerm. */
export interface AppendRejected extends FromFollower {
  readonly type: "append_rejected";
  /** previousIndex of the message that is answered. */
  readonly rejected: LogIndex;
  /** The last entry here that may agree with the leader's log, and its term. */
  readonly hintIndex: LogIndex;
  readonly hintTerm: Term;
}

export interface Heartbeat extends FromLeader {
  readonly type: "heartbeat";
  /** At most what the receiver is known to have. */
  readonly commit: LogIndex;
  /** Read rounds up to this one are confirmed when a quorum has answered. */
  readonly round: number;
}

export interface HeartbeatAnswer extends FromFollower {
  readonly type: "heartbeat_answer";
  readonly round: number;
}

/** What you need is not in my log any more: fetch this. */
export interface SnapshotMessage extends FromLeader {
  readonly type: "snapshot";
  readonly index: LogIndex;
  readonly snapshotTerm: Term;
  readonly stamp: Stamp;
  readonly configuration: Configuration;
}

/** Stand for election at once. */
export interface TransferNow extends Address {
  readonly type: "transfer_now";
  /** The leader's last entry. Whoever has got more since then is bidden too late: the transfer was given up. */
  readonly lastIndex: LogIndex;
}

export interface ReadRequest extends Address {
  readonly type: "read";
  readonly context: number;
}

export interface ReadConfirmed extends Address {
  readonly type: "read_confirmed";
  readonly context: number;
  readonly commit: LogIndex;
  readonly last: LogIndex;
  readonly time: Stamp;
}

export interface ReadRefused extends Address {
  readonly type: "read_refused";
  readonly context: number;
  readonly why: ReadRefusal;
}

export type Message =
  | PreVote
  | PreVoteAnswer
  | Vote
  | VoteAnswer
  | Append
  | AppendAccepted
  | AppendRejected
  | Heartbeat
  | HeartbeatAnswer
  | SnapshotMessage
  | TransferNow
  | ReadRequest
  | ReadConfirmed
  | ReadRefused;

/** Only the leader of its term sends these. */
export function isFromLeader(message: Message): message is Append | Heartbeat | SnapshotMessage | TransferNow {
  const { type } = message;
  return type === "append" || type === "heartbeat" || type === "snapshot" || type === "transfer_now";
}
