// One replica of one group, as its node sees it. What it is made of, and how a turn goes, stands in replica-core.ts.

import { assert } from "../base/assert.ts";
import { logIndex } from "../base/ids.ts";
import type { Incarnation, LogIndex, ReplicaId } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import type { EngineRecord } from "../engine/reader.ts";
import { payloadBytesMax } from "../log/record.ts";
import { isVoter } from "../raft/configuration.ts";
import type { ChangeResult, Membership } from "../raft/membership.ts";
import { raftDefaults } from "../raft/options.ts";
import type { FollowerStatus } from "../raft/raft.ts";
import type { RaftStatus } from "../raft/status.ts";
import type { TransferRefusal } from "../raft/transfer.ts";
import { compareVersions } from "./answer.ts";
import type { Command } from "./command.ts";
import type { Boundary, GroupState } from "./group-state.ts";
import type { LoadCommand } from "./merge.ts";
import { hybridNow } from "./replica-parts.ts";
import type { ReplicaMessage } from "./messages.ts";
import { positionOf, receiptOf } from "./receipts.ts";
import type { Position, Receipt, ReceiptParts } from "./receipts.ts";
import type { ReplicaNumbers } from "./replica-numbers.ts";
import { ReplicaCore } from "./replica-core.ts";
import type { ReplicaParts } from "./replica-parts.ts";
import { scanRecords, withAhead } from "./scan.ts";
import type { FastPage, ScannedPage, ScanRange } from "./scan.ts";
import { isShown, readInSession } from "./session-reads.ts";
import type { SessionParts, SessionRead } from "./session-reads.ts";
import type { SlotsCommand } from "./slots-command.ts";
import type { StrongRead } from "./strong-reads.ts";
import type { Consistency, Proposed } from "./write-answers.ts";

export type ReplicaChange =
  | ChangeResult
  /** One of the voters was one before: its replica needs a new id. */
  | { readonly kind: "refused"; readonly why: "has_left" | "stopping" };

export class Replica {
  readonly id: ReplicaId;
  private readonly core: ReplicaCore;

  constructor(parts: ReplicaParts) {
    this.id = parts.id;
    this.core = new ReplicaCore(parts);
  }

  // --- what happens

  receive(message: ReplicaMessage): void {
    this.core.receive(message);
  }

  tick(): void {
    this.core.tick();
  }

  /** The last connection to another replica's node closed. */
  connectionLost(replica: ReplicaId): void {
    this.core.enter();
    this.core.raft.connectionLost(replica);
  }

  /** `make` is given the entry's stamp, from which it derives expiries. */
  propose(consistency: Consistency, make: (stamp: Stamp) => Command): Proposed {
    this.core.enter();
    return this.core.isClosed ? stopping : this.core.proposing.write(consistency, make);
  }

  /** Seals, closes or opens slots: see slots-command.ts. */
  proposeSlots(command: SlotsCommand): Proposed {
    this.core.enter();
    return this.core.isClosed ? stopping : this.core.proposing.slots(command);
  }

  /** Takes records of another group into sealed slots; too many for one entry are refused. */
  proposeLoad(load: LoadCommand): Proposed {
    this.core.enter();
    return this.core.isClosed ? stopping : this.core.proposing.load(load);
  }

  // Of a key that no record can have reads throw, or reject with, bad_key. Its bytes are the caller's again when a call returns.

  /** What is here now, a leader's answered fast writes included. `now`: the time to judge expiry by. */
  readNow(key: Uint8Array, now: Stamp = hybridNow(this.core.parts)): EngineRecord | "absent" | "need_io" {
    return this.core.reads.readNow(key, now);
  }

  readFast(key: Uint8Array, now: Stamp = hybridNow(this.core.parts)): Promise<EngineRecord | undefined> {
    return this.core.reads.readFast(key, now);
  }

  readStrong(key: Uint8Array): Promise<StrongRead> {
    this.core.enter();
    if (this.core.isClosed) return Promise.resolve({ kind: "refused", why: "stopping" });
    return this.core.reads.strong.read(key);
  }

  /** As readFast, once all is here that clients of this node were answered; "behind" when that takes too long. */
  async readOwn(key: Uint8Array): Promise<EngineRecord | "behind" | undefined> {
    const copy = key.slice();
    return (await this.core.freshness.whenOwnApplied()) ? this.readFast(copy) : "behind";
  }

  /** As readOwn, at once; undefined: it takes waiting. */
  readOwnNow(key: Uint8Array): EngineRecord | "absent" | undefined {
    if (!this.core.freshness.isOwnApplied) return undefined;
    const record = this.readNow(key);
    return record === "need_io" ? undefined : record;
  }

  /** A page of what is applied here. */
  async scan(range: ScanRange): Promise<ScannedPage> {
    while (this.core.installing !== undefined) await this.core.installing;
    return scanRecords(this.core.parts.engine, this.incarnation, range);
  }

  /** A page of what fast reads see: of what is applied here, and ahead of that of what this leader has answered fast. */
  async scanFast(range: Omit<ScanRange, "now">): Promise<FastPage> {
    while (this.core.installing !== undefined) await this.core.installing;
    const whole = { ...range, now: hybridNow(this.core.parts) };
    const ahead = this.core.writes.overlay.within(whole);
    const { applied } = this;
    const shown = { applied, ahead: this.aheadOf(undefined) };
    const page = await scanRecords(this.core.parts.engine, this.incarnation, whole);
    return { ...withAhead(page, ahead, whole), ...shown };
  }

  /** As readFast, once what a session has seen is here. */
  readInSession(key: Uint8Array, seen: Version): Promise<SessionRead<EngineRecord | undefined>> {
    const copy = key.slice();
    return this.inSession(seen, () => this.readFast(copy));
  }

  /** As scanFast, once what a session has seen is here. */
  scanInSession(range: Omit<ScanRange, "now">, seen: Version): Promise<SessionRead<FastPage>> {
    return this.inSession(seen, () => this.scanFast(range));
  }

  private inSession<T>(seen: Version, read: () => Promise<T>): Promise<SessionRead<T>> {
    const { core } = this;
    const parts: SessionParts<T> = {
      shows: (version) => {
        const { status, appliedIndex } = this;
        const { entries } = core.parts;
        return isShown({ status, entries, appliedIndex, isHere: (other) => core.isHere(other) }, version);
      },
      positionOf: (version) => this.positionOf(version),
      whenApplied: (version) => core.freshness.whenApplied(version),
      read,
    };
    return readInSession(parts, seen);
  }

  /** A client of this node was answered out of an entry, by whoever leads. */
  noteAnswered(version: Version): void {
    this.core.freshness.noteAnswered(version);
  }

  /** Asks the leader how far it is, for `stalenessMilliseconds`. */
  refreshStaleness(): void {
    this.core.enter();
    if (!this.core.isClosed) this.core.freshness.refresh();
  }

  /** What became of a write, as far as this replica has applied. */
  async receiptOf(version: Version): Promise<Receipt> {
    return receiptOf(await this.receiptParts(), version);
  }

  /** Where something that a session has seen lies in this replica's log. */
  async positionOf(version: Version): Promise<Position> {
    return positionOf(await this.receiptParts(), version);
  }

  /** Undefined: it is under way. */
  transfer(target: ReplicaId): TransferRefusal | "stopping" | undefined {
    this.core.enter();
    if (this.core.isClosed) return "stopping";
    return this.core.raft.transfer(target);
  }

  /**
   * No voter's id comes back: who has it may have been told that it has no vote any more, and keeps to that; or has forgotten with its
   * disk what it voted.
   */
  change(wanted: Membership): ReplicaChange {
    this.core.enter();
    if (this.core.isClosed) return stopping;
    const { configuration: present, configurationIndex } = this.status;
    const newcomers = wanted.voters.filter((id) => !isVoter(present, id));
    const comesBack = (id: ReplicaId): boolean => !this.state.departures.mayJoin(id);
    if (newcomers.some(comesBack)) return { kind: "refused", why: "has_left" };
    // Who left last is known when that is applied.
    if (newcomers.length > 0 && configurationIndex > this.state.last.index) return { kind: "refused", why: "changing" };
    return this.core.raft.change(wanted);
  }

  /** An operator vouches for stamps that lie far ahead of the clock, or no longer. */
  trustStamps(trusts: boolean): void {
    this.core.enter();
    this.core.raft.trustStamps(trusts);
  }

  /** The engine has everything up to here in its tables. */
  flushed(index: LogIndex): void {
    if (!this.core.isClosed) this.core.parts.group.flushed(index);
  }

  // --- what is so

  /** For tests and the simulator. */
  checkInvariants(): void {
    this.core.raft.checkInvariants();
    const { options } = this.core.parts;
    const { overlay } = this.core.writes;
    const { count } = this.core.reads.strong;
    assert(overlay.size <= options.unappliedEntriesMax, "an overlay beyond its bound", { size: overlay.size });
    const { bytes } = overlay;
    // Beside what it holds, what waits for the disk comes in: a write is taken before it is there.
    const waitingMax = Math.max(options.raft.uncommittedBytesMax ?? raftDefaults.uncommittedBytesMax, payloadBytesMax);
    assert(bytes >= 0 && bytes < options.overlayBytesMax + waitingMax, "bytes of an overlay", { bytes });
    assert(count <= options.strongReadsMax, "strong reads beyond their bound", { count });
    this.core.freshness.checkInvariants();
  }

  get status(): RaftStatus {
    return this.core.raft.status;
  }

  /** As a leader knows them; none of others. */
  get followers(): readonly FollowerStatus[] {
    return this.core.raft.followers();
  }

  get state(): GroupState {
    return this.core.place.state;
  }

  /** Of its log. Who needs an earlier entry gets a snapshot. */
  get firstIndex(): LogIndex {
    return this.core.parts.group.firstIndex;
  }

  get appliedIndex(): LogIndex {
    return this.core.applier.appliedIndex;
  }

  /** The last entry that everybody's reads see. */
  get applied(): Boundary {
    return this.core.applier.applied;
  }

  /** Ahead of what is applied, the last entry that a fast read just now, which found this or nothing, may have shown something of. */
  aheadOf(found: Version | undefined): Version | undefined {
    const { applied } = this;
    if (found !== undefined) {
      return compareVersions(found, applied) > 0 ? { term: found.term, index: found.index } : undefined;
    }
    const last = this.core.writes.overlay.lastIndex ?? 0;
    return last > applied.index ? { term: this.status.term, index: logIndex(last) } : undefined;
  }

  /**
   * It has applied that it votes, and with that all that was committed when it was taken in. One that is being filled, or has left, says
   * nothing of what there is.
   */
  get isWhole(): boolean {
    return isVoter(this.state.configuration.configuration, this.id);
  }

  /** Fast writes that this replica's log lost are kept here, and their fate is not known yet. */
  get hasSalvage(): boolean {
    return this.core.salvager.isPending;
  }

  /** What fast reads are behind at most; undefined: nobody can say. */
  get stalenessMilliseconds(): number | undefined {
    return this.core.freshness.stalenessMilliseconds;
  }

  /** As the leader knows it: whoever may have had writes from before `index` has it, and keeps none, or is waited for no longer. */
  isWithAll(index: LogIndex): boolean {
    return this.core.duties.isWithAll(index, this.core.place.state);
  }

  /** For metrics. */
  get numbers(): Readonly<ReplicaNumbers> {
    return this.core.parts.numbers;
  }

  /** Snapshots that are on their way from here, and to here. */
  get snapshotsUnderWay(): { readonly sending: number; readonly receiving: number } {
    const { holding, isReceiving } = this.core.snapshots;
    return { sending: holding === undefined ? 0 : 1, receiving: isReceiving ? 1 : 0 };
  }

  get incarnation(): Incarnation {
    return this.core.place.incarnation;
  }

  /** Takes no more work; whoever waits is told that nobody knows. Log and engine stay open. */
  close(): void {
    this.core.close();
  }

  /** Resolves when nothing of it touches log or engine any more. REQUIRES: closed. */
  ended(): Promise<void> {
    return this.core.underWay.ended();
  }

  /** While a snapshot is being installed the old data may be gone before the new can be seen. */
  private async receiptParts(): Promise<ReceiptParts> {
    while (this.core.installing !== undefined) await this.core.installing;
    const { engine, raft } = this.core.parts;
    const { state, incarnation } = this.core.place;
    const isHere = (version: Version): boolean => this.core.isHere(version);
    return { engine, incarnation, state, now: raft.hybridNow(), appliedIndex: this.appliedIndex, isHere };
  }
}

const stopping = { kind: "refused", why: "stopping" } as const;
