// Tables, picker and jobs without an engine around them, beside a plain list of all that was ever written. A
// random life writes, flushes, picks and merges, takes snapshots, raises horizons, lets groups die, and does all that
// while a merge is half done. Whoever reads at a snapshot or now has to find what the list says:
//
//   newest write at or below it      must be found
//   a record                         that record
//   a record or tombstone that could be collected when the reader began     that, or nothing; never what is older

import assert from "node:assert/strict";
import { compareBytes, hex } from "../../internal/base/bytes.ts";
import { fileNumber, incarnation, sequence } from "../../internal/base/ids.ts";
import type { FileNumber, Incarnation, Sequence } from "../../internal/base/ids.ts";
import type { Prng } from "../../internal/base/prng.ts";
import { stamp } from "../../internal/base/stamp.ts";
import type { JobSteps } from "../../internal/platform/background.ts";
import type { GarbageHorizon } from "../../internal/engine/garbage.ts";
import { compactionJob } from "../../internal/engine/compaction/compaction-job.ts";
import type { CompactionOutput } from "../../internal/engine/compaction/compaction-job.ts";
import { flushJob } from "../../internal/engine/compaction/flush-job.ts";
import { planMerge } from "../../internal/engine/compaction/merge-plan.ts";
import { levelScores, pickCompaction, pickRange } from "../../internal/engine/compaction/picker.ts";
import type { Circumstances, CompactionChoice } from "../../internal/engine/compaction/picker.ts";
import { tablePath } from "../../internal/engine/file-names.ts";
import { MemtableArena } from "../../internal/engine/memtable/arena.ts";
import { Memtable } from "../../internal/engine/memtable/memtable.ts";
import type { TableMeta } from "../../internal/engine/table-meta.ts";
import { changeVersion, deepestLevel, emptyVersion, faultOf } from "../../internal/engine/version/version.ts";
import type { PlacedTable, Version } from "../../internal/engine/version/version.ts";
import type { MemoryDisk } from "../disk/memory-disk.ts";
import type { Entry } from "./array-cursor.ts";
import { makeCell, scanTable, tableFolder, viewOf } from "./table-fixture.ts";
import { keyOf } from "./version-fixture.ts";

interface Write {
  readonly of: Incarnation;
  readonly name: string;
  readonly entry: Entry;
  readonly tombstone: boolean;
  readonly expiry: number | undefined;
}

interface Reader {
  readonly sequence: Sequence;
  /** As they were when the reader began. */
  readonly horizons: ReadonlyMap<Incarnation, GarbageHorizon>;
}

interface RunningMerge {
  readonly choice: CompactionChoice & { kind: "merge" };
  readonly steps: JobSteps<CompactionOutput>;
  readonly numbers: { readonly first: FileNumber; readonly count: number };
}

export type Count = "merge" | "move" | "drop" | "hidden" | "tombstones" | "expired" | "dead" | "interleaved" | "cut";

const table = { blockBytes: 512, bloomBitsPerKey: 10 };
const options = { levelZeroTrigger: 3, levelZeroStop: 9, levelBaseBytes: 3000, levelFactor: 3 };
const tableBytes = 900;
const namesMax = 24;

export class CompactionWorld {
  version: Version = emptyVersion;
  readonly counts = new Map<Count, number>();
  readonly snapshots: Reader[] = [];
  private readonly disk: MemoryDisk;
  private readonly random: Prng;
  private readonly writes: Write[] = [];
  private unflushed: Write[] = [];
  private readonly contents = new Map<FileNumber, readonly Entry[]>();
  private readonly horizons = new Map<Incarnation, GarbageHorizon>();
  private readonly dead = new Map<Incarnation, FileNumber>();
  private living = [1, 2, 3].map(incarnation);
  private bornLast = 3;
  private nextNumber = 1;
  private lastSequence = 0;
  private running: RunningMerge | undefined;

  /** The disk has the folder of tables. */
  constructor(disk: MemoryDisk, random: Prng) {
    this.disk = disk;
    this.random = random;
  }

  get circumstances(): Circumstances {
    const snapshots = [...new Set(this.snapshots.map((reader) => reader.sequence))].toSorted((a, b) => a - b);
    return { options, living: this.living, horizons: new Map(this.horizons), dead: new Map(this.dead), snapshots };
  }

  /** How many keys lie in tables, in whatever versions. */
  get keysStored(): number {
    const entries = this.version.levels.flat().flatMap((meta) => this.entriesOf(meta));
    return new Set(entries.map(({ key }) => hex(key))).size;
  }

  /** How many keys a reader of the present may find. */
  get recordsAlive(): number {
    const now = this.present;
    const newest = [...this.keys()].map((key) => this.newestOf(key, now.sequence));
    return newest.filter((write) => write !== undefined && !mayBeGone(write, now)).length;
  }

  /** Puts and deletes; `passing`: all that comes ends soon. */
  write(count: number, passing = false): void {
    const { random } = this;
    for (let done = 0; done < count; done++) {
      const at = ++this.lastSequence;
      const of = random.pick(this.living);
      const name = `key-${String(random.below(namesMax)).padStart(3, "0")}`.slice(0, 4 + random.below(4));
      const tombstone = random.chance(1, 4);
      const expiry = !tombstone && (passing || random.chance(1, 3)) ? at + random.below(passing ? 9 : 80) : undefined;
      const payload = new Uint8Array(tombstone ? 0 : random.below(random.chance(1, 12) ? 400 : 40)).fill(at);
      const cell = makeCell({ tombstone, stamp: at, payload, index: at, ...(expiry === undefined ? {} : { expiry }) });
      const write = { of, name, tombstone, expiry, entry: { key: keyOf(of, name), sequence: at, cell } };
      this.writes.push(write);
      this.unflushed.push(write);
    }
  }

  /** A table that can be dropped whole one day, if it hides nothing. */
  writePassingTable(count: number): void {
    this.flush();
    this.write(count, true);
    this.flush();
  }

  flush(): void {
    if (this.unflushed.length === 0) return;
    const memtable = new Memtable(new MemtableArena(64 * 1024));
    for (const { entry } of this.unflushed) memtable.add(viewOf(entry));
    const number = this.reserve(1);
    const { snapshots, dead } = this.circumstances;
    const path = tablePath(tableFolder, number);
    const input = { path, number, memtable: memtable.sealed(), snapshots, dead: [...dead.keys()], table };
    const meta = finish(flushJob.run(input, this.disk.jobs));
    this.unflushed = [];
    if (meta !== undefined) this.install([], [{ level: 0, meta }]);
  }

  /** Lets garbage of living groups be collected up to some write so far; `all`: of all of them, and up to now. */
  raiseHorizon(all = this.random.chance(1, 3)): void {
    for (const of of this.living) {
      if (!all && this.random.chance(1, 3)) continue;
      const before = this.horizons.get(of);
      const draw = (): number => (all ? this.lastSequence : this.random.between(0, this.lastSequence));
      const watermark = stamp(Math.max(before?.watermark ?? 0, draw()));
      const expiryHorizon = stamp(Math.max(before?.expiryHorizon ?? 0, draw() + (all ? 100 : 0)));
      this.horizons.set(of, { incarnation: of, watermark, expiryHorizon });
    }
  }

  /** One group gives way to another; now and then only the new one has entries at once. */
  replaceGroup(): void {
    const at = this.random.below(this.living.length);
    const gone = this.living[at] as Incarnation;
    this.dead.set(gone, fileNumber(this.nextNumber));
    this.horizons.delete(gone);
    this.living = [...this.living.filter((of) => of !== gone), incarnation(++this.bornLast)];
  }

  takeSnapshot(): void {
    this.snapshots.push(this.present);
  }

  releaseSnapshot(): void {
    if (this.snapshots.length > 0) this.snapshots.splice(this.random.below(this.snapshots.length), 1);
  }

  /** Picks and carries out; false when there was nothing to do. A merge may be left half done. */
  compact(wholly = true): boolean {
    if (this.running !== undefined) return this.goOn(wholly);
    return this.carryOut(pickCompaction(this.version, this.circumstances), wholly);
  }

  /** Everything into the deepest level, as a manual compaction does it. */
  compactAll(): void {
    while (this.running !== undefined) this.goOn(true);
    const range = { smallest: keyOf(0, ""), largest: keyOf(1000, "") };
    for (let level = 0; level <= deepestLevel; level++) {
      let steps = 0;
      while (this.carryOut(pickRange(this.version, { level, range }, this.circumstances), true)) {
        assert.ok(++steps < 1000, `level ${level} is never done`);
      }
    }
  }

  /** Picks until nothing is wanted any more, which must come to pass. */
  settle(): void {
    const most = 300 + 20 * this.version.levels.flat().length;
    for (let steps = 0; this.compact(); steps++) assert.ok(steps < most, `${steps} choices, and always one more`);
    assert.ok(levelScores(this.version, options).every((score) => score < 1));
  }

  check(): void {
    assert.equal(faultOf(this.version), undefined);
    for (const reader of [...this.snapshots, this.present]) {
      for (const key of this.keys()) this.checkKey(key, reader);
    }
  }

  private get present(): Reader {
    return { sequence: sequence(this.lastSequence), horizons: new Map(this.horizons) };
  }

  /** Every key of a living group that was ever written. */
  private keys(): Set<string> {
    const alive = this.writes.filter((write) => this.living.includes(write.of));
    return new Set(alive.map((write) => `${write.of}/${write.name}`));
  }

  private newestOf(key: string, at: Sequence): Write | undefined {
    return this.writes.findLast((write) => `${write.of}/${write.name}` === key && write.entry.sequence <= at);
  }

  private checkKey(key: string, reader: Reader): void {
    const expected = this.newestOf(key, reader.sequence);
    if (expected === undefined) return;
    const found = this.find(expected.entry.key, reader.sequence);
    const where = `${key} at ${reader.sequence}`;
    if (found === undefined) assert.ok(mayBeGone(expected, reader), `${where} is gone`);
    else assert.deepEqual(found, expected.entry, where);
  }

  private find(key: Uint8Array, at: Sequence): Entry | undefined {
    let newest: Entry | undefined;
    const look = (entry: Entry): void => {
      if (entry.sequence > at || compareBytes(entry.key, key) !== 0) return;
      if (newest === undefined || entry.sequence > newest.sequence) newest = entry;
    };
    for (const { entry } of this.unflushed) look(entry);
    for (const meta of this.version.levels.flat()) for (const entry of this.entriesOf(meta)) look(entry);
    return newest;
  }

  private entriesOf(meta: TableMeta): readonly Entry[] {
    const known = this.contents.get(meta.number);
    if (known !== undefined) return known;
    const entries = scanTable(this.disk, meta);
    assert.equal(entries.length, meta.entries);
    this.contents.set(meta.number, entries);
    return entries;
  }

  private carryOut(choice: CompactionChoice | undefined, wholly: boolean): boolean {
    switch (choice?.kind) {
      case undefined:
        return false;
      case "drop":
        this.install(choice.tables, []);
        break;
      case "move":
        this.install([choice.table], [{ level: choice.to, meta: choice.table.meta }]);
        break;
      case "merge": {
        const plan = planMerge(this.version, choice, this.circumstances, { table, tableBytes });
        const numbers = { first: this.reserve(plan.outputsMax), count: plan.outputsMax };
        const input = structuredClone({ ...plan.input, folder: tableFolder, numbers });
        this.running = { choice, numbers, steps: compactionJob.run(input, this.disk.jobs) };
        this.goOn(wholly);
        break;
      }
    }
    this.count(choice.kind);
    return true;
  }

  private goOn(wholly: boolean): true {
    const { running } = this;
    if (running === undefined) return true;
    // The first step of a job reads nothing before it is asked for.
    const result = wholly ? { done: true as const, value: finish(running.steps) } : running.steps.next();
    if (result.done !== true) {
      this.count("interleaved");
      return true;
    }
    this.running = undefined;
    const { tables, dropped } = result.value;
    this.checkOutputs(running, tables);
    this.install(
      running.choice.inputs,
      tables.map((meta) => ({ level: running.choice.to, meta })),
    );
    for (const name of ["hidden", "tombstones", "expired", "dead"] as const) this.count(name, dropped[name]);
    return true;
  }

  private checkOutputs({ numbers, choice }: RunningMerge, tables: readonly TableMeta[]): void {
    for (const { number } of tables) assert.ok(number >= numbers.first && number < numbers.first + numbers.count);
    if (tables.length > 1) this.count("cut", tables.length - 1);
    // A drop in the number of entries is what the counts explain; nothing comes from nowhere.
    const before = choice.inputs.reduce((sum, { meta }) => sum + meta.entries, 0);
    assert.ok(tables.reduce((sum, meta) => sum + meta.entries, 0) <= before);
  }

  private install(removed: readonly PlacedTable[], added: readonly PlacedTable[]): void {
    const gone = removed.map(({ level, meta }) => ({ level, number: meta.number }));
    this.version = changeVersion(this.version, gone, added);
    assert.equal(faultOf(this.version), undefined);
  }

  private reserve(count: number): FileNumber {
    const first = this.nextNumber;
    this.nextNumber += count;
    return fileNumber(first);
  }

  private count(name: Count, by = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + by);
  }
}

function mayBeGone({ of, entry, tombstone, expiry }: Write, { horizons }: Reader): boolean {
  const horizon = horizons.get(of);
  if (horizon === undefined || entry.sequence > horizon.watermark) return false;
  return tombstone || (expiry !== undefined && expiry <= horizon.expiryHorizon);
}

function finish<Output>(steps: JobSteps<Output>): Output {
  for (;;) {
    const result = steps.next();
    if (result.done === true) return result.value;
  }
}
