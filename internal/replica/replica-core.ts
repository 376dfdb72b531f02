// The machinery of a replica: a Raft core, its part of the shared log, and its incarnation in the engine, kept in step.
//
//   write --> propose --> Ready --> log ---written---> acknowledged (fast)
//                           |                              |
//                           +--> messages            committed --> applied --> answered (strong)
//
// Everything happens in turns: whatever comes in during a turn of the event loop only changes the core, and at the turn's
// end `pump` takes its Readys, so that all of a turn shares one append and one message to each peer.

import { isBug } from "../base/assert.ts";
import { logIndex, nobody } from "../base/ids.ts";
import type { LogIndex, ReplicaId } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import { isMember, membersOf } from "../raft/configuration.ts";
import type { Message as RaftMessage } from "../raft/messages.ts";
import type { Raft } from "../raft/raft.ts";
import { standingOf } from "../raft/status.ts";
import type { Standing } from "../raft/status.ts";
import type { Ready } from "../raft/types.ts";
import { Applier } from "./applier.ts";
import type { Freshness } from "./freshness.ts";
import { installSnapshot } from "./install-snapshot.ts";
import { LeaderDuties } from "./leader-duties.ts";
import { LogPins } from "./log-pins.ts";
import { isOwn } from "./message-check.ts";
import type { ReplicaMessage } from "./messages.ts";
import { momentOf } from "./moment.ts";
import { ticksOf } from "./options.ts";
import { Persisting } from "./persisting.ts";
import type { Proposing } from "./proposing.ts";
import type { Reads } from "./reads.ts";
import { receiveOwn } from "./receiving.ts";
import type { ReplicaParts, ReplicaPlace } from "./replica-parts.ts";
import type { Salvager } from "./salvager.ts";
import type { ReceivedSnapshot } from "./snapshot-receiver.ts";
import type { SnapshotTraffic } from "./snapshot-traffic.ts";
import { UnderWay } from "./under-way.ts";
import { freshnessOf, proposingOf, readsOf, salvagerOf, snapshotsOf } from "./wiring.ts";
import { WriteAnswers } from "./write-answers.ts";

export class ReplicaCore {
  readonly parts: ReplicaParts;
  readonly raft: Raft;
  place: ReplicaPlace;
  applier: Applier;
  readonly writes: WriteAnswers;
  readonly reads: Reads;
  readonly freshness: Freshness;
  readonly proposing: Proposing;
  readonly salvager: Salvager;
  readonly duties: LeaderDuties;
  readonly snapshots: SnapshotTraffic;
  readonly pins: LogPins;
  readonly underWay = new UnderWay();
  known: Standing;
  isClosed = false;
  /** Resolves when the snapshot that is being installed is, or is not. */
  installing: Promise<unknown> | undefined;
  private readonly persisting: Persisting;
  private readonly stopListening: () => void;
  private applicable: LogIndex;
  private isPumpDue = false;
  /** The log has no room, or what is discarded is being read: nothing is staged meanwhile. */
  private isHeld = false;
  /** A snapshot takes the place of what is here: nothing is staged and nothing applied meanwhile. */
  private isInstalling = false;
  private waitingForFree: (() => void)[] = [];
  private isApplying = false;
  private ticks = 0;
  /** Up to where the core knows the log to be compacted. */
  private knownBase = 0;

  constructor(parts: ReplicaParts) {
    const { log, group, seams, options, raft } = parts;
    this.parts = parts;
    this.raft = raft;
    this.place = parts.place;
    this.known = standingOf(raft.status);
    this.writes = new WriteAnswers(raft, parts.isSynced, () => this.duties.isTooLateForFast(momentOf(seams.clock)));
    this.duties = new LeaderDuties(raft, options, momentOf(seams.clock));
    this.pins = new LogPins(log, group, options);
    this.persisting = new Persisting(log, group, raft, (message) => seams.send(message));
    this.salvager = salvagerOf(this);
    this.applier = this.newApplier();
    this.applicable = this.applier.appliedIndex;
    this.reads = readsOf(this);
    this.freshness = freshnessOf(this);
    this.proposing = proposingOf(this);
    this.snapshots = snapshotsOf(this);
    raft.setSalvage(this.salvager.isPending);
    this.stopListening = log.onProgress(() => this.logMoved());
  }

  // --- what comes in

  receive(message: ReplicaMessage): void {
    this.enter();
    if (this.isClosed) return;
    if (isOwn(message)) receiveOwn(this, message);
    else this.step(message);
  }

  /** Belongs to the group, as the log or what is applied of it says; or has left it, and may still come with writes. */
  readonly isKnown = (id: ReplicaId): boolean => {
    const { configuration, departures } = this.place.state;
    return (
      isMember(this.raft.status.configuration, id) ||
      isMember(configuration.configuration, id) ||
      departures.hasLeft(id)
    );
  };

  tick(): void {
    if (this.isClosed) return;
    this.enter();
    this.raft.tick();
    this.ticks++;
    const { hasQuorum, commit } = this.raft.status;
    if (!hasQuorum) this.reads.strong.refuseUndecided(commit, "no_quorum");
    this.snapshots.tick();
    if (this.ticks % ticksOf(this.parts.options, this.parts.options.houseKeepingMilliseconds) === 0) this.keepHouse();
  }

  /** Takes no more work; whoever waits is told that nobody knows. Log and engine stay open. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.stopListening();
    this.snapshots.close();
    this.pins.close();
    this.applier.stop();
    this.writes.failAll("the replica stops");
    this.reads.strong.failAll();
    this.freshness.close();
    for (const wake of this.waitingForFree.splice(0)) wake();
  }

  /** Resolves when nothing of it touches log or engine any more. REQUIRES: closed. */
  ended(): Promise<void> {
    return this.underWay.ended();
  }

  // --- the turn

  /** Something is about to change the core: its Readys are taken when the turn ends. */
  enter(): void {
    if (this.isClosed) return;
    // Each time: this process may have been stopped since what came before in this turn.
    this.raft.setWallClock(this.parts.seams.clock.wallMilliseconds());
    if (this.isPumpDue) return;
    this.isPumpDue = true;
    this.parts.seams.scheduler.afterTurn(this.pumpDue);
  }

  /** Made once, for each turn. */
  private readonly pumpDue = (): void => {
    try {
      this.pump();
    } catch (failure) {
      this.failed(failure);
    }
  };

  private pump(): void {
    const now = momentOf(this.parts.seams.clock);
    this.isPumpDue = false;
    this.turn();
    this.duties.endTurn(now, this.freshness);
  }

  private turn(): void {
    for (const wake of this.waitingForFree.splice(0)) wake();
    if (this.isClosed || this.isInstalling) return;
    this.noteStatus();
    // What is decided needs no room in the log.
    if (this.isHeld) return this.apply();
    this.reads.strong.ask();
    const { group, log } = this.parts;
    if (group.base.index > this.knownBase) {
      this.knownBase = group.base.index;
      this.raft.compacted(group.base.index);
    }
    for (;;) {
      if (!log.hasRoom) {
        this.hold(log.whenRoom());
        break;
      }
      const ready = this.raft.ready();
      if (ready === undefined) break;
      this.noteStatus();
      if (ready.truncateFrom !== undefined) this.writes.discardedFrom(ready.truncateFrom);
      if (!this.persisting.stageNow(ready))
        return this.hold(this.underWay.add(this.persisting.stageLoaded(ready)).then(() => this.rest(ready)));
      this.rest(ready);
    }
    // All that was discarded is kept by now, where it has to be.
    if (!this.isHeld) this.raft.setSalvage(this.salvager.isPending);
    this.apply();
  }

  /** What of a Ready has nothing to do with the log. */
  private rest(ready: Ready): void {
    const { entries, options } = this.parts;
    if (ready.entries.length > 0) this.duties.sample(this.raft.status);
    for (const answer of ready.reads) {
      this.reads.strong.answered(answer);
      this.freshness.readAnswered(answer);
    }
    if (ready.loads.length > 0) {
      const loads = ready.loads.map((range) => entries.load(range, options.loadBytes));
      this.follow(Promise.all(loads).then(() => this.raft.entriesLoaded()));
    }
    for (const by of ready.snapshotsWanted) this.snapshots.wanted(by);
    if (ready.snapshotsWanted.length > 0) this.tellHeld(this.snapshots.holding);
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
  follow(done: Promise<unknown>): void {
    done.then(
      () => this.enter(),
      (reason: unknown) => this.failed(reason),
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
    if (result.kind === "refused") this.refuse(message, result.why);
  }

  refuse(message: ReplicaMessage, why: string): void {
    this.parts.seams.logger.warn("a message was refused", { replica: this.parts.id, from: message?.from, why });
  }

  private noteStatus(): void {
    const before = this.known;
    this.known = standingOf(this.raft.status);
    if (before.term !== this.known.term) {
      this.salvager.newTerm();
      this.writes.newTerm(this.known.term);
      this.duties.newTerm(momentOf(this.parts.seams.clock));
      this.proposing.newTerm();
    }
    this.writes.review();
    // What it answered and nobody else has is for the next leader to decide.
    if (before.role === "leader" && this.known.role !== "leader") this.writes.overlay.clear();
  }

  private apply(): void {
    if (this.isApplying || this.isClosed) return;
    const before = this.applier.appliedIndex;
    if (before >= this.applicable) return this.applied(before);
    const { applier, applicable } = this;
    const isDone = applier.applyNow(applicable);
    this.applied(before);
    if (isDone) return;
    this.isApplying = true;
    const from = applier.appliedIndex;
    this.follow(
      this.underWay.add(applier.applyLoaded(applicable)).finally(() => {
        this.isApplying = false;
        this.applied(from);
      }),
    );
  }

  /** More is in the engine than `before`. */
  private applied(before: LogIndex): void {
    const { appliedIndex } = this.applier;
    if (appliedIndex > before) {
      const conflict = this.place.state.departures.conflictOf(this.parts.id);
      if (conflict !== undefined) return this.fail(conflict);
      this.writes.applied(this.applier.applied, this.place.state);
      this.proposing.applied(appliedIndex);
    }
    this.reads.strong.applied();
    this.freshness.applied();
  }

  private keepHouse(): void {
    const { group, seams } = this.parts;
    const { leader, role, commit } = this.known;
    this.follow(this.salvager.remind(leader));
    if (role === "leader") this.duties.raiseWatermark(this.place.state);
    if (this.isHeld) this.reads.strong.cannotAsk(commit, "busy");
    else if (leader === nobody) this.reads.strong.cannotAsk(commit, "no_leader");
    else this.reads.strong.remind();
    const index = this.snapshots.letGo();
    this.tellHeld(index);
    const isFull = this.pins.review(seams.clock.monotonicMilliseconds(), index !== undefined);
    if (isFull && leader !== nobody && leader !== this.parts.id)
      seams.send({ type: "log_full", from: this.parts.id, to: leader });
    group.compact(this.duties.dispensable(this.pins.atMost(index ?? this.applier.appliedIndex)));
  }

  /** Every voter keeps its log from behind a snapshot on (rule 23): told when it is made, so that none compacts before, and then again. */
  private tellHeld(index: LogIndex | undefined): void {
    if (index === undefined) return;
    const { id: from, seams } = this.parts;
    for (const to of membersOf({ ...this.known.configuration, learners: [] })) {
      if (to !== from) seams.send({ type: "keep_log", from, to, index });
    }
  }

  /** Whether an entry is in this log, applied or not. */
  isHere({ term, index }: Version): boolean {
    return this.place.state.holds(term, index) === true || this.raft.termOf(index) === term;
  }

  wantTick(until: Stamp): void {
    const { leader, role } = this.known;
    if (role === "leader") this.duties.settle(until, this.place.state);
    else if (leader !== nobody) this.parts.seams.send({ type: "tick_wanted", from: this.parts.id, to: leader, until });
  }

  /** A snapshot takes the place of everything that is here. */
  async install(snapshot: ReceivedSnapshot): Promise<"installed" | "not_wanted" | "failed"> {
    const end = this.installNow(snapshot);
    this.installing = end.catch(() => undefined);
    try {
      return await end;
    } finally {
      this.installing = undefined;
    }
  }

  private async installNow(snapshot: ReceivedSnapshot): Promise<"installed" | "not_wanted" | "failed"> {
    // All that was decided is staged first: what it discards is kept by that. Nothing is staged and nothing applied meanwhile.
    for (this.pump(); !this.isClosed && (this.isApplying || this.isHeld); this.pump()) await this.whenFree();
    if (this.isClosed || !this.raft.beginInstall(snapshot.offer)) return "not_wanted";
    this.isInstalling = true;
    this.snapshots.drop();
    try {
      const place = await installSnapshot(this.parts, snapshot);
      this.raft.setSalvage(this.salvager.isPending);
      if (place === undefined) return "failed";
      this.place = place;
      this.applier = this.newApplier();
      this.applicable = snapshot.offer.index;
      this.knownBase = this.parts.group.base.index;
      this.raft.snapshotInstalled(snapshot.offer);
      this.writes.jumpedTo(snapshot.offer.index, place.state);
    } finally {
      this.isInstalling = false;
      this.enter();
    }
    this.applied(logIndex(0));
    return "installed";
  }

  private newApplier(): Applier {
    const { group, engine } = this.parts;
    return new Applier(
      { log: group, engine, ...this.place },
      {
        onAnswer: (index, answer) => this.writes.note(index, answer),
        onMerged: (write) => this.salvager.merged(write),
        onFate: (fate) => this.parts.numbers.decided(fate, this.known.role),
      },
    );
  }

  /** A bug ends the process, whether or not anybody had to wait before it was met; all else that fails ends the replica. */
  failed(reason: unknown): void {
    if (isBug(reason)) throw reason;
    this.fail(reason instanceof Error ? reason : new Error(String(reason)));
  }

  private fail(failure: Error): void {
    if (this.isClosed) return;
    this.close();
    this.parts.seams.onFailure(failure);
  }
}
