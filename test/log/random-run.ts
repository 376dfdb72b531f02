// A random life of a log: everything a caller may do, with crashes, held against the model at each step.
// The seed decides all of it, the small limits too.

import assert from "node:assert/strict";
import { logIndex } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import type { Pin } from "../../internal/log/group-log.ts";
import type { LogOptions } from "../../internal/log/options.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { randomSurvival } from "../disk/power-cut.ts";
import { newWorld, open, rest } from "./harness.ts";
import type { World } from "./harness.ts";
import { lastOf, termAt } from "./model.ts";
import { TrackedLog, newEngine } from "./tracked-log.ts";

const groupCount = 3;

export interface RunCounts {
  steps: number;
  cuts: number;
  kills: number;
  cleanStops: number;
  segmentsPurged: number;
  carried: number;
  truncations: number;
}

interface HeldPin {
  readonly group: number;
  readonly index: number;
  readonly pin: Pin;
}

export class RandomRun {
  readonly counts: RunCounts = {
    steps: 0,
    cuts: 0,
    kills: 0,
    cleanStops: 0,
    segmentsPurged: 0,
    carried: 0,
    truncations: 0,
  };

  private readonly random: Prng;
  private readonly options: Partial<LogOptions>;
  private world: World;
  private tracked: TrackedLog;
  private pins: HeldPin[] = [];
  private textNumber = 0;

  private constructor(random: Prng, options: Partial<LogOptions>, world: World, tracked: TrackedLog) {
    this.random = random;
    this.options = options;
    this.world = world;
    this.tracked = tracked;
  }

  static async start(seed: number): Promise<RandomRun> {
    const random = new Prng(seed);
    const segmentBytes = random.pick([4096, 6000, 8192, 20_000]);
    const options: Partial<LogOptions> = {
      fsync: random.chance(1, 2) ? { kind: "always" } : { kind: "interval", milliseconds: 10 },
      segmentBytes,
      batchBytesMax: random.pick([1024, 1500, 3000]),
      cacheBytesMax: random.pick([8192, 16_384, 100_000]),
      logBytesMax: segmentBytes * random.between(3, 8),
      flushWantedBytes: random.pick([4096, 8192]),
    };
    const world = newWorld(new MemoryDisk({ delay: delayOf(random.split("delay")) }));
    return new RandomRun(random, options, world, new TrackedLog(await open(world, options), newEngine()));
  }

  async step(): Promise<void> {
    this.counts.steps++;
    const { random, tracked } = this;
    const { log } = tracked;
    if (!log.hasRoom) await this.race(log.whenRoom());
    if (this.world.disk.isOff) return this.afterCut();
    const id = random.between(1, groupCount);
    const choice = random.below(100);
    if (choice < 45) this.append(id, random.between(1, 6));
    else if (choice < 52) this.conflict(id);
    else if (choice < 58) this.hardState(id);
    else if (choice < 64) this.flush(id);
    else if (choice < 69) tracked.compact(id, random.between(0, tracked.model(id).commit));
    else if (choice < 72) this.pin(id);
    else if (choice < 74) this.installSnapshot(id);
    else if (choice < 76) this.salvage(id);
    else if (choice < 77) await this.remove(id);
    else if (choice < 86) await this.race(log.whenWritten(log.staged));
    else if (choice < 90) await this.check();
    else if (choice < 93) this.world.time.advance(random.between(1, 20));
    else if (choice < 95) await rest(2);
    else await this.crash(choice);
    if (this.world.disk.isOff) await this.afterCut();
  }

  async check(): Promise<void> {
    await this.race(this.tracked.check());
    for (const { group, index } of this.pins) {
      const { base } = this.tracked.group(group);
      const floor = this.tracked.model(group).floor;
      assert.ok(base.index <= Math.max(index, floor), `group ${group} begins behind ${base.index}, pinned at ${index}`);
    }
  }

  async end(): Promise<void> {
    if (!this.world.disk.isOff) await this.race(this.tracked.log.close());
    this.collect();
  }

  private append(id: number, count: number): void {
    const { random, tracked } = this;
    for (let n = 0; n < count; n++) {
      const model = tracked.model(id);
      const entryTerm = Math.max(1, termAt(model, lastOf(model)) + (random.chance(1, 10) ? 1 : 0));
      const payloadBytes = random.chance(1, 30) ? random.between(1000, 5000) : random.between(0, 150);
      const text = `${++this.textNumber} ${"x".repeat(payloadBytes)}`;
      tracked.append(id, text, { term: entryTerm, asRecord: random.chance(1, 3) });
    }
  }

  private conflict(id: number): void {
    const { tracked } = this;
    const model = tracked.model(id);
    const least = Math.max(model.commit, model.floor, tracked.flushedOf(id)) + 1;
    if (least > lastOf(model)) return;
    this.counts.truncations++;
    const nextTerm = termAt(model, lastOf(model)) + 1;
    tracked.truncateFrom(id, this.random.between(least, lastOf(model)));
    tracked.append(id, `${++this.textNumber} after a conflict`, { term: nextTerm });
  }

  private hardState(id: number): void {
    const model = this.tracked.model(id);
    const term = model.term + this.random.below(3);
    const isBound = term === model.term && model.vote !== 0;
    this.tracked.setHardState(id, term, isBound ? model.vote : this.random.below(4));
  }

  /** Commits and flushes entries that are on the disk. */
  private flush(id: number): void {
    const { tracked, random } = this;
    const durable = tracked.moments.findLast((moment) => moment.batch <= tracked.log.durable)?.state.get(id);
    const model = tracked.model(id);
    if (durable === undefined || durable.floor !== model.floor) return;
    let most = Math.min(lastOf(durable), lastOf(model));
    while (most > model.floor && termAt(durable, most) !== termAt(model, most)) most--;
    const least = Math.max(model.commit, model.floor);
    if (most < least) return;
    const commit = random.between(least, most);
    tracked.noteCommit(id, commit);
    if (commit > tracked.flushedOf(id)) tracked.flush(id, random.between(tracked.flushedOf(id), commit));
  }

  private pin(id: number): void {
    const held = this.pins.at(-1);
    if (held !== undefined && this.random.chance(2, 3)) {
      this.pins.pop();
      held.pin.release();
      return;
    }
    const group = this.tracked.group(id);
    const index = this.random.between(group.base.index, group.lastIndex);
    this.pins.push({ group: id, index, pin: group.pin(logIndex(index)) });
  }

  private installSnapshot(id: number): void {
    // A snapshot is installed only by one who lacks what it covers, so nothing of it is pinned.
    if (this.pins.some((it) => it.group === id)) return;
    const { tracked, random } = this;
    const model = tracked.model(id);
    const index = random.between(Math.max(1, model.commit, tracked.group(id).base.index), lastOf(model) + 5);
    const agrees = index <= lastOf(model) && random.chance(1, 2);
    tracked.installSnapshot(id, { index, term: agrees ? termAt(model, index) : termAt(model, lastOf(model)) + 1 });
  }

  private salvage(id: number): void {
    if (this.tracked.model(id).salvage.length > 0 && this.random.chance(1, 2)) this.tracked.dropOldestSalvage(id);
    else this.tracked.keepSalvage(id, ++this.textNumber);
  }

  private async remove(id: number): Promise<void> {
    for (const held of this.pins.filter((it) => it.group === id)) held.pin.release();
    this.pins = this.pins.filter((it) => it.group !== id);
    const batch = this.tracked.removeGroup(id);
    // A group of this number comes again only when the removal is durable.
    await this.race(this.tracked.log.whenDurable(batch));
  }

  private async crash(choice: number): Promise<void> {
    const { random, world } = this;
    const { log } = this.tracked;
    if (choice === 95) {
      await this.race(log.close());
      if (world.disk.isOff) return;
      this.counts.cleanStops++;
      await this.reopen(world.disk.clone(randomSurvival({ random })), log.staged);
    } else if (choice === 96) {
      this.counts.kills++;
      const { written } = log;
      await this.reopen(world.disk.cloneAfterKill(), written);
    } else {
      world.disk.cutPowerAt(world.disk.operations + random.between(1, 12));
    }
  }

  private async afterCut(): Promise<void> {
    this.counts.cuts++;
    const { durable } = this.tracked.log;
    await this.reopen(this.world.disk.clone(randomSurvival({ random: this.random })), durable);
  }

  private async reopen(disk: MemoryDisk, least: number): Promise<void> {
    this.collect();
    this.pins = [];
    this.world = newWorld(disk);
    this.tracked = await this.tracked.resume(await open(this.world, this.options), least);
  }

  private collect(): void {
    const { counters } = this.tracked.log;
    this.counts.segmentsPurged += counters.segmentsPurged;
    this.counts.carried += counters.carriedEntries;
  }

  /** Waits for the log, or for the end of the power: the cut may be what it is waiting for. */
  private async race(promise: Promise<unknown>): Promise<void> {
    // Under an interval nothing becomes durable while time stands still.
    const nudge = setInterval(() => this.world.time.advance(5), 1);
    try {
      await Promise.race([promise, this.world.disk.whenCut]);
    } finally {
      clearInterval(nudge);
    }
  }
}

/** Now and then a call stays in flight for some microtasks, so that others overtake it. */
function delayOf(random: Prng): () => Promise<void> | undefined {
  return () => {
    if (!random.chance(1, 6)) return undefined;
    let left = random.between(1, 20);
    const wait = async (): Promise<void> => {
      while (left-- > 0) await Promise.resolve();
    };
    return wait();
  };
}
