// Lives of one store that end by power cuts at random moments, each remaining disk opened by the next life:
// while it is made, while it is written, flushed, merged, rolled, and while it recovers from the cut before.

import { Prng } from "../../internal/base/prng.ts";
import type { StoreOptions } from "../../internal/store/options.ts";
import { ManualTime } from "../engine/engine-rig.ts";
import { FaultDisk } from "../disk/fault-disk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { fixedSurvivals, randomSurvival } from "../disk/power-cut.ts";
import type { Survival } from "../disk/power-cut.ts";
import { seededDelay } from "../disk/seeded-delay.ts";
import { Life, tinyStore } from "./life.ts";
import type { World } from "./life.ts";
import { Oracle } from "./oracle.ts";
import { Workload } from "./workload.ts";

/** What the lives met. Where one of these stays zero, the run proved less than it says. */
export interface PowerCutCounts {
  cuts: number;
  /** Cuts that came while a store was being opened. */
  cutsWhileOpening: number;
  orderlyEnds: number;
  kills: number;
  writes: number;
  operations: number;
  flushes: number;
  merges: number;
  manifestRotations: number;
  segmentsPurged: number;
  checkpoints: number;
}

export function noCounts(): PowerCutCounts {
  return {
    cuts: 0,
    cutsWhileOpening: 0,
    orderlyEnds: 0,
    kills: 0,
    writes: 0,
    operations: 0,
    flushes: 0,
    merges: 0,
    manifestRotations: 0,
    segmentsPurged: 0,
    checkpoints: 0,
  };
}

/** So many cuts on one disk before the next seed begins with an empty one. */
const livesPerDisk: Readonly<Record<Aim, number>> = { anywhere: 12, renames: 12, making: 3 };
const stepsMax = 60;

/** Where the power is cut: at any operation; just behind a rename, when the name is there and not synced; or only while a
 *  store is made or first opened. */
export type Aim = "anywhere" | "renames" | "making";

/** One disk's story; throws when a life finds what it should not. */
export async function livesUnderPowerCuts(seed: number, counts: PowerCutCounts, aim: Aim = "anywhere"): Promise<void> {
  const random = new Prng(seed);
  const time = new ManualTime();
  const oracle = new Oracle(new Workload(seed));
  const options = tinyStore(random.split("options"));
  const delay = seededDelay(random.split("delay"), random.pick([0, 2, 8]));
  let memory = new MemoryDisk({ delay });
  for (let number = 1; number <= livesPerDisk[aim]; number++) {
    time.advance(random.between(1, 2000));
    if (aim === "making") cutBehindRename(memory, random.between(1, 3));
    else if (aim === "renames") cutBehindRename(memory, random.between(1, random.pick([2, 8, 30])));
    else if (!random.chance(1, 8)) memory.cutPowerAt(memory.operations + drawMoment(random));
    const disk = new FaultDisk(memory, { random: random.split("faults"), scheduler: time });
    disk.arm({
      calls: ["write"],
      when: { chance: [1, 20] },
      times: Number.POSITIVE_INFINITY,
      fault: { kind: "short" },
    });
    const world: World = { disk, time, random: random.split(`life ${number}`), oracle, isOver: false };
    const living = live(world, options);
    const ending = await Promise.race([living.ended, memory.whenCut.then(() => "cut" as const)]);
    world.isOver = true;
    counts.operations += memory.operations;
    count(living.life, counts);
    if (ending === "closed") counts.orderlyEnds++;
    if (ending === "killed") counts.kills++;
    if (ending === "cut") {
      counts.cuts++;
      if (living.life === undefined) counts.cutsWhileOpening++;
      memory = memory.clone(drawSurvival(random));
      oracle.losePower();
    } else {
      memory = memory.cloneAfterKill();
    }
  }
}

interface Living {
  life: Life | undefined;
  readonly ended: Promise<"closed" | "killed">;
}

function live(world: World, options: Partial<StoreOptions>): Living {
  const living = async (): Promise<"closed" | "killed"> => {
    const life = await Life.begin(world, options);
    result.life = life;
    for (let step = 0; step < stepsMax && !world.isOver; step++) {
      await life.step();
      if (life.fault !== undefined) throw life.fault;
    }
    if (world.random.chance(1, 2)) return "killed";
    await life.check();
    await life.close();
    return "closed";
  };
  const result: Living = { life: undefined, ended: Promise.resolve().then(living) };
  return result;
}

function count(life: Life | undefined, counts: PowerCutCounts): void {
  if (life === undefined) return;
  const { engine, log } = life.stats;
  counts.writes += life.answered;
  counts.flushes += engine.flush.flushes;
  counts.merges += engine.compaction.merges;
  counts.manifestRotations += engine.manifest.rotations;
  counts.segmentsPurged += log.counters.segmentsPurged;
  counts.checkpoints += life.checkpoints;
}

function cutBehindRename(memory: MemoryDisk, renames: number): void {
  let left = renames;
  memory.onOperation((name, _path, operation) => {
    if (name === "rename" && --left === 0) memory.cutPowerAt(operation + 1);
  });
}

/** Early cuts meet opening and recovery, late ones a busy store. */
function drawMoment(random: Prng): number {
  if (random.chance(1, 4)) return random.between(1, 30);
  return random.between(1, random.pick([100, 400, 1200]));
}

function drawSurvival(random: Prng): Survival {
  if (random.chance(1, 3)) return random.pick(fixedSurvivals).make();
  return randomSurvival({ random });
}
