// The power goes after every single disk operation of an engine's scripted life. Whatever the cut leaves
// opens; each group's data is exactly the state after the log entry that the engine names; the log, replayed
// from there, leads to the end; and no file is left over.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { groupId } from "../../internal/base/ids.ts";
import type { GroupId, Incarnation } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { stamp } from "../../internal/base/stamp.ts";
import type { EngineOptions } from "../../internal/engine/options.ts";
import { cutEverywhere } from "../disk/cut-everywhere.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { fixedSurvivals, randomSurvival } from "../disk/power-cut.ts";
import { seededDelay } from "../disk/seeded-delay.ts";
import { checkFolder, engineFolder, EngineLife } from "./engine-life.ts";
import type { IncarnationLog } from "./engine-life.ts";
import { ManualTime, seamsOn, tinyOptions } from "./engine-rig.ts";

const options: Partial<EngineOptions> = {
  ...tinyOptions,
  tableBytes: 4096,
  levelBaseBytes: 16 * 1024,
  manifestBytesMax: 1024,
};
const copyFolder = "/data/copy";
const first = groupId(1);
const second = groupId(2);
/** Nothing in the script expires later. */
const endOfTime = 1000;

/** What an engine that was cut off now must show. */
interface Known {
  /** Of each group the incarnations that it may lie under: the last that was acknowledged, and any begun since. */
  readonly places: ReadonlyMap<GroupId, readonly (Incarnation | undefined)[]>;
  /** Log indexes that the engine said are in tables. */
  readonly flushed: ReadonlyMap<Incarnation, number>;
  /** Where each log ends. */
  readonly ends: ReadonlyMap<Incarnation, number>;
  readonly copy: "not begun" | "begun" | "done";
  readonly copied: ReadonlyMap<Incarnation, number>;
}

class Script {
  readonly disk: MemoryDisk;
  readonly logs = new Map<Incarnation, IncarnationLog>();
  private readonly random: Prng;
  private readonly places = new Map<GroupId, (Incarnation | undefined)[]>();
  private readonly flushed = new Map<Incarnation, number>();
  private copy: Known["copy"] = "not begun";
  private copied: ReadonlyMap<Incarnation, number> = new Map();

  constructor(seed: number) {
    this.random = new Prng(seed);
    this.disk = new MemoryDisk({ delay: seededDelay(this.random.split("delay"), 3) });
  }

  known(): Known {
    return {
      places: new Map([...this.places].map(([group, list]) => [group, [...list]])),
      flushed: new Map(this.flushed),
      ends: new Map([...this.logs].map(([of, log]) => [of, log.lastIndex])),
      copy: this.copy,
      copied: this.copied,
    };
  }

  async run(): Promise<void> {
    await this.disk.makeFolder(engineFolder);
    this.disk.syncEverything();
    let life = await this.open();
    const a = await this.moves(first, 1, () => life.create(first));
    const b = await this.moves(second, 2, () => life.create(second));
    await life.fill(a, 20, 300);
    await life.fill(b, 10, 300);
    await life.engine.flush();
    const snapshot = life.engine.snapshot();
    await this.mixed(life, a);
    await Promise.all([life.engine.flush(), life.fill(b, 5, 300)]);
    await life.engine.flush();
    await life.engine.settle();
    snapshot.release();
    await this.collect(life, a);
    await this.checkpoint(life);
    const c = await this.moves(first, 3, () => life.install(first, { tables: 2, perTable: 15, index: 70 }));
    await life.fill(c, 15, 300);
    await life.engine.flush();
    await this.moves(second, undefined, () => life.engine.dropIncarnation(second));
    await life.engine.compactRange(c);
    await life.engine.settle();
    await life.fill(c, 5, 300);
    life = await life.reopen();
    this.listen(life);
    await life.fill(c, 5, 300);
    await life.engine.flush();
    await life.engine.close();
  }

  private async open(): Promise<EngineLife> {
    const seams = seamsOn(this.disk, new ManualTime(), this.random.split("jobs").next());
    const life = await EngineLife.open({ seams, engine: options }, this.logs);
    this.listen(life);
    return life;
  }

  private listen(life: EngineLife): void {
    life.engine.onFlushed((applied) => {
      for (const [of, index] of applied) this.flushed.set(of, index);
    });
  }

  /** A group's place changes: either holds until the change is acknowledged. */
  private async moves<T>(group: GroupId, next: number | undefined, change: () => Promise<T>): Promise<T> {
    const list = this.places.get(group) ?? [undefined];
    this.places.set(group, list);
    list.push(next as Incarnation | undefined);
    const result = await change();
    this.places.set(group, [next as Incarnation | undefined]);
    return result;
  }

  /** Deletes, and records that will have expired. */
  private async mixed(life: EngineLife, of: Incarnation): Promise<void> {
    for (let round = 0; round < 10; round++) {
      const { lastIndex } = life.log(of);
      await life.write(of, [
        { key: `key-${(round * 7919) % 97}` },
        { key: `brief-${round}`, text: "gone soon", expiry: lastIndex + 5 },
        { key: `key-${50 + round}`, text: `${lastIndex}`.padEnd(300, "=") },
      ]);
    }
  }

  /** Tombstones and expired records may be forgotten from here on. */
  private async collect(life: EngineLife, of: Incarnation): Promise<void> {
    const { lastIndex } = life.log(of);
    life.engine.raiseGarbageHorizon({
      incarnation: of,
      watermark: stamp(lastIndex),
      expiryHorizon: stamp(lastIndex),
    });
    await life.fill(of, 20, 300);
    await life.engine.flush();
    await life.engine.settle();
  }

  private async checkpoint(life: EngineLife): Promise<void> {
    this.copy = "begun";
    this.copied = new Map([...this.logs].map(([of, log]) => [of, log.lastIndex]));
    await life.engine.checkpoint(copyFolder);
    this.copy = "done";
  }
}

/** Opens what a cut left, twice, and holds it against what is known. */
async function check(disk: MemoryDisk, known: Known, logs: Map<Incarnation, IncarnationLog>): Promise<void> {
  const given = { seams: seamsOn(disk, new ManualTime(), 7), engine: options };
  const life = await EngineLife.open(given, new Map(logs));
  const { engine } = life;
  for (const [group, places] of known.places) {
    const of = engine.placeOf(group)?.incarnation;
    assert.ok(places.includes(of), `group ${group} lies under ${of}, and not under ${places.join(" or ")}`);
    if (of === undefined) continue;
    const applied = engine.appliedIndex(of);
    const end = known.ends.get(of) ?? 0;
    const least = known.flushed.get(of) ?? 0;
    assert.ok(least <= applied && applied <= end, `applied ${applied} of ${of}: flushed ${least}, log ends at ${end}`);
    await life.check(of, { index: applied, now: endOfTime });
  }
  await life.replay(known.ends);
  await engine.flush();
  await engine.settle();
  assert.deepEqual(engine.stats().tablesObsolete, 0);
  await engine.close();
  assert.equal(disk.openFileCount, 0, "every file was closed");
  await checkFolder(disk);
  const again = await EngineLife.open(given, life.logs);
  for (const group of again.engine.groups) {
    const of = again.engine.placeOf(group)?.incarnation as Incarnation;
    assert.equal(again.engine.appliedIndex(of), known.ends.get(of) ?? 0);
  }
  await checkEnds(again, known);
  await again.engine.close();
  await checkCopy(disk, known, life.logs);
}

async function checkEnds(life: EngineLife, known: Known): Promise<void> {
  for (const group of life.engine.groups) {
    const of = life.engine.placeOf(group)?.incarnation as Incarnation;
    await life.check(of, { index: known.ends.get(of) ?? 0, now: endOfTime });
  }
}

/** A checkpoint opens whole, or is refused; one of which no name is left is not there. */
async function checkCopy(disk: MemoryDisk, known: Known, logs: Map<Incarnation, IncarnationLog>): Promise<void> {
  const names = await disk.list(copyFolder).catch(() => []);
  if (known.copy === "not begun" || (known.copy === "begun" && names.length === 0)) {
    assert.deepEqual(names, []);
    return;
  }
  const given = { seams: seamsOn(disk, new ManualTime(), 7), engine: options, folder: copyFolder };
  let life: EngineLife;
  try {
    life = await EngineLife.open(given, logs);
  } catch (failure) {
    assert.equal(known.copy, "begun", `the checkpoint was acknowledged: ${String(failure)}`);
    assert.equal((failure as { code?: string }).code, "corruption");
    return;
  }
  assert.equal(life.engine.groups.length, 2);
  for (const group of life.engine.groups) {
    const of = life.engine.placeOf(group)?.incarnation as Incarnation;
    await life.check(of, { index: known.copied.get(of) ?? 0, now: endOfTime });
  }
  await life.engine.close();
  await checkFolder(disk, copyFolder);
}

/** Many cuts leave the same: each outcome is checked once. */
class Outcomes {
  private readonly seen = new Set<string>();

  async isNew(disk: MemoryDisk, known: Known): Promise<boolean> {
    const hash = createHash("sha1");
    const { places, flushed, ends, copy } = known;
    hash.update(JSON.stringify([[...places], [...flushed], [...ends], copy]));
    for (const folder of [engineFolder, copyFolder]) {
      for (const name of await disk.list(folder).catch(() => ["(none)"])) {
        hash.update(`${folder}/${name} `).update(disk.peek(`${folder}/${name}`) ?? "");
      }
    }
    const digest = hash.digest("hex");
    const isNew = !this.seen.has(digest);
    this.seen.add(digest);
    return isNew;
  }

  get count(): number {
    return this.seen.size;
  }
}

describe("engine: power cut", () => {
  it("after every disk operation leaves exactly what the engine says it holds", async () => {
    const script = new Script(1);
    const outcomes = new Outcomes();
    const { operations } = await cutEverywhere<Known>({
      disk: script.disk,
      random: new Prng(2),
      randomCuts: 1,
      script: () => script.run(),
      state: () => script.known(),
      check: async (left, { state }) => {
        if (await outcomes.isNew(left, state)) await check(left, state, script.logs);
      },
    });
    assert.ok(operations > 150 && outcomes.count > operations, `${operations} operations, ${outcomes.count} outcomes`);
  });

  it("and another one while the engine opens again does no harm", async () => {
    const random = new Prng(3);
    const script = new Script(3);
    const outcomes = new Outcomes();
    await cutEverywhere<Known>({
      disk: script.disk,
      random,
      randomCuts: 0,
      script: () => script.run(),
      state: () => script.known(),
      check: async (left, { state }) => {
        if (!random.chance(1, 60)) return;
        const twice: MemoryDisk[] = [];
        left.onOperation(() => {
          twice.push(left.clone(random.pick(fixedSurvivals).make()), left.clone(randomSurvival({ random })));
        });
        const life = await EngineLife.open({ seams: seamsOn(left, new ManualTime(), 7), engine: options }, script.logs);
        await life.engine.close();
        for (const disk of twice) if (await outcomes.isNew(disk, state)) await check(disk, state, script.logs);
      },
    });
    assert.ok(outcomes.count > 100, `${outcomes.count} outcomes`);
  });
});
