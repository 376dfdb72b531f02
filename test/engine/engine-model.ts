// An engine beside a plain sorted map, through writes, flushes, merges, garbage collection, snapshots and
// reopening. The test runs it a little; the hunt for planted bugs runs it long.

import assert from "node:assert/strict";
import * as fc from "fast-check";
import { hex, utf8 } from "../../internal/base/bytes.ts";
import { groupId, logIndex, term } from "../../internal/base/ids.ts";
import type { Incarnation } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import { neverExpires, stamp } from "../../internal/base/stamp.ts";
import type { Stamp } from "../../internal/base/stamp.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { ManualTime, seamsOn, tinyOptions } from "./engine-rig.ts";
import { Engine } from "../../internal/engine/engine.ts";
import type { EngineSnapshot } from "../../internal/engine/live-snapshots.ts";
import { WriteBatch } from "../../internal/engine/write-batch.ts";

const folder = "/data/engine";
const group = groupId(1);

interface Value {
  readonly version: number;
  readonly text: string;
  readonly expiry: Stamp;
}

type Model = Map<string, Value>;

/** An engine beside a plain map; every write is log entry and stamp number `at`. */
class Rig {
  readonly disk: MemoryDisk;
  readonly time = new ManualTime();
  readonly model: Model = new Map();
  readonly snapshots: { readonly snapshot: EngineSnapshot; readonly model: Model }[] = [];
  engine!: Engine;
  incarnation!: Incarnation;
  at = 0;
  /** Keys that were deleted last, and by which write. */
  readonly deleted = new Map<string, number>();
  /** How far garbage may have been collected. */
  horizon = 0;
  private readonly random: Prng;
  private readonly batch = new WriteBatch();

  constructor(seed: number) {
    this.random = new Prng(seed);
    this.disk = new MemoryDisk();
  }

  async open(): Promise<void> {
    this.engine = await Engine.open(seamsOn(this.disk, this.time, this.random.next()), folder, tinyOptions);
    this.incarnation = this.engine.placeOf(group)?.incarnation ?? (await this.engine.createIncarnation(group));
  }

  async write(count: number): Promise<void> {
    const { batch, random } = this;
    this.at++;
    batch.clear();
    const origin = { term: term(1), index: logIndex(this.at), stamp: stamp(this.at) };
    for (let done = 0; done < count; done++) {
      const key = keyNumber(random.below(200));
      if (random.chance(1, 4)) {
        batch.delete(this.incarnation, key, origin);
        this.model.delete(hex(key));
        this.deleted.set(hex(key), this.at);
        continue;
      }
      const text = `${this.at}.${done}`.padEnd(random.below(200), ".");
      const expiry = random.chance(1, 3) ? stamp(this.at + random.below(60)) : neverExpires;
      batch.put(this.incarnation, key, { ...origin, expiry }, utf8(text));
      this.model.set(hex(key), { version: this.at, text, expiry });
      this.deleted.delete(hex(key));
    }
    while (!this.engine.canWrite(batch)) await this.engine.whenWritable();
    this.engine.write(batch, { incarnation: this.incarnation, appliedIndex: logIndex(this.at) });
  }

  /** What is not garbage yet is there, although no reader is shown it: a late write must meet it. */
  async checkGarbage(): Promise<void> {
    for (let number = 0; number < 200; number++) {
      const key = keyNumber(number);
      const found = await this.engine.get(this.incarnation, key, { tombstones: true });
      const deletedAt = this.deleted.get(hex(key));
      if (deletedAt !== undefined && deletedAt > this.horizon) {
        assert.equal(found?.tombstone, true, `the tombstone of ${hex(key)} was collected before its time`);
        assert.equal(found.index, deletedAt);
      }
      const value = this.model.get(hex(key));
      const kept = value !== undefined && (value.version > this.horizon || value.expiry > this.horizon);
      if (kept) assert.equal(found?.index, value.version, `${hex(key)} was collected before its time`);
    }
  }

  async check(model: Model, snapshot?: EngineSnapshot): Promise<void> {
    const now = stamp(this.at);
    const live = [...model].filter(([, value]) => value.expiry === neverExpires || value.expiry > now);
    const expected = live.map(([key, value]) => `${key} ${value.version} ${value.text}`).toSorted();
    for (const backward of [false, true]) {
      const iterator = this.engine.iterate(this.incarnation, { snapshot, now, backward });
      const seen: string[] = [];
      while (await iterator.nextLoaded()) {
        const record = await this.engine.get(this.incarnation, iterator.key(), { snapshot, now });
        assert.ok(record !== undefined, "what a walk finds, a lookup finds");
        seen.push(`${hex(iterator.key())} ${record.index} ${new TextDecoder().decode(record.payload)}`);
      }
      iterator.close();
      if (backward) seen.reverse();
      assert.deepEqual(seen, expected, backward ? "backward" : "forward");
    }
    for (let number = 0; number < 20; number++) {
      const key = keyNumber(this.random.below(220));
      const found = await this.engine.get(this.incarnation, key, { snapshot, now });
      assert.equal(found?.index, live.find(([name]) => name === hex(key))?.[1].version, "a lookup");
    }
  }
}

function keyNumber(number: number): Uint8Array {
  return utf8(`k${String(number * 7919).padStart(number % 5)}`);
}

const step = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant("write" as const), count: fc.integer({ min: 0, max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("flush" as const, "settle" as const, "check" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom("snapshot" as const, "release" as const, "reopen" as const) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("horizon" as const, "compact" as const) }) },
);

/** Throws, with the seed, when an engine and the map disagree. */
export async function checkEngine(numRuns: number, seed: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), fc.nat(), async (steps, seed) => {
      const rig = new Rig(seed);
      await rig.open();
      for (const given of steps) {
        switch (given.do) {
          case "write":
            await rig.write("count" in given ? given.count : 0);
            break;
          case "flush":
            await rig.engine.flush();
            assert.equal(rig.engine.appliedIndex(rig.incarnation), rig.at);
            break;
          case "settle":
            await rig.engine.settle();
            break;
          case "compact":
            await rig.engine.compactRange(rig.incarnation);
            break;
          case "snapshot":
            rig.snapshots.push({ snapshot: rig.engine.snapshot(), model: new Map(rig.model) });
            break;
          case "release":
            rig.snapshots.shift()?.snapshot.release();
            break;
          case "horizon":
            rig.horizon = rig.at;
            rig.engine.raiseGarbageHorizon({
              incarnation: rig.incarnation,
              watermark: stamp(rig.at),
              expiryHorizon: stamp(rig.at),
            });
            break;
          case "reopen":
            await rig.engine.flush();
            await rig.engine.close();
            assert.equal(rig.disk.openFileCount, 0, "every file was closed");
            rig.snapshots.length = 0;
            await rig.open();
            break;
          case "check":
            for (const { snapshot, model } of rig.snapshots) await rig.check(model, snapshot);
            await rig.check(rig.model);
            await rig.checkGarbage();
            break;
        }
      }
      for (const { snapshot, model } of rig.snapshots) await rig.check(model, snapshot);
      await rig.check(rig.model);
      await rig.checkGarbage();
      await rig.engine.close();
      assert.equal(rig.disk.openFileCount, 0, "every file was closed");
    }),
    { numRuns, seed },
  );
}
