// The state that the parts of a core share, and the changes of role.
//
//                  time-out               majority would             majority has
//   follower ------------------> pre_candidate ------> candidate ------------------> leader
//      ^                              |                    |                            |
//      +------------------------------+--------------------+------- a newer term -------+
//                                                       or a leader of this one
//
// A follower that its leader bids stand (transfer_now) is a candidate at once. A leader whose disk hangs, or whose stamps are not
// believed, becomes a follower in its own term, and does not stand for a while.
//
// Whatever is sent goes into `outbox`, or into `outboxAfterPersist` when it says something that has to be durable first.

import { assert } from "../base/assert.ts";
import { nobody, term } from "../base/ids.ts";
import type { GroupId, LogIndex, ReplicaId, Term } from "../base/ids.ts";
import type { Prng } from "../base/prng.ts";
import { stamp } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import { Configurations, isVoter, membersOf } from "./configuration.ts";
import type { Configuration, ConfigurationAt } from "./configuration.ts";
import type { Message } from "./messages.ts";
import { stampsOfMilliseconds } from "./options.ts";
import type { RaftOptions } from "./options.ts";
import type { Progress } from "./progress.ts";
import { RaftLog } from "./raft-log.ts";
import type { LogStart } from "./raft-log.ts";
import type { ReadRounds } from "./read-rounds.ts";
import type { EntryRange, EntrySource, HardState, ReadAnswer, ReadRefusal, SnapshotOffer } from "./types.ts";

export interface FollowerRole {
  readonly kind: "follower";
}

export interface PreCandidateRole {
  readonly kind: "pre_candidate";
  readonly votes: Map<ReplicaId, boolean>;
}

export interface CandidateRole {
  readonly kind: "candidate";
  /** This replica's own vote is in it when it is durable. */
  readonly votes: Map<ReplicaId, boolean>;
  readonly isTransfer: boolean;
}

export interface LeaderRole {
  readonly kind: "leader";
  readonly followers: Map<ReplicaId, Progress>;
  /** The entry that opened its term: nothing is read before it is committed. */
  readonly firstIndex: LogIndex;
  /** The tick at which it became the leader. */
  readonly since: number;
  readonly reads: ReadRounds;
  hasQuorum: boolean;
  /** Ticks for which something has waited for this replica's own disk. */
  diskElapsed: number;
  transfer: { readonly target: ReplicaId; elapsed: number; isSent: boolean } | undefined;
  /** Of a leader that leaves by a change: whom it has offered its office to, in vain so far, and until when it offers it to nobody. */
  readonly heirs: { readonly asked: Set<ReplicaId>; restUntil: number };
}

export type Role = FollowerRole | PreCandidateRole | CandidateRole | LeaderRole;

export interface RaftStart {
  readonly group: GroupId;
  readonly id: ReplicaId;
  readonly hardState: HardState;
  readonly log: LogStart;
  /** The last committed configuration and those behind it in the log. */
  readonly configurations: readonly ConfigurationAt[];
  readonly entries: EntrySource;
  readonly random: Prng;
}

export class RaftState {
  readonly group: GroupId;
  readonly id: ReplicaId;
  readonly options: RaftOptions;
  readonly random: Prng;
  readonly entries: EntrySource;
  readonly log: RaftLog;
  readonly configurations: Configurations;

  term: Term;
  vote: ReplicaId;
  role: Role = { kind: "follower" };
  leader: ReplicaId = nobody;
  /** The term that is known to be durable; messages that speak for a newer one wait. */
  persistedTerm: Term;

  ticks = 0;
  electionElapsed = 0;
  electionTimeout = 0;
  /** Since a leader with its quorum was heard. */
  leaderElapsed: number;
  /** The leader whose connection closed, and when: no loyalty, and who stands in vain stands again soon. */
  leaderLost: { readonly id: ReplicaId; readonly at: number } | undefined;
  /** Does not stand before this tick: its stamps were refused, or its disk hung. */
  bannedUntil = 0;
  /** The machine's wall clock, as told last. */
  wall: Stamp = stamp(0);
  /** An operator said that stamps far ahead of the clock are right. */
  trustsStamps = false;
  /** A member says that this replica belongs to the group no more. */
  isRemoved = false;
  /** As the driver says: discarded fast entries are kept here that have no fate. */
  hasSalvage = false;

  outbox: Message[] = [];
  outboxAfterPersist: Message[] = [];
  answeredReads: ReadAnswer[] = [];
  snapshotsWanted: ReplicaId[] = [];
  loads: EntryRange[] = [];
  /** A snapshot that was offered to this replica and is not installed. */
  incoming: { readonly offer: SnapshotOffer; isTold: boolean; isInstalling: boolean } | undefined;
  /** Reads of this replica's own callers that a leader elsewhere was asked to confirm, with the tick of asking. */
  readonly forwardedReads = new Map<number, number>();
  readContext: number;

  constructor(start: RaftStart, options: RaftOptions) {
    this.group = start.group;
    this.id = start.id;
    this.options = options;
    this.random = start.random;
    this.entries = start.entries;
    this.term = start.hardState.term;
    this.vote = start.hardState.vote;
    this.persistedTerm = this.term;
    this.log = new RaftLog(start.log);
    this.configurations = new Configurations(start.configurations);
    this.configurations.settle(this.log.commit);
    this.leaderElapsed = options.electionTicks;
    // Answers to reads of an earlier life of this process must not fit those of this one.
    this.readContext = start.random.next() * 2 ** 20;
    this.restartElection();
  }

  get configuration(): Configuration {
    return this.configurations.newest.configuration;
  }

  get isLeader(): boolean {
    return this.role.kind === "leader";
  }

  /** A leader was heard so lately that another one is not wanted. */
  get isLoyal(): boolean {
    if (this.role.kind === "leader") return this.role.hasQuorum;
    return this.leader !== nobody && this.leaderLost === undefined && this.leaderElapsed < this.options.electionTicks;
  }

  /** Hybrid time: nothing in the log lies above it. */
  get hybridNow(): Stamp {
    return stamp(Math.max(this.wall, this.log.lastStamp));
  }

  nextStamp(): Stamp {
    return stamp(Math.max(this.wall, this.log.lastStamp + 1));
  }

  isTooFarAhead(value: Stamp): boolean {
    return !this.trustsStamps && value > this.wall + stampsOfMilliseconds(this.options.clockOffsetMax);
  }

  get mayStand(): boolean {
    return (
      !this.isRemoved &&
      isVoter(this.configuration, this.id) &&
      this.incoming?.isInstalling !== true &&
      this.ticks >= this.bannedUntil &&
      !this.isTooFarAhead(this.log.lastStamp)
    );
  }

  /** Draws a new time-out and begins to count. */
  restartElection(): void {
    this.electionElapsed = 0;
    const { electionTicks } = this.options;
    this.electionTimeout = this.random.between(electionTicks, 2 * electionTicks - 1);
  }

  /**
   * Stands soon, if nothing comes between and the leader was lost just now. All who lost it do: one at once, another one as late as may be,
   * so that on near links the first has its votes by then. Who is the first differs from group to group, so that not all that a node had
   * led falls to one other. `isAgain`: they stood at the same time, or nearly, and are not to do so for ever.
   */
  hurryElection(isAgain = false): void {
    const { leaderLost, options } = this;
    if (leaderLost === undefined || this.ticks - leaderLost.at > options.electionTicks) return;
    const { voters, outgoing } = this.configuration;
    const left = membersOf({ voters, outgoing, learners: [] }).filter((id) => id !== leaderLost.id);
    const place = (Math.max(0, left.indexOf(this.id)) + this.group) % left.length;
    const latest = options.earlyElectionTicks - 1;
    const step = latest / Math.max(1, left.length - 1);
    this.electionElapsed = 0;
    this.electionTimeout = 1 + Math.floor(place * step) + (isAgain ? this.random.between(0, latest) : 0);
  }

  send(message: Message): void {
    assert(message.to !== this.id, "a message to oneself", { type: message.type });
    push(this.outbox, message);
  }

  sendAfterPersist(message: Message): void {
    assert(message.to !== this.id, "a message to oneself", { type: message.type });
    push(this.outboxAfterPersist, message);
  }

  /** A leader with a quorum spoke: wait for the next time-out. */
  heardLeader(): void {
    this.restartElection();
    this.leaderElapsed = 0;
    this.leaderLost = undefined;
  }

  becomeFollower(newTerm: Term, leader: ReplicaId): void {
    assert(newTerm >= this.term, "a term that falls", { term: newTerm, before: this.term });
    this.leaveRole(newTerm === this.term && leader === this.leader ? undefined : "leader_changed");
    if (newTerm > this.term) {
      this.term = newTerm;
      this.vote = nobody;
    }
    if (leader !== this.leader) this.leaderLost = undefined;
    this.leader = leader;
    this.role = { kind: "follower" };
  }

  becomePreCandidate(): void {
    assert(this.mayStand, "a pre-candidate that may not stand");
    this.leaveRole("no_leader");
    this.leader = nobody;
    this.role = { kind: "pre_candidate", votes: new Map([[this.id, true]]) };
    this.restartElection();
  }

  becomeCandidate(isTransfer: boolean): void {
    assert(this.mayStand, "a candidate that may not stand");
    this.leaveRole("no_leader");
    this.leader = nobody;
    this.term = term(this.term + 1);
    this.vote = this.id;
    this.role = { kind: "candidate", votes: new Map(), isTransfer };
    this.restartElection();
  }

  becomeLeader(role: LeaderRole): void {
    assert(this.role.kind === "candidate", "a leader that was no candidate", { role: this.role.kind });
    assert(this.vote === this.id && this.persistedTerm === this.term, "a leader whose term is not durable", {
      term: this.term,
      persisted: this.persistedTerm,
    });
    this.role = role;
    this.leader = this.id;
    this.leaderLost = undefined;
  }

  /** Gives the office up without knowing who follows, and lets others stand first. */
  stepDown(): void {
    this.becomeFollower(this.term, nobody);
    this.restartElection();
    this.bannedUntil = this.ticks + 4 * this.options.electionTicks;
  }

  answerRead(answer: ReadAnswer): void {
    this.answeredReads.push(answer);
  }

  /** Reads that were waiting for another leader, or for this one, are told that it is none any more. */
  private leaveRole(why: ReadRefusal | undefined): void {
    const { role } = this;
    if (role.kind === "leader") {
      for (const read of role.reads.takeAll()) this.refuseRead(read.from, read.context, "leader_changed");
    }
    if (why === undefined) return;
    for (const context of this.forwardedReads.keys()) this.answerRead({ kind: "refused", context, why });
    this.forwardedReads.clear();
  }

  /** Of a read that came from `from`, perhaps this replica itself. */
  refuseRead(from: ReplicaId, context: number, why: ReadRefusal): void {
    if (from === this.id) this.answerRead({ kind: "refused", context, why });
    else this.send({ type: "read_refused", from: this.id, to: from, term: this.term, context, why });
  }
}

/**
 * Messages that wait for the next Ready, of either kind: more than all windows to all members hold. While the driver takes no Ready,
 * for a disk may be full for hours, the oldest get lost, as in a network.
 */
export const outboxMessagesMax = 1024;

function push(outbox: Message[], message: Message): void {
  if (outbox.length >= outboxMessagesMax) outbox.shift();
  outbox.push(message);
}
