// A random life of a log: everything a caller may do, with crashes, held against the model at each step.
// The seed decides all of it, the small limits too.

import assert from "node:assert/strict";
import { utf8 } from "../../internal/base/bytes.ts";
import { groupId, logIndex, term } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { stamp } from "../../internal/base/stamp.ts";
import type { BatchNumber } from "../../internal/log/batch-stager.ts";
import type { GroupLog, Pin } from "../../internal/log/group-log.ts";
import type { Log } from "../../internal/log/log.ts";
import type { LogOptions } from "../../internal/log/options.ts";
import { entryRecord } from "../../internal/log/record.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { randomSurvival } from "../disk/power-cut.ts";
import { newWorld, open, rest } from "./harness.ts";
import type { World } from "./harness.ts";
import { difference, emptyGroup, lastOf, observe, possibleMoments, termAt } from "./model.ts";
import type { ModelGroup, Moment } from "./model.ts";

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
  private log: Log;
  private moments: Moment[] = [];
  /** What the engine has, durably. */
  private readonly flushed = new Map<number, number>();
  /** The newest snapshot that the engine was switched to. */
  private readonly installed = new Map<number, { readonly index: number; readonly term: number }>();
  private pins: { readonly group: number; readonly index: number; readonly pin: Pin }[] = [];
  private textNumber = 0;

  private constructor(random: Prng, options: Partial<LogOptions>, world: World, log: Log) {
    this.random = random;
    this.options = options;
    this.world = world;
    this.log = log;
    this.moments = [{ batch: 0 as BatchNumber, state: new Map() }];
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
    return new RandomRun(random, options, world, await open(world, options));
  }

  async step(): Promise<void> {
    this.counts.steps++;
    const { random } = this;
    if (!this.log.hasRoom) await this.race(this.log.whenRoom());
    if (this.world.disk.isOff) return this.afterCut();
    const id = random.between(1, groupCount);
    const choice = random.below(100);
    if (choice < 45) this.append(id, random.between(1, 6));
    else if (choice < 52) this.conflict(id);
    else if (choice < 58) this.hardState(id);
    else if (choice < 64) this.flush(id);
    else if (choice < 69) this.compact(id);
    else if (choice < 72) this.pin(id);
    else if (choice < 74) this.installSnapshot(id);
    else if (choice < 76) this.salvage(id);
    else if (choice < 77) await this.remove(id);
    else if (choice < 86) await this.race(this.log.whenWritten(this.log.staged));
    else if (choice < 90) await this.check();
    else if (choice < 93) this.world.time.advance(random.between(1, 20));
    else if (choice < 95) await rest(2);
    else await this.crash(choice);
    if (this.world.disk.isOff) await this.afterCut();
  }

  /** Holds the living log against the model. */
  async check(): Promise<void> {
    const { state } = this.latest();
    const seen = await this.race(observe(this.log));
    if (seen === undefined) return;
    assert.equal(difference(seen, state), undefined);
    this.log.checkInvariants();
    for (const [id, group] of seen) {
      const kept = Math.min(
        this.flushed.get(id) ?? 0,
        ...this.pins.filter((it) => it.group === id).map((it) => it.index),
      );
      const floor = state.get(id)?.floor ?? 0;
      assert.ok(group.floor <= Math.max(kept, floor), `group ${id} begins behind ${group.floor}, ${kept} is kept`);
    }
  }

  async end(): Promise<void> {
    if (!this.world.disk.isOff) await this.race(this.log.close());
    this.collect();
  }

  private append(id: number, count: number): void {
    const { random } = this;
    for (let n = 0; n < count; n++) {
      const model = this.model(id);
      const index = lastOf(model) + 1;
      const entryTerm = Math.max(1, termAt(model, lastOf(model)) + (random.chance(1, 10) ? 1 : 0));
      const payloadBytes = random.chance(1, 30) ? random.between(1000, 5000) : random.between(0, 150);
      const text = `${++this.textNumber} ${"x".repeat(payloadBytes)}`;
      const fields = { term: term(entryTerm), index: logIndex(index), stamp: stamp(index), flags: 0, kind: 1 };
      const group = this.group(id);
      if (random.chance(1, 3)) {
        const record = entryRecord({ ...fields, group: groupId(id) }, utf8(text));
        this.note(group.appendRecord(record, 0, record.length), id, (before) => withEntry(before, entryTerm, text));
      } else {
        this.note(group.append(fields, utf8(text)), id, (before) => withEntry(before, entryTerm, text));
      }
    }
  }

  private conflict(id: number): void {
    const model = this.model(id);
    const least = Math.max(model.commit, model.floor, this.flushed.get(id) ?? 0) + 1;
    if (least > lastOf(model)) return;
    const from = this.random.between(least, lastOf(model));
    this.counts.truncations++;
    const nextTerm = termAt(model, lastOf(model)) + 1;
    this.note(this.group(id).truncateFrom(logIndex(from)), id, (before) => withoutFrom(before, from));
    const text = `${++this.textNumber} after a conflict`;
    const fields = { term: term(nextTerm), index: logIndex(from), stamp: stamp(from), flags: 1, kind: 2 };
    this.note(this.group(id).append(fields, utf8(text)), id, (before) => withEntry(before, nextTerm, text));
  }

  private hardState(id: number): void {
    const model = this.model(id);
    const next = {
      term: term(model.term + this.random.below(3)),
      vote: this.random.below(4),
      commit: logIndex(model.commit),
    };
    const batch = this.group(id).setHardState(next);
    this.note(batch, id, (before) => ({ ...before, term: next.term, vote: next.vote }));
  }

  /** Commits and flushes entries that are on the disk. */
  private flush(id: number): void {
    const durable = this.moments.findLast((moment) => moment.batch <= this.log.durable)?.state.get(id);
    const model = this.model(id);
    if (durable === undefined || durable.floor !== model.floor) return;
    let most = Math.min(lastOf(durable), lastOf(model));
    while (most > model.floor && termAt(durable, most) !== termAt(model, most)) most--;
    const least = Math.max(model.commit, model.floor);
    if (most < least) return;
    const commit = this.random.between(least, most);
    this.group(id).noteCommit(logIndex(commit));
    this.amend(id, (before) => ({ ...before, commit }));
    const flushed = Math.max(this.flushed.get(id) ?? 0, this.random.between(0, commit));
    this.flushed.set(id, flushed);
    this.group(id).flushed(logIndex(flushed));
  }

  private compact(id: number): void {
    this.group(id).compact(logIndex(this.random.between(0, this.model(id).commit)));
  }

  private pin(id: number): void {
    const held = this.pins.pop();
    if (held !== undefined && this.random.chance(2, 3)) {
      held.pin.release();
      return;
    }
    if (held !== undefined) this.pins.push(held);
    const group = this.group(id);
    const index = this.random.between(group.base.index, group.lastIndex);
    this.pins.push({ group: id, index, pin: group.pin(logIndex(index)) });
  }

  private installSnapshot(id: number): void {
    const model = this.model(id);
    // A snapshot is installed only by one who lacks what it covers, so nothing of it is pinned.
    if (this.pins.some((it) => it.group === id)) return;
    const index = this.random.between(Math.max(model.commit, this.group(id).base.index), lastOf(model) + 5);
    const agrees = index <= lastOf(model) && this.random.chance(1, 2);
    const snapshotTerm = agrees ? termAt(model, index) : termAt(model, lastOf(model)) + 1;
    this.installed.set(id, { index, term: snapshotTerm });
    this.flushed.set(id, index);
    this.stageSnapshot(id, index, snapshotTerm);
  }

  private stageSnapshot(id: number, index: number, snapshotTerm: number): void {
    const batch = this.group(id).installSnapshot(logIndex(index), term(snapshotTerm));
    this.note(batch, id, (before) => withSnapshot(before, index, snapshotTerm));
  }

  private salvage(id: number): void {
    const model = this.model(id);
    const [kept] = model.salvage;
    if (kept !== undefined && this.random.chance(1, 2)) {
      const [keptTerm, keptIndex] = kept.split(".").map(Number);
      const batch = this.group(id).dropSalvage(term(keptTerm ?? 0), logIndex(keptIndex ?? 0));
      this.note(batch, id, (before) => ({ ...before, salvage: before.salvage.slice(1) }));
      return;
    }
    const index = ++this.textNumber;
    const fields = { group: groupId(id), term: term(1), index: logIndex(index), stamp: stamp(1), flags: 1, kind: 0 };
    const batch = this.group(id).keepSalvage(entryRecord(fields, utf8("kept")));
    this.note(batch, id, (before) => ({ ...before, salvage: [...before.salvage, `1.${index}`] }));
  }

  private async remove(id: number): Promise<void> {
    for (const held of this.pins.filter((it) => it.group === id)) held.pin.release();
    this.pins = this.pins.filter((it) => it.group !== id);
    const batch = this.log.removeGroup(groupId(id));
    this.flushed.delete(id);
    this.installed.delete(id);
    const state = new Map(this.latest().state);
    state.delete(id);
    this.moments.push({ batch, state });
    // A group of this number comes again only when the removal is durable.
    await this.race(this.log.whenDurable(batch));
  }

  private async crash(choice: number): Promise<void> {
    const { random, world } = this;
    if (choice === 95) {
      this.counts.cleanStops++;
      await this.race(this.log.close());
      if (world.disk.isOff) return;
      await this.reopen(world.disk.clone(randomSurvival({ random })), this.log.staged);
    } else if (choice === 96) {
      this.counts.kills++;
      const { written } = this.log;
      await this.reopen(world.disk.cloneAfterKill(), written);
    } else {
      world.disk.cutPowerAt(world.disk.operations + random.between(1, 12));
    }
  }

  private async afterCut(): Promise<void> {
    this.counts.cuts++;
    const { durable } = this.log;
    await this.reopen(this.world.disk.clone(randomSurvival({ random: this.random })), durable);
  }

  /** Opens what a crash left, and finds the moment to which it leads back. */
  private async reopen(disk: MemoryDisk, least: number): Promise<void> {
    this.collect();
    this.world = newWorld(disk);
    this.pins = [];
    const possible = possibleMoments(this.moments, least);
    this.log = await open(this.world, this.options);
    const seen = await observe(this.log);
    const found = possible.findLast((moment) => difference(seen, moment.state) === undefined);
    if (found === undefined) {
      const reasons = possible.map((moment) => `batch ${moment.batch}: ${difference(seen, moment.state) ?? ""}`);
      assert.fail(`recovered to no possible state, durable was ${least}: ${reasons.join("; ")}`);
    }
    const state = new Map([...found.state].map(([id, group]) => [id, { ...group, commit: seen.get(id)?.commit ?? 0 }]));
    this.moments = [{ batch: 0 as BatchNumber, state }];
    for (const [id, group] of seen) if (!this.flushed.has(id)) this.flushed.set(id, group.floor);
    for (const [id, flushed] of this.flushed) {
      const base = seen.get(id)?.floor ?? 0;
      assert.ok(base <= flushed, `group ${id}: entries up to ${base} are gone, and only ${flushed} were flushed`);
      // The engine is switched to a snapshot before the log hears of it: that is made up for here.
      const snapshot = this.installed.get(id);
      if (snapshot !== undefined && snapshot.index > base) {
        const known = this.group(id).termOf(logIndex(snapshot.index));
        if (known !== snapshot.term) this.stageSnapshot(id, snapshot.index, snapshot.term);
      }
      this.group(id).flushed(logIndex(flushed));
      this.amend(id, (before) => ({ ...before, commit: Math.max(before.commit, flushed) }));
    }
  }

  private collect(): void {
    this.counts.segmentsPurged += this.log.counters.segmentsPurged;
    this.counts.carried += this.log.counters.carriedEntries;
  }

  private group(id: number): GroupLog {
    return this.log.group(groupId(id));
  }

  private model(id: number): ModelGroup {
    return this.latest().state.get(id) ?? emptyGroup;
  }

  private latest(): Moment {
    return this.moments.at(-1) as Moment;
  }

  private note(batch: BatchNumber, id: number, change: (before: ModelGroup) => ModelGroup): void {
    const state = new Map(this.latest().state);
    state.set(id, change(this.model(id)));
    this.moments.push({ batch, state });
  }

  /** A change that is not staged on its own. */
  private amend(id: number, change: (before: ModelGroup) => ModelGroup): void {
    const { batch, state } = this.moments.pop() as Moment;
    this.moments.push({ batch, state: new Map([...state, [id, change(state.get(id) ?? emptyGroup)]]) });
  }

  /** Waits for the log, or for the end of the power: the cut may be what it is waiting for. */
  private async race<T>(promise: Promise<T>): Promise<T | undefined> {
    // Under an interval nothing becomes durable while time stands still.
    const nudge = setInterval(() => this.world.time.advance(5), 1);
    try {
      return (await Promise.race([promise, this.world.disk.whenCut])) as T | undefined;
    } finally {
      clearInterval(nudge);
    }
  }
}

function withEntry(group: ModelGroup, entryTerm: number, text: string): ModelGroup {
  const line = `${entryTerm}.${lastOf(group) + 1} ${text}`;
  return { ...group, entries: [...group.entries, line], terms: [...group.terms, entryTerm] };
}

function withoutFrom(group: ModelGroup, index: number): ModelGroup {
  const count = index - group.floor - 1;
  return { ...group, entries: group.entries.slice(0, count), terms: group.terms.slice(0, count) };
}

function withSnapshot(group: ModelGroup, index: number, snapshotTerm: number): ModelGroup {
  const keeps = index <= lastOf(group) && termAt(group, index) === snapshotTerm;
  const count = index - group.floor;
  return {
    ...group,
    commit: Math.max(group.commit, index),
    floor: index,
    floorTerm: snapshotTerm,
    entries: keeps ? group.entries.slice(count) : [],
    terms: keeps ? group.terms.slice(count) : [],
  };
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
