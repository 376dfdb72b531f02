// One node of the simulator: a disk that forgets what was not synced, the shared log, the engine and a replica, as in
// production. It crashes at any await, and comes back with what its disk kept.

import { groupId } from "../../internal/base/ids.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import type { Prng } from "../../internal/base/prng.ts";
import { Engine } from "../../internal/engine/engine.ts";
import type { EngineOptions } from "../../internal/engine/options.ts";
import { openLog } from "../../internal/log/open-log.ts";
import type { Log } from "../../internal/log/log.ts";
import type { LogOptions } from "../../internal/log/options.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import type { Logger } from "../../internal/platform/logger.ts";
import type { Configuration } from "../../internal/raft/configuration.ts";
import type { ReplicaMessage } from "../../internal/replica/messages.ts";
import { openReplica } from "../../internal/replica/open-replica.ts";
import { replicaDefaults } from "../../internal/replica/options.ts";
import type { ReplicaOptions } from "../../internal/replica/options.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { InlineBackground } from "../disk/inline-background.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import type { CallName, MemoryDiskOptions } from "../disk/memory-disk.ts";
import type { Survival } from "../disk/power-cut.ts";
import { DiskPromises } from "./disk-promises.ts";
import { honestLogger } from "./honest-logger.ts";
import { NodeClock } from "./virtual-time.ts";
import type { VirtualTime } from "./virtual-time.ts";

export interface SimNodeOptions {
  readonly log: Partial<LogOptions>;
  readonly engine: Partial<EngineOptions>;
  readonly replica: Partial<ReplicaOptions>;
}

const simGroup = groupId(1);

export class SimNode {
  readonly id: ReplicaId;
  replica: Replica | undefined;
  engine: Engine | undefined;
  log: Log | undefined;
  clock: NodeClock;
  disk: MemoryDisk;
  /** What stopped it, when it was not a fault of the simulation. */
  failure: Error | undefined;
  skew = 0;
  /** Milliseconds that a call to the disk takes at most. */
  diskMilliseconds = 1;
  private readonly diskChance: Prng;
  private readonly diskOptions: MemoryDiskOptions = { delay: (name) => this.diskDelay(name) };
  private readonly time: VirtualTime;
  private readonly random: Prng;
  private readonly first: Configuration;
  private readonly options: SimNodeOptions;
  private readonly send: (message: ReplicaMessage) => void;
  private readonly logger: Logger;
  private life = 0;
  readonly promises = new DiskPromises();

  constructor(
    parts: {
      readonly id: ReplicaId;
      readonly time: VirtualTime;
      readonly random: Prng;
      readonly first: Configuration;
      readonly logger?: Logger;
      send(message: ReplicaMessage): void;
    },
    options: SimNodeOptions,
  ) {
    this.id = parts.id;
    this.time = parts.time;
    this.random = parts.random;
    this.diskChance = parts.random.split("disk");
    this.first = parts.first;
    this.send = (message) => parts.send(message);
    this.logger = parts.logger ?? silentLogger;
    this.options = options;
    this.clock = new NodeClock(parts.time);
    this.disk = new MemoryDisk(this.diskOptions);
  }

  /** Its process runs, though it may not be ready yet. */
  isRunning = false;

  setSkew(milliseconds: number): void {
    this.skew = milliseconds;
    this.clock.skew = milliseconds;
  }

  /** The engine writes its tables now. */
  async flush(): Promise<void> {
    const { life, engine } = this;
    await engine?.flush().catch((reason: unknown) => this.blame(life, reason));
  }

  get isUp(): boolean {
    return this.replica !== undefined;
  }

  /** Begins a life of its process. */
  async start(): Promise<void> {
    const life = ++this.life;
    this.isRunning = true;
    const clock = new NodeClock(this.time);
    clock.skew = this.skew;
    this.clock = clock;
    const { disk } = this;
    const logger = honestLogger(this.logger, (refused) => this.blame(life, refused));
    const random = this.random.split(`life ${life}`);
    const background = new InlineBackground(disk.jobs, { random: random.split("jobs") });
    const seams = { disk, background, clock, scheduler: clock, logger };
    try {
      await disk.makeFolder("/node/engine");
      await disk.syncFolder("/node");
      await disk.syncFolder("/");
      if (life !== this.life) return;
      const log = await openLog("/node/log", seams, this.options.log);
      if (life !== this.life) return;
      this.promises.check(log.group(simGroup));
      const engine = await Engine.open(seams, "/node/engine", this.options.engine);
      if (life !== this.life) return;
      const replica = await openReplica({
        group: simGroup,
        id: this.id,
        first: this.first,
        log,
        engine,
        seams: {
          clock,
          scheduler: clock,
          logger,
          send: (message) => {
            if (clock.isDead) return;
            this.promises.note(message, log.group(simGroup));
            this.send(message);
          },
          onFailure: (failure) => {
            if (life === this.life) this.failure = failure;
          },
        },
        random: random.split("raft"),
        isSynced: true,
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
        engine.flush().catch((reason: unknown) => this.blame(life, reason));
      });
      this.log = log;
      this.engine = engine;
      this.replica = replica;
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
    this.engine = undefined;
    this.log = undefined;
    const { disk } = this;
    this.disk = survival === undefined ? disk.cloneAfterKill(this.diskOptions) : disk.clone(survival, this.diskOptions);
    disk.cutPower();
  }

  /** Its disk is lost. What comes back under this name knows nothing. REQUIRES: it is down. */
  wipe(): void {
    this.disk = new MemoryDisk(this.diskOptions);
  }

  private diskDelay(name: CallName): Promise<void> | undefined {
    const most = this.diskMilliseconds;
    if (most === 0 || (name !== "write" && name !== "syncData" && name !== "read")) return undefined;
    const milliseconds = this.diskChance.between(1, 100 * most) / 100;
    return new Promise((resolve) => this.clock.after(milliseconds, resolve));
  }

  private tick(life: number, replica: Replica): void {
    this.clock.after(this.options.replica.tickMilliseconds ?? replicaDefaults.tickMilliseconds, () => {
      if (life !== this.life) return;
      replica.tick();
      this.tick(life, replica);
    });
  }

  private blame(life: number, reason: unknown): void {
    if (life === this.life) this.failure = reason instanceof Error ? reason : new Error(String(reason));
  }
}
