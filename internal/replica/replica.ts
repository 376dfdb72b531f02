// One replica of one group: a Raft core, its part of the shared log, and its incarnation in the engine, kept in step.
//
//   write --> propose --> Ready --> log ---written---> acknowledged (fast)
//                           |                              |
//                           +--> messages            committed --> applied --> answered (strong)
//
// Everything happens in turns: whatever comes in during a turn of the event loop only changes the core, and at the turn's
// end `pump` takes its Readys, so that all of a turn shares one append and one message to each peer.

import { logIndex, nobody } from "../base/ids.ts";
import type { Incarnation, LogIndex, ReplicaId } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import type { EngineRecord } from "../engine/reader.ts";
import { fastFlag } from "../log/record.ts";
import type { ChangeResult, Membership } from "../raft/membership.ts";
import type { Message as RaftMessage } from "../raft/messages.ts";
import type { Raft, RaftStatus } from "../raft/raft.ts";
import type { TransferRefusal } from "../raft/transfer.ts";
import type { Ready } from "../raft/types.ts";
import { Applier } from "./applier.ts";
import { commandKind, encodeCommand } from "./command.ts";
import type { Command } from "./command.ts";
import type { GroupState } from "./group-state.ts";
import { installSnapshot } from "./install-snapshot.ts";
import { LeaderDuties } from "./leader-duties.ts";
import { encodeMerge } from "./merge.ts";
import type { ReplicaMessage } from "./messages.ts";
import { ticksOf } from "./options.ts";
import { Persisting } from "./persisting.ts";
import { Reads } from "./reads.ts";
import { presentOf } from "./replica-parts.ts";
import type { ReplicaParts, ReplicaPlace } from "./replica-parts.ts";
import { Salvager } from "./salvager.ts";
import type { ReceivedSnapshot } from "./snapshot-receiver.ts";
import { SnapshotTraffic } from "./snapshot-traffic.ts";
import type { StrongRead } from "./strong-reads.ts";
import { WriteAnswers } from "./write-answers.ts";
import type { Consistency, Proposed } from "./write-answers.ts";
import { refusalOfWrite } from "./write-rules.ts";

export class Replica {
  readonly id: ReplicaId;
  private readonly parts: ReplicaParts;
  private readonly raft: Raft;
  private place: ReplicaPlace;
  private applier: Applier;
  private readonly persisting: Persisting;
  private readonly writes: WriteAnswers;
  private readonly reads: Reads;
  private readonly salvager: Salvager;
  private readonly duties: LeaderDuties;
  private readonly snapshots: SnapshotTraffic;
  private known: RaftStatus;
  private applicable: LogIndex;
  private isPumpDue = false;
  /** The log has no room, or what is discarded is being read: nothing is staged meanwhile. */
  private isHeld = false;
  /** Resolves when the snapshot that is being installed is. */
  private installing: Promise<void> | undefined;
  private waitingForFree: (() => void)[] = [];
  private isApplying = false;
  private isClosed = false;
  private ticks = 0;
  /** Up to where the core knows the log to be compacted. */
  private knownBase = 0;

  constructor(parts: ReplicaParts) {
    const { engine, log, group, seams, options } = parts;
    this.parts = parts;
    this.id = parts.id;
    this.raft = parts.raft;
    this.place = parts.place;
    this.known = parts.raft.status;
    this.writes = new WriteAnswers(parts.raft, parts.isSynced);
    this.applier = this.newApplier();
    this.applicable = this.applier.appliedIndex;
    this.persisting = new Persisting(log, group, parts.raft, (message) => seams.send(message));
    this.duties = new LeaderDuties(parts.raft, options);
    this.reads = new Reads({
      engine,
      overlay: this.writes.overlay,
      place: () => this.place,
      appliedIndex: () => this.applier.appliedIndex,
      installing: () => this.installing,
      ask: () => this.raft.read(),
      wantTick: (until) => this.wantTick(until),
    });
    this.salvager = new Salvager({
      id: this.id,
      log: group,
      bytesPerMessage: options.salvageBytesPerMessage,
      send: (message) => seams.send(message),
      propose: (write) => this.duties.propose(commandKind.merge, encodeMerge(write)),
    });
    this.snapshots = new SnapshotTraffic(parts, {
      present: () => presentOf(this.place),
      install: (snapshot) => {
        this.installing = this.install(snapshot).finally(() => {
          this.installing = undefined;
        });
        return this.installing;
      },
      onFailure: (reason) => this.fail(reason),
    });
    this.raft.setSalvage(this.salvager.isPending);
    log.onProgress(() => this.logMoved());
  }

  // --- what comes in

  receive(message: ReplicaMessage): void {
    this.enter();
    const { type } = message;
    if (type === "salvage") {
      if (this.known.role === "leader") this.salvager.merge(message.writes);
    } else if (type === "tick_wanted") {
      this.wantTick(message.until);
    } else if (type === "chunk" || type === "chunk_request" || type === "chunk_refused") {
      this.snapshots.receive(message);
    } else {
      this.step(message);
    }
  }

  tick(): void {
    this.enter();
    this.raft.tick();
    this.ticks++;
    this.duties.noteQuorum(this.parts.seams.clock.monotonicMilliseconds());
    this.snapshots.tick();
    if (this.ticks % ticksOf(this.parts.options, this.parts.options.houseKeepingMilliseconds) === 0) this.keepHouse();
  }

  /** The last connection to another replica's node closed. */
  connectionLost(replica: ReplicaId): void {
    this.enter();
    this.raft.connectionLost(replica);
  }

  /** `make` is given the entry's stamp, from which it derives expiries. */
  propose(consistency: Consistency, make: (stamp: Stamp) => Command): Proposed {
    this.enter();
    if (this.isClosed) return { kind: "refused", why: "stopping" };
    const stamp = this.raft.nextStamp();
    const command = make(stamp);
    const { engine, log, options } = this.parts;
    const noQuorumMilliseconds = this.duties.noQuorumMilliseconds(this.parts.seams.clock.monotonicMilliseconds());
    const circumstances = { raft: this.raft, state: this.place.state, engine, log, options, noQuorumMilliseconds };
    const why = refusalOfWrite(command, consistency, circumstances);
    if (why !== undefined) return { kind: "refused", why };
    const payload = encodeCommand(command);
    const flags = consistency === "fast" ? fastFlag : 0;
    const needsQuorum = consistency === "strong";
    const result = this.raft.propose({ stamp, flags, kind: commandKind.operations, payload, needsQuorum });
    if (result.kind === "refused") return result;
    const { term, index } = result;
    const outcome = this.writes.await({ term, index, stamp, consistency, command });
    return { kind: "accepted", version: { term, index }, outcome };
  }

  /** What is here now, a leader's answered fast writes included. `now`: the time to judge expiry by. */
  readNow(key: Uint8Array, now: Stamp = this.raft.hybridNow()): EngineRecord | "absent" | "need_io" {
    return this.reads.readNow(key, now);
  }

  readFast(key: Uint8Array, now: Stamp = this.raft.hybridNow()): Promise<EngineRecord | undefined> {
    return this.reads.readFast(key, now);
  }

  readStrong(key: Uint8Array): Promise<StrongRead> {
    this.enter();
    if (this.isClosed) return Promise.resolve({ kind: "refused", why: "stopping" });
    return this.reads.strong.read(key);
  }

  transfer(target: ReplicaId): TransferRefusal | undefined {
    this.enter();
    return this.raft.transfer(target);
  }

  change(wanted: Membership): ChangeResult {
    this.enter();
    return this.raft.change(wanted);
  }

  /** The engine has everything up to here in its tables. */
  flushed(index: LogIndex): void {
    if (!this.isClosed) this.parts.group.flushed(index);
  }

  // --- what is so

  get status(): RaftStatus {
    return this.known;
  }

  get state(): GroupState {
    return this.place.state;
  }

  get appliedIndex(): LogIndex {
    return this.applier.appliedIndex;
  }

  /** Fast writes that this replica's log lost are kept here, and their fate is not known yet. */
  get hasSalvage(): boolean {
    return this.salvager.isPending;
  }

  get incarnation(): Incarnation {
    return this.place.incarnation;
  }

  /** Takes no more work; whoever waits is told that nobody knows. Log and engine stay open. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.snapshots.close();
    this.writes.failAll("the replica stops");
    this.reads.strong.failAll();
  }

  // --- the turn

  /** Something is about to change the core: its Readys are taken when the turn ends. */
  private enter(): void {
    if (this.isPumpDue || this.isClosed) return;
    this.isPumpDue = true;
    this.raft.setWallClock(this.parts.seams.clock.wallMilliseconds());
    this.parts.seams.scheduler.afterTurn(() => this.pump());
  }

  private pump(): void {
    this.isPumpDue = false;
    for (const wake of this.waitingForFree.splice(0)) wake();
    if (this.isClosed || this.isHeld) return;
    this.reads.strong.ask();
    const { group, log } = this.parts;
    if (group.base.index > this.knownBase) {
      this.knownBase = group.base.index;
      this.raft.compacted(group.base.index);
    }
    for (;;) {
      if (!log.hasRoom) return this.hold(log.whenRoom());
      const ready = this.raft.ready();
      if (ready === undefined) break;
      this.noteStatus();
      if (ready.truncateFrom !== undefined) this.writes.overriddenFrom(ready.truncateFrom);
      if (!this.persisting.stageNow(ready))
        return this.hold(this.persisting.stageLoaded(ready).then(() => this.rest(ready)));
      this.rest(ready);
    }
    this.apply();
  }

  /** What of a Ready has nothing to do with the log. */
  private rest(ready: Ready): void {
    const { entries } = this.parts;
    if (ready.truncateFrom !== undefined) this.raft.setSalvage(this.salvager.isPending);
    if (ready.entries.length > 0) this.duties.sample(this.raft.status);
    for (const answer of ready.reads) this.reads.strong.answered(answer);
    if (ready.loads.length > 0) {
      const bytes = this.parts.options.loadBytes;
      const loads = Promise.all(ready.loads.map((range) => entries.load(range, bytes)));
      this.follow(loads.then(() => this.raft.entriesLoaded()));
    }
    for (const by of ready.snapshotsWanted) this.snapshots.wanted(by);
    if (ready.snapshot !== undefined) this.snapshots.offered(ready.snapshot);
    this.applicable = ready.applicable;
    this.logMoved();
  }

  /** Nothing is staged until `passed`. */
  private hold(passed: Promise<void>): void {
    this.isHeld = true;
    this.follow(
      passed.then(() => {
        this.isHeld = false;
      }),
    );
  }

  /** Resolves when something that was held, or being applied, may have come to its end. */
  private whenFree(): Promise<void> {
    return new Promise((resolve) => this.waitingForFree.push(resolve));
  }

  /** Goes on when it is done; its failure is the replica's. */
  private follow(done: Promise<unknown>): void {
    done.then(
      () => this.enter(),
      (reason: unknown) => this.fail(reason),
    );
  }

  private logMoved(): void {
    if (this.isClosed) return;
    const { log } = this.parts;
    if (log.failure !== undefined) return this.fail(log.failure);
    if (this.persisting.progress()) this.enter();
    this.writes.persisted(this.raft.status.persisted, this.applier.appliedIndex);
  }

  private step(message: RaftMessage): void {
    const result = this.raft.step(message);
    if (result.kind === "taken") return;
    const { from, type } = message;
    this.parts.seams.logger.warn("a message was refused", { replica: this.id, from, type, why: result.why });
  }

  private noteStatus(): void {
    const before = this.known;
    this.known = this.raft.status;
    if (before.term !== this.known.term) {
      this.salvager.newTerm();
      this.duties.newTerm();
    }
    // What it answered and nobody else has is for the next leader to decide.
    if (before.role === "leader" && this.known.role !== "leader") this.writes.overlay.clear();
  }

  private apply(): void {
    if (this.isApplying || this.isClosed) return;
    const before = this.applier.appliedIndex;
    if (before >= this.applicable) return this.reads.strong.applied();
    const isDone = this.applier.applyNow(this.applicable);
    this.applied(before);
    if (isDone) return;
    this.isApplying = true;
    const from = this.applier.appliedIndex;
    this.follow(
      this.applier.applyLoaded(this.applicable).finally(() => {
        this.isApplying = false;
        this.applied(from);
      }),
    );
  }

  /** More is in the engine than `before`. */
  private applied(before: LogIndex): void {
    const { appliedIndex } = this.applier;
    if (appliedIndex > before) this.writes.applied(appliedIndex, this.place.state);
    this.reads.strong.applied();
  }

  private keepHouse(): void {
    const { group } = this.parts;
    const { leader, role } = this.known;
    this.salvager.remind(leader);
    if (role === "leader") this.duties.raiseWatermark(this.place.state);
    this.snapshots.letGo();
    group.compact(this.duties.dispensable(this.applier.appliedIndex));
  }

  private wantTick(until: Stamp): void {
    const { leader, role } = this.known;
    if (role === "leader") this.duties.settle(until, this.place.state);
    else if (leader !== nobody) this.parts.seams.send({ type: "tick_wanted", from: this.id, to: leader, until });
  }

  /** A snapshot takes the place of everything that is here. */
  private async install(snapshot: ReceivedSnapshot): Promise<void> {
    // Nothing is staged and nothing applied meanwhile.
    while (this.isApplying || this.isHeld) await this.whenFree();
    this.isHeld = true;
    try {
      if (this.isClosed || !this.raft.beginInstall(snapshot.offer.index)) return;
      this.place = await installSnapshot(this.parts, this.persisting, snapshot);
      this.applier = this.newApplier();
      this.applicable = snapshot.offer.index;
      this.knownBase = this.parts.group.base.index;
      this.raft.snapshotInstalled(snapshot.offer);
      this.raft.setSalvage(this.salvager.isPending);
    } finally {
      this.isHeld = false;
      this.enter();
    }
    this.applied(logIndex(0));
  }

  private newApplier(): Applier {
    const { group, engine } = this.parts;
    return new Applier(
      { log: group, engine, ...this.place },
      {
        onAnswer: (index, answer) => this.writes.note(index, answer),
        onMerged: (write) => {
          if (this.salvager.merged(write)) this.raft.setSalvage(false);
        },
      },
    );
  }

  private fail(reason: unknown): void {
    if (this.isClosed) return;
    const failure = reason instanceof Error ? reason : new Error(String(reason));
    this.close();
    this.parts.seams.onFailure(failure);
  }
}
