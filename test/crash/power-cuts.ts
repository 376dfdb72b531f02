// The workload on a disk whose power is cut, over and over: each cut leaves one of the disks that a power
// cut may leave, on which the store is opened, examined and driven on until the next cut. Cuts also fall
// into opening and recovery. Now and then it is only the process that dies; some disks make short writes.

import { Prng } from "../../internal/base/prng.ts";
import { Store } from "../../internal/store/store.ts";
import type { StoreOptions } from "../../internal/store/options.ts";
import { FaultDisk } from "../disk/fault-disk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { randomSurvival } from "../disk/power-cut.ts";
import { ManualTime, seamsOn, tinyOptions } from "../engine/engine-rig.ts";
import { drive } from "./driver.ts";
import { examine, Workload, writesHeld } from "./workload.ts";

export interface CutRun {
  readonly seed: number;
  /** Power cuts in one life of a disk. */
  readonly cuts: number;
}

export interface CutResult {
  readonly cuts: number;
  readonly writes: number;
  readonly operations: number;
  /** Cuts that came before the store had been opened. */
  readonly duringOpen: number;
  readonly faults: readonly string[];
}

const folder = "/store";

export async function runPowerCuts({ seed, cuts }: CutRun): Promise<CutResult> {
  const random = new Prng(seed);
  const workload = new Workload(random.next());
  const options = optionsFor(random.split("options"));
  const shortWrites = random.chance(1, 3);
  let disk = new MemoryDisk();
  const known = { durable: 0, sent: 0 };
  const totals = { operations: 0, duringOpen: 0 };
  const faults: string[] = [];
  for (let cut = 1; cut <= cuts && faults.length === 0; cut++) {
    disk.cutPowerAt(1 + random.below(random.pick([40, 400, 1500])));
    const opened = await liveUntilCut(disk, { workload, random, options, known, cut, shortWrites });
    if (!opened) totals.duringOpen++;
    totals.operations += disk.operations;
    const isKill = random.chance(1, 4);
    disk = isKill ? disk.cloneAfterKill() : disk.clone(randomSurvival({ random: random.split(`survival ${cut}`) }));
    const where = (fault: string) => `seed ${seed}, cut ${cut}: ${fault}`;
    try {
      const finding = await look(disk.cloneAfterKill(), workload, { options, known, seed: random.next() });
      faults.push(...finding.faults.map(where));
      // What a killed process had not synced may still be lost with the power, until a store has opened on it.
      if (!isKill) known.durable = Math.max(known.durable, finding.writes);
      known.sent = finding.writes;
    } catch (failure) {
      faults.push(where(`the store does not open: ${String(failure)}`));
    }
  }
  return { cuts, writes: known.durable, ...totals, faults };
}

interface Life {
  readonly workload: Workload;
  readonly random: Prng;
  readonly options: Partial<StoreOptions>;
  readonly known: { durable: number; sent: number };
  readonly cut: number;
  readonly shortWrites: boolean;
}

/** Opens and drives a store until the power goes; whether it came to be open. */
async function liveUntilCut(disk: MemoryDisk, life: Life): Promise<boolean> {
  const { workload, random, options, known } = life;
  const seams = seamsOn(life.shortWrites ? withShortWrites(disk, random) : disk, new ManualTime(), random.next());
  const state = { opened: false, failure: undefined as Error | undefined };
  const living = (async () => {
    const store = await Store.open(seams, folder, options);
    state.opened = true;
    known.durable = Math.max(known.durable, await writesHeld(store));
    await drive(store, workload, {
      random: random.split(`drive ${life.cut}`),
      first: known.sent + 1,
      count: 100_000,
      inFlightMax: 12,
      checkpoints: `/checkpoints/${life.cut}`,
      onSend: (number) => (known.sent = number),
      onAcknowledge: (number, durability) => {
        // Under "always" an answer promises the sync, whatever it says of itself.
        if (durability === "synced" || options.fsync?.kind === "always")
          known.durable = Math.max(known.durable, number);
      },
    });
  })().catch((failure: unknown) => {
    state.failure = failure instanceof Error ? failure : new Error(String(failure));
  });
  await Promise.race([disk.whenCut, living]);
  if (!disk.isOff) throw state.failure ?? new Error("the workload ended before the power was cut");
  return state.opened;
}

function withShortWrites(disk: MemoryDisk, random: Prng): FaultDisk {
  const faulty = new FaultDisk(disk, { random: new Prng(random.next()) });
  faulty.arm({ calls: ["write"], when: { chance: [1, 6] }, times: Number.MAX_SAFE_INTEGER, fault: { kind: "short" } });
  return faulty;
}

async function look(
  disk: MemoryDisk,
  workload: Workload,
  life: { options: Partial<StoreOptions>; known: { durable: number; sent: number }; seed: number },
): ReturnType<typeof examine> {
  const store = await Store.open(seamsOn(disk, new ManualTime(), life.seed), folder, life.options);
  const finding = await examine(store, workload, { atLeast: life.known.durable, atMost: life.known.sent });
  await store.close();
  return finding;
}

function optionsFor(random: Prng): Partial<StoreOptions> {
  return {
    fsync: random.chance(1, 4) ? { kind: "interval", milliseconds: 10 } : { kind: "always" },
    engine: { ...tinyOptions, memtableBytes: 64 * 1024, memtablesMax: random.between(2, 4) },
    log: {
      segmentBytes: random.pick([16, 32, 128]) * 1024,
      batchBytesMax: random.pick([2, 8, 64]) * 1024,
      cacheBytesMax: random.pick([16, 256]) * 1024,
      flushWantedBytes: random.pick([32, 256]) * 1024,
      logBytesMax: 512 * 1024,
    },
  };
}
