// What happens to one disk, as a list of steps that fast-check can draw and shrink: writes, housekeeping,
// views, scans, checkpoints, orderly ends, deaths of the process and of the machine.

import { unreachable } from "../../internal/base/assert.ts";
import { Prng } from "../../internal/base/prng.ts";
import { inspectTable } from "../../internal/engine/table/table-inspector.ts";
import { FaultDisk } from "../disk/fault-disk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { randomSurvival } from "../disk/power-cut.ts";
import { seededDelay } from "../disk/seeded-delay.ts";
import { ManualTime } from "../engine/engine-rig.ts";
import { Life, storeFolder, tinyStore } from "./life.ts";
import type { World } from "./life.ts";
import { Loss, Oracle } from "./oracle.ts";
import { checkRanges } from "./ranges.ts";
import { Workload } from "./workload.ts";

export type Step =
  | { readonly do: "write"; readonly count: number }
  | { readonly do: "flush" | "compact" | "settle"; readonly waits: boolean }
  | { readonly do: "advance"; readonly milliseconds: number }
  | { readonly do: "view" | "look" | "check" | "inspect" | "checkpoint" }
  | { readonly do: "ranges"; readonly seed: number }
  /** Closes, or kills the process, and opens with other settings. */
  | { readonly do: "reopen" | "kill"; readonly settings: number }
  /** The power goes so many disk operations later; 0: now. */
  | { readonly do: "cut"; readonly operations: number; readonly survival: number; readonly settings: number };

export interface StoryCounts {
  steps: number;
  writes: number;
  cuts: number;
  reopenings: number;
  tablesInspected: number;
}

export const noStory = (): StoryCounts => ({ steps: 0, writes: 0, cuts: 0, reopenings: 0, tablesInspected: 0 });

type Cut = Extract<Step, { do: "cut" }>;

/** Makes it all happen; throws when the store breaks a promise. */
export async function tell(steps: readonly Step[], seed: number, counts: StoryCounts): Promise<void> {
  const story = new Story(seed, counts);
  await story.open(seed);
  for (const step of steps) {
    counts.steps++;
    await story.take(step);
  }
  await story.end();
}

class Story {
  private readonly counts: StoryCounts;
  private readonly seed: number;
  private readonly time = new ManualTime();
  private readonly oracle: Oracle;
  private memory: MemoryDisk;
  private world: World | undefined;
  private life: Life | undefined;
  private lives = 0;
  private planned: Cut | undefined;

  constructor(seed: number, counts: StoryCounts) {
    this.seed = seed;
    this.counts = counts;
    this.oracle = new Oracle(new Workload(seed, { keys: 60, valueBytesMax: 2500 }));
    const random = new Prng(seed, 1);
    this.memory = new MemoryDisk({ delay: seededDelay(random, random.pick([0, 4])) });
  }

  /** Opens the store; again and again, should the power go meanwhile. */
  async open(settings: number): Promise<void> {
    this.time.advance(7);
    const random = new Prng(this.seed, 100 + ++this.lives);
    const disk = new FaultDisk(this.memory, { random: random.split("faults"), scheduler: this.time });
    disk.arm({
      calls: ["write"],
      when: { chance: [1, 15] },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: "short" },
    });
    const world: World = { disk, time: this.time, random, oracle: this.oracle, isOver: false };
    this.world = world;
    this.life = await Promise.race([Life.begin(world, tinyStore(new Prng(settings))), this.memory.whenCut]).then(
      (life) => life ?? undefined,
    );
    if (this.life === undefined) await this.loseMachine(settings);
  }

  async take(step: Step): Promise<void> {
    const { life, memory } = this;
    if (life === undefined) return;
    const done = this.carryOut(step, life);
    await Promise.race([done, memory.whenCut]);
    // A step that goes on to another disk sees for itself to what happens there.
    if (this.memory !== memory) return done;
    if (memory.isOff) await this.loseMachine(this.planned?.settings ?? this.seed);
    else if (life.fault !== undefined) throw life.fault;
  }

  async end(): Promise<void> {
    this.memory.cutPowerAt(0);
    await this.take({ do: "check" });
    await this.life?.close();
    if (this.memory.openFileCount !== 0) throw new Loss(`${this.memory.openFileCount} files were left open`);
    this.counts.writes += this.oracle.sent;
  }

  private async carryOut(step: Step, life: Life): Promise<void> {
    switch (step.do) {
      case "write":
        return life.burst(step.count);
      case "flush":
        return life.let(life.store.flush(), step.waits);
      case "compact":
        return life.let(life.store.compact(), step.waits);
      case "settle":
        return life.let(life.store.settle(), step.waits);
      case "advance":
        return this.time.advance(step.milliseconds);
      case "view":
        return life.takeView();
      case "look":
        return life.checkView();
      case "check":
        return life.check();
      case "inspect":
        return this.inspect(life);
      case "checkpoint":
        return life.checkpoint();
      case "ranges":
        return checkRanges(life.store, this.oracle.workload, new Prng(step.seed), 4);
      case "cut":
        return this.plan(step);
      case "reopen":
        return this.reopen(step, life);
      case "kill":
        return this.replaceProcess(step.settings);
      default:
        return unreachable(step, "a step that nobody takes");
    }
  }

  private plan(cut: Cut): void {
    this.planned = cut;
    if (cut.operations === 0) this.memory.cutPower();
    else this.memory.cutPowerAt(this.memory.operations + cut.operations);
  }

  private async reopen({ settings }: { readonly settings: number }, life: Life): Promise<void> {
    await life.close();
    if (this.memory.openFileCount !== 0) throw new Loss(`${this.memory.openFileCount} files were left open`);
    await this.replaceProcess(settings);
  }

  private async replaceProcess(settings: number): Promise<void> {
    this.leave();
    this.memory = this.memory.cloneAfterKill();
    // A cut that is still to come finds the disk that took over.
    if (this.planned !== undefined) this.memory.cutPowerAt(this.planned.operations);
    this.counts.reopenings++;
    await this.open(settings);
  }

  private async loseMachine(settings: number): Promise<void> {
    this.leave();
    this.counts.cuts++;
    this.memory = this.memory.clone(randomSurvival({ random: new Prng(this.planned?.survival ?? this.lives) }));
    this.planned = undefined;
    this.oracle.losePower();
    await this.open(settings);
  }

  private leave(): void {
    if (this.world !== undefined) this.world.isOver = true;
    this.life = undefined;
  }

  /** Every table is sound: all keys in order, and each passes its filter. */
  private async inspect(life: Life): Promise<void> {
    await life.quiet();
    await life.store.settle();
    for (const name of await this.memory.list(`${storeFolder}/engine`)) {
      const path = `${storeFolder}/engine/${name}`;
      // One that was merged away may go at any moment.
      if (!name.endsWith(".table") || this.memory.peek(path) === undefined) continue;
      const file = this.memory.jobs.openFile(path);
      for (const finding of inspectTable(file)) if (finding.kind === "damage") throw new Loss(finding.detail);
      file.close();
      this.counts.tablesInspected++;
    }
  }
}
