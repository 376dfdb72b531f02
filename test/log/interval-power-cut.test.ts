// The power goes after every single disk operation of a run under --fsync=interval in which answers run far
// ahead of syncs. Whatever the disk keeps, what is left is one moment of the log's life: nothing is missing
// in the middle, nothing stands without what it builds on. Not lost are
//
//   votes, terms, truncations, salvage, snapshots, removals   once they count as written, with all before them
//   anything else                                             once it is older than the interval
//
// and whenever something that was answered is lost, the log says that it may be.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Prng } from "../../internal/base/prng.ts";
import type { BatchNumber } from "../../internal/log/batch-stager.ts";
import type { LogOptions } from "../../internal/log/options.ts";
import { cutEverywhere } from "../disk/cut-everywhere.ts";
import type { CutMoment } from "../disk/cut-everywhere.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { bootWorld, open, rest } from "./harness.ts";
import type { World } from "./harness.ts";
import { lastOf } from "./model.ts";
import type { Moment } from "./model.ts";
import { TrackedLog, newEngine } from "./tracked-log.ts";
import type { Engine } from "./tracked-log.ts";

const intervalMilliseconds = 10;

const options: Partial<LogOptions> = {
  fsync: { kind: "interval", milliseconds: intervalMilliseconds },
  segmentBytes: 4096,
  batchBytesMax: 1024,
  cacheBytesMax: 8192,
  logBytesMax: 5 * 4096,
  flushWantedBytes: 4096,
};

interface Promised {
  readonly moments: readonly Moment[];
  readonly engine: Engine;
  /** The batch up to which nothing may be lost. */
  readonly least: number;
  readonly written: number;
  readonly isOpen: boolean;
}

/** A log whose user notes when each batch was answered, and what it was promised. */
class Life {
  tracked: TrackedLog | undefined;
  private readonly world: World;
  private readonly answered: { readonly batch: number; readonly at: number }[] = [];
  private synced = 0;

  constructor(world: World) {
    this.world = world;
  }

  /** Steps of two milliseconds, so that several batches wait for each sync and its time comes to the millisecond. */
  async play(): Promise<void> {
    const tracked = new TrackedLog(await open(this.world, options), newEngine());
    this.tracked = tracked;
    for (let step = 0; step < 120; step++) {
      for (let n = 0; n <= step % 3; n++) tracked.append(1 + (n % 2), `${step}/${n} ${"x".repeat(40 + step)}`);
      await this.answer(tracked);
      // Rarely, so that most syncs are the interval's own.
      const demand = step % 12 === 11 ? demands[Math.floor(step / 12) % demands.length] : undefined;
      if (demand !== undefined) await this.answerSynced(tracked, demand, step);
      if (step % 10 === 9) this.purge(tracked);
      this.world.time.advance(2);
      await rest(2);
    }
  }

  promised(): Promised {
    const { tracked, answered, world } = this;
    if (tracked === undefined) return { moments: [], engine: newEngine(), least: 0, written: 0, isOpen: false };
    const now = world.time.monotonicMilliseconds();
    const old = answered.findLast(({ at }) => at < now - intervalMilliseconds);
    return {
      moments: [...tracked.moments],
      engine: { flushed: new Map(tracked.engine.flushed), installed: new Map(tracked.engine.installed) },
      least: Math.max(this.synced, old?.batch ?? 0, tracked.log.durable),
      written: tracked.log.written,
      isOpen: true,
    };
  }

  private async answer(tracked: TrackedLog): Promise<void> {
    const batch = tracked.log.staged;
    await tracked.log.whenWritten(batch);
    this.answered.push({ batch, at: this.world.time.monotonicMilliseconds() });
  }

  private async answerSynced(tracked: TrackedLog, demand: Demand, step: number): Promise<void> {
    const batch = demand(tracked, step);
    await tracked.log.whenWritten(batch);
    this.synced = batch;
  }

  private purge(tracked: TrackedLog): void {
    for (const id of [1, 2]) {
      const { durable } = tracked.log;
      // An engine may have what the log has not synced: it is asked for no more than that here.
      const { state } = tracked.moments.findLast((moment) => moment.batch <= durable) as Moment;
      const group = state.get(id);
      const last = group === undefined ? 0 : Math.min(lastOf(group), lastOf(tracked.model(id)));
      if (last <= (group?.floor ?? 0)) continue;
      tracked.flush(id, last);
      tracked.compact(id, last - 1);
    }
  }
}

type Demand = (tracked: TrackedLog, step: number) => BatchNumber;

/** All that is synced before it counts as written. */
const demands: readonly Demand[] = [
  (tracked, step) => tracked.setHardState(1, step + 2, 1),
  (tracked) => tracked.truncateFrom(1, lastOf(tracked.model(1))),
  (tracked, step) => tracked.keepSalvage(2, step),
  (tracked) => tracked.installSnapshot(2, { index: lastOf(tracked.model(2)) + 5, term: 7 }),
  (tracked) => {
    tracked.append(3, "short-lived");
    return tracked.removeGroup(3);
  },
];

describe("log: power cut after every operation, answers ahead of syncs", () => {
  it("loses at most what was answered within the interval, never a middle, and says so", async () => {
    const disk = new MemoryDisk();
    const life = new Life(bootWorld(disk, "boot 1"));
    const lost = { cuts: 0, batchesMost: 0 };
    const { operations, cuts } = await cutEverywhere({
      disk,
      random: new Prng(19),
      randomCuts: 1,
      script: () => life.play(),
      state: () => life.promised(),
      check: async (left, moment) => {
        const batches = await checkLeft(left, moment);
        if (batches > 0) lost.cuts++;
        lost.batchesMost = Math.max(lost.batchesMost, batches);
      },
    });
    assert.ok(operations > 200 && lost.cuts > 200 && lost.batchesMost > 3, JSON.stringify({ operations, cuts, lost }));
  });
});

/** Answers how many batches were lost that had been answered. */
async function checkLeft(left: MemoryDisk, { state }: CutMoment<Promised>): Promise<number> {
  const log = await open(bootWorld(left, "boot 2"), options);
  if (!state.isOpen) return 0;
  const before = new TrackedLog(log, state.engine);
  before.moments = [...state.moments];
  const after = await before.resume(log, state.least);
  await after.check();
  assert.equal(log.mayHaveLost, true);
  return Math.max(0, state.written - after.origin);
}
