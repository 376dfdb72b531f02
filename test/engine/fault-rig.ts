// An engine whose disk goes wrong by rule or fills up, whose jobs can be held, and whose time is moved by hand.

import { Prng } from "../../internal/base/prng.ts";
import { groupId } from "../../internal/base/ids.ts";
import type { Incarnation } from "../../internal/base/ids.ts";
import type { EngineSeams } from "../../internal/engine/core.ts";
import type { EngineOptions } from "../../internal/engine/options.ts";
import type { Background } from "../../internal/platform/background.ts";
import type { Disk } from "../../internal/platform/disk.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import { FaultDisk } from "../disk/fault-disk.ts";
import { InlineBackground } from "../disk/inline-background.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { EngineLife } from "./engine-life.ts";
import { ManualTime, tinyOptions } from "./engine-rig.ts";

export const group = groupId(1);

/** No merge begins by itself before there are four tables in level 0. */
export const calmOptions: Partial<EngineOptions> = {
  ...tinyOptions,
  tableBytes: 4096,
  levelZeroTrigger: 4,
  levelZeroStop: 8,
  spaceRetryMilliseconds: 1000,
};

export class FaultRig {
  readonly memory: MemoryDisk;
  readonly disk: FaultDisk;
  readonly time = new ManualTime();
  readonly background: InlineBackground;
  readonly seams: EngineSeams;
  life!: EngineLife;
  of!: Incarnation;
  private jobsAreHeld = false;
  private readonly gates = new Map<string, Promise<void>>();
  private readonly options: Partial<EngineOptions>;

  constructor(options: Partial<EngineOptions> = {}, memory = new MemoryDisk()) {
    this.options = { ...calmOptions, ...options };
    this.memory = memory;
    this.disk = new FaultDisk(memory, { random: new Prng(1), onFailedSync: (path) => memory.dropUnsynced(path) });
    this.background = new InlineBackground(this.disk.jobs, { random: new Prng(2) });
    this.seams = this.seamsOver(this.disk, this.background);
  }

  /** With one group and nothing in it. */
  static async open(options: Partial<EngineOptions> = {}, memory = new MemoryDisk()): Promise<FaultRig> {
    const rig = new FaultRig(options, memory);
    rig.life = await EngineLife.open({ seams: rig.seams, engine: rig.options });
    rig.of = await rig.life.create(group);
    return rig;
  }

  get engine(): EngineLife["engine"] {
    return this.life.engine;
  }

  /** Writes, and makes a table of level 0 of it. */
  async table(count: number, bytes?: number): Promise<void> {
    await this.life.fill(this.of, count, bytes);
    await this.engine.flush();
  }

  holdJobs(): void {
    this.jobsAreHeld = true;
    this.background.hold();
  }

  resumeJobs(): void {
    this.jobsAreHeld = false;
    this.background.resume();
  }

  /** Jobs of this name do not begin before the answer is called; others do. */
  gate(job: string): () => void {
    let open = (): void => undefined;
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    this.gates.set(job, opened);
    return () => {
      this.gates.delete(job);
      open();
    };
  }

  /** Lets everything run that waits for nothing but its turn. */
  async quiet(): Promise<void> {
    let operations = -1;
    while (operations !== this.memory.operations || (this.background.runningCount > 0 && !this.jobsAreHeld)) {
      ({ operations } = this.memory);
      for (let turns = 0; turns < 5; turns++) await turn();
    }
  }

  /** As quiet, the clock running, until the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      this.time.advance(250);
      await this.quiet();
    }
  }

  /** The machine goes down now with what is on its disk, and comes up on a disk without faults. */
  async crash(): Promise<EngineLife> {
    const disk = this.memory.cloneAfterKill();
    const life = await EngineLife.open(
      { seams: this.seamsOver(disk, new InlineBackground(disk.jobs)), engine: this.options },
      this.life.logs,
    );
    await life.replay();
    return life;
  }

  private seamsOver(disk: Disk, inner: InlineBackground): EngineSeams {
    const background: Background = {
      run: async (job, input) => {
        await this.gates.get(job.name);
        return inner.run(job, input);
      },
      limitRate: (bytesPerSecond) => inner.limitRate(bytesPerSecond),
      close: () => inner.close(),
    };
    return { disk, background, clock: this.time, scheduler: this.time, logger: silentLogger };
  }
}

export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
