// One replica's Raft, as a value: what happens goes in by calls, what is to be done comes out as one Ready. It has no clock,
// no disk, no network, no promise; the same calls always give the same Readys. The loop that drives it:
//
//   raft.setWallClock(now);                                  // once a turn
//   raft.tick();  raft.step(message);  raft.propose(…);      // whatever there is
//   const ready = raft.ready();                              // undefined: nothing to do
//   log.setHardState(…); log.truncateFrom(…); log.append(…)  // staged in this order
//   send(ready.messages);                                    // while the disk works
//   …when all of it is durable:  raft.persisted(ready.number);  send(ready.messagesAfterPersist);
//   apply up to ready.applicable, answer ready.reads, fetch ready.snapshot, make ready.snapshotsWanted
//   load ready.loads, and when they are in memory: raft.entriesLoaded();  when none is left: raft.setSalvage(…)
//
// Several Readys may be on their way to the disk; they become durable in their order. After persisted() there may be a
// new Ready. Where to read on: state.ts for the roles, election.ts, leading.ts and sending.ts, following.ts.

import { assert } from "../base/assert.ts";
import { logIndex } from "../base/ids.ts";
import type { LogIndex, ReplicaId, Term } from "../base/ids.ts";
import { stampOfMilliseconds } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import { countOwnVote, onConnectionLost, tickElection } from "./election.ts";
import { HandedOut } from "./handed-out.ts";
import { beginChange } from "./membership.ts";
import type { ChangeResult, Membership } from "./membership.ts";
import { confirmedRound, matchedByAll, onOwnPersisted, sendHeartbeats, tickLeader } from "./leading.ts";
import type { Message } from "./messages.ts";
import { checkedOptions } from "./options.ts";
import type { RaftOptions } from "./options.ts";
import type { ProgressState } from "./progress.ts";
import { entryBytes } from "./raft-log.ts";
import { beginRead, tickReads } from "./reading.ts";
import { sendAppends } from "./sending.ts";
import { beginInstall, offerSnapshot, snapshotFailed, snapshotInstalled, withdrawSnapshot } from "./snapshots.ts";
import { RaftState } from "./state.ts";
import type { RaftStart } from "./state.ts";
import { PresentStatus } from "./status.ts";
import type { RaftStatus } from "./status.ts";
import { stepMessage } from "./stepping.ts";
import type { StepResult } from "./stepping.ts";
import { beginTransfer } from "./transfer.ts";
import type { TransferRefusal } from "./transfer.ts";
import type {
  HardState,
  Proposal,
  ProposalRefusal,
  ProposeResult,
  Ready,
  SnapshotMark,
  SnapshotOffer,
} from "./types.ts";

export interface FollowerStatus {
  readonly id: ReplicaId;
  readonly state: ProgressState;
  readonly match: LogIndex;
  /** Ticks since it was heard, or since the term began, if it was there then; undefined: not heard yet. */
  readonly silentTicks: number | undefined;
  readonly hasSalvage: boolean;
}

export class Raft {
  /** Present, whenever it is looked at: what is to be compared later has to be taken out of it. */
  readonly status: RaftStatus;
  private readonly state: RaftState;
  private number = 0;
  private handed: { term: Term; vote: ReplicaId };
  private applicable: LogIndex;
  private readonly handedOut = new HandedOut();

  constructor(start: RaftStart, options: Partial<RaftOptions> = {}) {
    this.state = new RaftState(start, checkedOptions(options));
    this.status = new PresentStatus(this.state);
    this.handed = { term: this.state.term, vote: this.state.vote };
    this.applicable = logIndex(0);
  }

  // --- what happens

  /** The machine's wall clock, in milliseconds: stamps come from it. */
  setWallClock(milliseconds: number): void {
    this.state.wall = stampOfMilliseconds(milliseconds);
  }

  tick(): void {
    const { state } = this;
    state.ticks++;
    tickReads(state);
    if (state.role.kind === "leader") tickLeader(state, state.role);
    else tickElection(state);
  }

  step(message: Message): StepResult {
    return stepMessage(this.state, message);
  }

  /** The last connection to a replica closed. */
  connectionLost(replica: ReplicaId): void {
    const { state } = this;
    onConnectionLost(state, replica);
    if (state.role.kind !== "leader") return;
    // What was on its way is lost: begin again behind what it is known to have.
    const follower = state.role.followers.get(replica);
    if (follower !== undefined && follower.state === "replicate") follower.becomeProbe();
  }

  /** A stamp for the next proposal, above all that is in the log. */
  nextStamp(): Stamp {
    return this.state.nextStamp();
  }

  propose(proposal: Proposal): ProposeResult {
    const { state } = this;
    const why = this.refusalOf(proposal);
    if (why !== undefined) return { kind: "refused", why };
    const { stamp, flags, kind, payload } = proposal;
    const index = logIndex(state.log.last + 1);
    state.log.append({ term: state.term, index, stamp, flags, kind, payload });
    return { kind: "accepted", term: state.term, index };
  }

  /** The answer comes in a Ready, under the context that is returned. */
  read(): number {
    return beginRead(this.state);
  }

  transfer(target: ReplicaId): TransferRefusal | undefined {
    const { role } = this.state;
    return role.kind === "leader" ? beginTransfer(this.state, role, target) : "not_leader";
  }

  change(wanted: Membership): ChangeResult {
    const { role } = this.state;
    const why = role.kind === "leader" ? beginChange(this.state, role, wanted) : "not_leader";
    return why === undefined ? { kind: "accepted" } : { kind: "refused", why };
  }

  /** Ready `number` and all before it are durable. */
  persisted(number: number): void {
    const { state } = this;
    const durable = this.handedOut.take(number);
    for (const { last, lastTerm } of durable) state.log.notePersisted(last, lastTerm);
    const newest = durable.at(-1);
    if (newest === undefined) return;
    state.persistedTerm = newest.term;
    // A candidate's term and its vote for itself were handed out together.
    if (newest.term === state.term) countOwnVote(state);
    if (state.role.kind === "leader") onOwnPersisted(state, state.role);
  }

  /** What a Ready wanted to have loaded is in memory, or can be had no more. */
  entriesLoaded(): void {
    if (this.state.role.kind !== "leader") return;
    for (const follower of this.state.role.followers.values()) follower.isLoading = false;
  }

  /** The driver keeps no entry up to `index` any more. */
  compacted(index: LogIndex): void {
    this.state.log.compactTo(index);
  }

  offerSnapshot(to: ReplicaId, mark: SnapshotMark): boolean {
    const { role } = this.state;
    return role.kind === "leader" && offerSnapshot(this.state, role, to, mark);
  }

  withdrawSnapshot(to: ReplicaId): void {
    if (this.state.role.kind === "leader") withdrawSnapshot(this.state.role, to);
  }

  beginInstall(offer: SnapshotOffer): boolean {
    return beginInstall(this.state, offer);
  }

  snapshotInstalled(mark: SnapshotMark): void {
    snapshotInstalled(this.state, mark);
    this.applicable = mark.index;
  }

  snapshotFailed(index: LogIndex): void {
    snapshotFailed(this.state, index);
  }

  /** Whether discarded fast entries are kept that have no fate. To be said when no Ready is left: one may discard more. */
  setSalvage(hasSalvage: boolean): void {
    this.state.hasSalvage = hasSalvage;
  }

  /** An operator vouches for stamps that lie far ahead of the clock, or no longer. */
  trustStamps(trusts: boolean): void {
    this.state.trustsStamps = trusts;
  }

  // --- what is to be done

  ready(): Ready | undefined {
    const { state } = this;
    if (state.role.kind === "leader") {
      if (state.role.reads.needsRound) sendHeartbeats(state, state.role);
      sendAppends(state, state.role);
    }
    const truncateFrom = state.log.takeTruncation();
    const { handed } = state.log;
    const entries = state.log.handOut();
    const hardState = this.takeHardState(handed);
    const applicable = this.takeApplicable();
    const snapshot = this.takeSnapshot();
    const { outbox, outboxAfterPersist, answeredReads, snapshotsWanted, loads } = state;
    const isNew =
      truncateFrom !== undefined ||
      entries.length > 0 ||
      hardState !== undefined ||
      snapshot !== undefined ||
      applicable;
    const talks =
      outbox.length + outboxAfterPersist.length + answeredReads.length + snapshotsWanted.length + loads.length;
    if (!isNew && talks === 0) return undefined;
    state.outbox = [];
    state.outboxAfterPersist = [];
    state.answeredReads = [];
    state.snapshotsWanted = [];
    state.loads = [];
    this.number++;
    const { term, log } = state;
    if (truncateFrom !== undefined) this.handedOut.truncatedFrom(truncateFrom);
    if (truncateFrom !== undefined || entries.length > 0 || hardState !== undefined)
      this.handedOut.add({ number: this.number, term, last: log.last, lastTerm: log.lastTerm });
    // Until the present term is durable, nothing may speak for it.
    const waits = state.persistedTerm !== term;
    return {
      number: this.number,
      hardState,
      truncateFrom,
      entries,
      messages: waits ? [] : outbox,
      messagesAfterPersist: waits ? [...outbox, ...outboxAfterPersist] : outboxAfterPersist,
      applicable: this.applicable,
      reads: answeredReads,
      snapshot,
      snapshotsWanted,
      loads,
    };
  }

  // --- what is so

  followers(): readonly FollowerStatus[] {
    const { role, ticks } = this.state;
    if (role.kind !== "leader") return [];
    return Array.from(role.followers.values(), ({ id, state, match, heardAt, hasSalvage }) => {
      return { id, state, match, silentTicks: heardAt === undefined ? undefined : ticks - heardAt, hasSalvage };
    });
  }

  /** Voters that are known to have an entry, this replica, which has it, among them. */
  copiesOf(index: LogIndex): number {
    const { role, configuration } = this.state;
    let copies = 1;
    if (role.kind !== "leader") return copies;
    for (const { id, match } of role.followers.values()) {
      if (match >= index && configuration.voters.includes(id)) copies++;
    }
    return copies;
  }

  /**
   * Of a leader: the least index that all voters have, none of them keeping salvage; undefined: not known of each. One
   * that was silent for more than `awayTicks` is not waited for.
   */
  matchedByAll(awayTicks: number): LogIndex | undefined {
    const { role } = this.state;
    return role.kind === "leader" ? matchedByAll(this.state, role, awayTicks) : undefined;
  }

  /** Of a leader: the newest round of heartbeats, counted within its term; 0 of others. */
  get round(): number {
    const { role } = this.state;
    return role.kind === "leader" ? role.reads.round : 0;
  }

  /** The newest round that a quorum has answered. */
  get confirmedRound(): number {
    const { role } = this.state;
    return role.kind === "leader" ? confirmedRound(this.state, role) : 0;
  }

  /** What the limits on proposals count: entries that are not committed, or not durable here. */
  get uncommitted(): { readonly entries: number; readonly bytes: number } {
    const { log } = this.state;
    return { entries: log.openEntries, bytes: log.openBytes };
  }

  termOf(index: LogIndex): Term | undefined {
    return this.state.log.termOf(index);
  }

  /** Hybrid time as this replica sees it. */
  hybridNow(): Stamp {
    return this.state.hybridNow;
  }

  checkInvariants(): void {
    const { state } = this;
    state.log.checkInvariants();
    assert(state.persistedTerm <= state.term, "a term durable before it came", { term: state.term });
    assert(state.role.kind !== "leader" || state.leader === state.id, "a leader that follows another");
    assert(state.configurations.newest.index <= state.log.last, "a configuration behind the log's end");
    if (state.role.kind !== "leader") return;
    for (const { match, next, inFlight } of state.role.followers.values()) {
      const { last } = state.log;
      assert(match < next && next <= last + 1, "a follower ahead of its leader", { match, next, last });
      inFlight.checkInvariants(match, next);
    }
  }

  private refusalOf(proposal: Proposal): ProposalRefusal | undefined {
    const { role, log, options } = this.state;
    if (role.kind !== "leader") return "not_leader";
    if (role.transfer !== undefined) return "transferring";
    if (proposal.needsQuorum && !role.hasQuorum) return "no_quorum";
    if (log.openEntries >= options.uncommittedEntriesMax) return "busy";
    // An entry above the limit passes when it is alone: it would never fit otherwise.
    const bytes = log.openBytes + entryBytes(proposal);
    return log.openBytes > 0 && bytes > options.uncommittedBytesMax ? "busy" : undefined;
  }

  /** It stands before the entries of its Ready, and before the truncation: it calls committed only what is there by then. */
  private takeHardState(inPlace: LogIndex): HardState | undefined {
    const { term, vote, log } = this.state;
    if (term === this.handed.term && vote === this.handed.vote) return undefined;
    this.handed = { term, vote };
    return { term, vote, commit: logIndex(Math.min(log.commit, inPlace)) };
  }

  /** Whether there is more to apply than was told. */
  private takeApplicable(): boolean {
    const { commit, persisted } = this.state.log;
    const applicable = logIndex(Math.min(commit, persisted));
    if (applicable <= this.applicable) return false;
    this.applicable = applicable;
    return true;
  }

  private takeSnapshot(): SnapshotOffer | undefined {
    const { incoming } = this.state;
    if (incoming === undefined || incoming.isTold) return undefined;
    incoming.isTold = true;
    return incoming.offer;
  }
}
