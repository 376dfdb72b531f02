// One node of the simulator: a machine with a clock and a disk, and on it, as in production, the shared log, the engine and a
// replica. Its process crashes at any await, and comes back with what its disk kept. A node whose disk is lost, or cannot be
// trusted, is gone: another one, under another replica id, takes its place.

import { TrefoilError } from "../../internal/base/errors.ts";
import { groupId } from "../../internal/base/ids.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import { stampOfMilliseconds } from "../../internal/base/stamp.ts";
import type { Prng } from "../../internal/base/prng.ts";
import { Engine } from "../../internal/engine/engine.ts";
import type { EngineOptions } from "../../internal/engine/options.ts";
import { openLog } from "../../internal/log/open-log.ts";
import type { Log } from "../../internal/log/log.ts";
import type { LogOptions } from "../../internal/log/options.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import type { Logger } from "../../internal/platform/logger.ts";
import { isVoter } from "../../internal/raft/configuration.ts";
import type { Configuration } from "../../internal/raft/configuration.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import { openReplica } from "../../internal/replica/open-replica.ts";
import { replicaDefaults } from "../../internal/replica/options.ts";
import type { ReplicaOptions } from "../../internal/replica/options.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { openRetired } from "../../internal/replica/retired-replica.ts";
import type { RetiredReplica } from "../../internal/replica/retired-replica.ts";
import { InlineBackground } from "../disk/inline-background.ts";
import type { OperationName } from "../disk/memory-disk.ts";
import type { Survival } from "../disk/power-cut.ts";
import { DiskPromises } from "./disk-promises.ts";
import { honestLogger } from "./honest-logger.ts";
import { SimDisk } from "./sim-disk.ts";
import type { Sightings, SightingKind } from "./sightings.ts";
import { sightingKinds } from "./sightings.ts";
import { ClockError, NodeClock } from "./virtual-time.ts";
import type { Turns, VirtualTime } from "./virtual-time.ts";

export interface SimNodeOptions {
  readonly log: Partial<LogOptions>;
  readonly engine: Partial<EngineOptions>;
  readonly replica: Partial<ReplicaOptions>;
  /** Calls to disks may fail. */
  readonly diskFaults: boolean;
  /** Of disks: opening files and changing names takes time, too. */
  readonly delaysNames: boolean;
  readonly turns: Turns;
}

interface SimNodeParts {
  readonly id: ReplicaId;
  readonly time: VirtualTime;
  readonly random: Prng;
  readonly first: Configuration;
  readonly sightings: Sightings;
  readonly logger?: Logger;
  send(message: ReplicaMessage): void;
  /** A message is about to leave it. */
  onSend(node: SimNode, message: ReplicaMessage): void;
  /** Who leads, as far as anybody can tell. */
  leader(): ReplicaId | undefined;
  /** Whether it shall belong to the group, now or again. */
  isWanted(node: SimNode): boolean;
  /** Its retired replica has erased itself. */
  onErased(node: SimNode): void;
  /** Its process ended by itself. */
  onEnd(node: SimNode): void;
}

export const simGroup = groupId(1);
/** A snapshot is held for so long, at least, after a chunk of it was sent. */
const sendingMilliseconds = 5000;

export class SimNode {
  readonly id: ReplicaId;
  readonly disk: SimDisk;
  readonly clockError = new ClockError();
  readonly promises = new DiskPromises();
  replica: Replica | undefined;
  /** What is left of its replica, once the group goes on without it. */
  retired: RetiredReplica | undefined;
  engine: Engine | undefined;
  log: Log | undefined;
  clock: NodeClock;
  /** What stopped it, when it was not a fault of the simulation. */
  failure: Error | undefined;
  /** Its process runs, though it may not be ready yet. */
  isRunning = false;
  /** It stays down until it is told otherwise. */
  isHeldDown = false;
  /** Its replica is no member any more: it brings back what only it has, and is erased. */
  isRetiring = false;
  /** Its disk is lost: nothing ever runs under this id again. */
  isGone = false;
  private readonly parts: SimNodeParts;
  private readonly options: SimNodeOptions;
  /** How often its process began or ended. */
  life = 0;
  /** Times that the power went. */
  private cuts = 0;
  /** Where its data lay when it was last looked at; 0: nobody looked. */
  private incarnation = 0;
  /** A snapshot was asked of it so lately that it may still hold it. */
  private sendsUntil = 0;

  constructor(parts: SimNodeParts, options: SimNodeOptions) {
    this.id = parts.id;
    this.parts = parts;
    this.options = options;
    this.disk = new SimDisk(parts.random.split("disk"), options.diskFaults, options.delaysNames);
    this.clock = new NodeClock(parts.time, this.clockError, options.turns);
  }

  /** What it acknowledges may not be synced yet. */
  get isBuffered(): boolean {
    return this.options.log.fsync?.kind === "interval";
  }

  get answersMax(): number {
    return this.options.replica.answersMax ?? replicaDefaults.answersMax;
  }

  /** The engine writes its tables now. */
  async flush(): Promise<void> {
    const { life, engine } = this;
    await engine?.flush().catch((reason: unknown) => {
      // A full disk passes; whoever runs a node ends it for the rest.
      if (reason instanceof TrefoilError && reason.code === "storage_full") this.parts.sightings.note("storage full");
      else this.blame(life, reason);
    });
  }

  get isUp(): boolean {
    return this.replica !== undefined;
  }

  /** Begins a life of its process. */
  async start(): Promise<void> {
    const life = ++this.life;
    this.isRunning = true;
    const clock = new NodeClock(this.parts.time, this.clockError, this.options.turns);
    this.clock = clock;
    const disk = this.disk.begin(clock);
    const random = this.parts.random.split(`life ${life}`);
    const background = new InlineBackground(disk.jobs, { random: random.split("jobs") });
    const logger = honestLogger(this.parts.logger ?? silentLogger, (refused) => this.blame(life, refused));
    const machine = { bootId: `boot ${this.cuts}` };
    const seams = { disk, background, clock, scheduler: clock, machine, logger };
    try {
      await disk.makeFolder("/node/engine");
      await disk.syncFolder("/node");
      await disk.syncFolder("/");
      if (life !== this.life) return;
      const log = await openLog("/node/log", seams, this.options.log);
      if (life !== this.life) return;
      if (log.mayHaveLost) return this.lose("tail not trusted");
      this.disk.isTailAtRisk = false;
      // An erased one has nothing left.
      if (!this.isRetiring) this.promises.check(log.group(simGroup));
      const engine = await Engine.open(seams, "/node/engine", this.options.engine);
      if (life !== this.life) return;
      if (this.isRetiring) return await this.openRetired(log, engine);
      const replica = await openReplica({
        group: simGroup,
        id: this.id,
        first: this.parts.first,
        log,
        engine,
        seams: {
          clock,
          scheduler: clock,
          logger,
          send: (message) => {
            if (clock.isDead) return;
            this.promises.note(message, log.group(simGroup));
            if (message.type === "chunk") this.sendsUntil = this.parts.time.now + sendingMilliseconds;
            this.parts.onSend(this, message);
            this.parts.send(message);
          },
          onFailure: (failure) => this.blame(life, failure),
        },
        random: random.split("raft"),
        isSynced: !this.isBuffered,
        disk,
        background,
        snapshotFolder: "/node/snapshot",
        options: this.options.replica,
      });
      if (life !== this.life) return;
      engine.onFlushed((applied) => {
        const index = applied.get(replica.incarnation);
        if (index !== undefined) replica.flushed(index);
      });
      log.onFlushWanted(() => {
        if (life === this.life) void this.flush();
      });
      this.log = log;
      this.engine = engine;
      this.replica = replica;
      if (replica.hasSalvage) this.parts.sightings.note("started again with salvage");
      this.tick(life, replica);
    } catch (failure) {
      this.blame(life, failure);
    }
  }

  /** The process ends, and with it, unless only it does, what the disk was told and had not synced. */
  crash(survival: Survival | undefined): void {
    this.life++;
    this.isRunning = false;
    this.clock.isDead = true;
    this.replica?.close();
    this.replica = undefined;
    this.retired = undefined;
    this.engine = undefined;
    this.log = undefined;
    if (survival !== undefined) this.cuts++;
    this.disk.end(survival);
  }

  /** Ends it at the moment of an operation of its disk that is still to come. */
  crashIn(operations: number, only: OperationName | undefined, survival: Survival | undefined): void {
    const { life } = this;
    this.disk.cutPowerIn(operations, only, (name) => {
      this.sight(`power cut at ${name}`);
      // What the process does in the rest of this turn never happened.
      this.clock.isDead = true;
      queueMicrotask(() => {
        if (life !== this.life) return;
        this.crash(survival);
        this.parts.onEnd(this);
      });
    });
  }

  /** Its disk is no more, or nothing on it can be believed. */
  lose(why?: SightingKind): void {
    if (why !== undefined) this.parts.sightings.note(why);
    this.isGone = true;
    if (this.isRunning) this.crash(undefined);
    this.parts.onEnd(this);
  }

  /** A failure that its process, or somebody whom it answered, met. */
  blame(life: number, reason: unknown): void {
    // Its power went earlier in this turn, perhaps by the very read with which a check looked at it: all else is a consequence.
    if (life !== this.life || (this.isRunning && this.clock.isDead)) return;
    const explanation = this.disk.explains(reason);
    if (explanation === undefined) {
      this.failure = reason instanceof Error ? reason : new Error(String(reason));
    } else if (explanation === "damage") {
      this.lose("damage found");
    } else {
      this.parts.sightings.note(this.isUp ? "process ended by its disk" : "start refused by its disk");
      this.crash(undefined);
      this.parts.onEnd(this);
    }
  }

  /** As blame, for its present life. */
  report(reason: unknown): void {
    this.blame(this.life, reason);
  }

  private tick(life: number, replica: Replica): void {
    this.clock.after(this.options.replica.tickMilliseconds ?? replicaDefaults.tickMilliseconds, () => {
      if (life !== this.life) return;
      replica.tick();
      this.look(life, replica);
      if (replica.status.isRemoved && !this.parts.isWanted(this)) this.retire();
      if (life !== this.life) return;
      if (this.isRetiring) void this.takeLeave(replica).catch((reason: unknown) => this.blame(life, reason));
      else this.tick(life, replica);
    });
  }

  receive(message: ReplicaMessage): void {
    if (this.replica !== undefined) this.replica.receive(message);
    else this.retired?.receive(message);
  }

  /** The group goes on without its replica (rule 12): somebody says so, or the replica was refused as no member. */
  retire(): void {
    if (this.isRetiring) return;
    this.isRetiring = true;
    this.parts.sightings.note("replica removed for good");
  }

  private async takeLeave(replica: Replica): Promise<void> {
    const { life, log, engine } = this;
    this.replica = undefined;
    replica.close();
    await replica.ended();
    if (life === this.life && log !== undefined && engine !== undefined) await this.openRetired(log, engine);
  }

  private async openRetired(log: Log, engine: Engine): Promise<void> {
    const { life, id, clock, parts, options } = this;
    const send = (message: ReplicaMessage): void => {
      if (!clock.isDead) parts.send(message);
    };
    const retired = await openRetired({ group: simGroup, id, log, engine, options: options.replica, send });
    if (life !== this.life) return;
    Object.assign(this, { retired, log, engine });
    if (log.group(simGroup).salvageBytes > 0) parts.sightings.note("removed with salvage");
    this.tickRetired(life, retired);
    await retired.whenEmpty();
    if (life !== this.life) return;
    await retired.erase();
    if (life === this.life) parts.onErased(this);
  }

  private tickRetired(life: number, retired: RetiredReplica, known?: ReplicaId): void {
    const { tickMilliseconds } = { ...replicaDefaults, ...this.options.replica };
    this.clock.after(tickMilliseconds, () => {
      if (life !== this.life) return;
      const leader = this.parts.leader();
      if (leader !== undefined && leader !== known) retired.leaderIs(leader);
      retired.tick();
      this.tickRetired(life, retired, leader ?? known);
    });
  }

  private look(life: number, replica: Replica): void {
    const { sightings } = this.parts;
    const { configuration, lastStamp } = replica.status;
    if (replica.incarnation !== this.incarnation && this.incarnation !== 0) {
      sightings.note(isVoter(configuration, this.id) ? "snapshot installed" : "snapshot installed by a learner");
      if (this.parts.time.now < this.sendsUntil) sightings.note("snapshot installed by who sends one");
    }
    this.incarnation = replica.incarnation;
    if (this.clock.takeFullTurns() > 0) sightings.note("several events in one turn");
    const ahead = lastStamp - stampOfMilliseconds(this.clock.wallMilliseconds());
    if (ahead > stampOfMilliseconds(10_000)) sightings.note("stamps far ahead");
    const trouble = this.engine?.trouble;
    if (trouble?.code === "storage_full" || this.log?.refusal !== undefined) sightings.note("storage full");
    else if (trouble !== undefined && trouble.code !== "busy") this.blame(life, trouble);
  }

  private sight(name: string): void {
    const kind = sightingKinds.find((known) => known === name);
    if (kind !== undefined) this.parts.sightings.note(kind);
  }
}
