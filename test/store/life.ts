// One life of a store on a disk in memory: opened, written to by several writers at once, flushed, merged,
// copied and read, until it is closed or the power goes. What it does follows from a seed.

import assert from "node:assert/strict";
import { setImmediate as turnOver } from "node:timers/promises";
import { TrefoilError } from "../../internal/base/errors.ts";
import type { Prng } from "../../internal/base/prng.ts";
import type { EngineOptions } from "../../internal/engine/options.ts";
import type { FsyncMode } from "../../internal/log/options.ts";
import type { Disk } from "../../internal/platform/disk.ts";
import type { StoreOptions } from "../../internal/store/options.ts";
import { Store } from "../../internal/store/store.ts";
import type { StoreSnapshot, StoreStats } from "../../internal/store/store.ts";
import type { Written } from "../../internal/store/write-pipeline.ts";
import { seamsOn, tinyOptions } from "../engine/engine-rig.ts";
import type { ManualTime } from "../engine/engine-rig.ts";
import { readContents } from "./contents.ts";
import { expectModel } from "./oracle.ts";
import type { Model, Oracle, Span } from "./oracle.ts";
import { valueOf } from "./workload.ts";
import type { Write } from "./workload.ts";

export const storeFolder = "/data/store";

export interface World {
  /** What the store sees. */
  readonly disk: Disk;
  readonly time: ManualTime;
  readonly random: Prng;
  readonly oracle: Oracle;
  /** The power is off: what this life's leftovers still do and hear counts no more. */
  isOver: boolean;
}

/** Settings at which a few dozen writes meet every edge. */
export function tinyStore(random: Prng): Partial<StoreOptions> {
  const engine: Partial<EngineOptions> = {
    ...tinyOptions,
    blockBytes: random.pick([512, 1024, 4096]),
    tableBytes: random.pick([4096, 8192, 32_768]),
    blockCacheBytes: random.pick([16_384, 65_536]),
    openTablesMax: random.pick([8, 64]),
    levelZeroTrigger: random.between(1, 3),
    levelBaseBytes: random.pick([16_384, 65_536]),
    levelFactor: random.between(2, 5),
    manifestBytesMax: random.pick([1024, 4096]),
    readsNowPerTurn: random.pick([0, 1, 64]),
  };
  const segmentBytes = random.pick([4096, 8192, 16_384, 65_536]);
  const log = {
    segmentBytes,
    batchBytesMax: random.pick([1024, 4096, 16_384]),
    cacheBytesMax: random.pick([8192, 65_536]),
    logBytesMax: 16 * segmentBytes,
    flushWantedBytes: 2 * segmentBytes,
    retryMilliseconds: 10,
  };
  const fsync: FsyncMode = random.chance(1, 4) ? { kind: "interval", milliseconds: 40 } : { kind: "always" };
  return { fsync, engine, log };
}

const unansweredMax = 64;

export class Life {
  readonly world: World;
  readonly store: Store;
  /** Writes that were answered. */
  answered = 0;
  /** The answer to a writer broke a promise. */
  fault: Error | undefined;
  private readonly pending = new Set<Promise<void>>();
  private readonly views: { readonly snapshot: StoreSnapshot; readonly model: Model }[] = [];
  checkpoints = 0;
  private lastIndex = 0;

  private constructor(world: World, store: Store) {
    this.world = world;
    this.store = store;
  }

  /** Opens the store and sees to it that it holds what it should. */
  static async begin(world: World, options: Partial<StoreOptions>): Promise<Life> {
    const { disk, time, random, oracle } = world;
    const store = await Store.open(seamsOn(disk, time, random.next()), storeFolder, options);
    const life = new Life(world, store);
    oracle.settle(await readContents(store, oracle.workload), life.now);
    return life;
  }

  get now(): Span {
    const milliseconds = this.world.time.wallMilliseconds();
    return { from: milliseconds, to: milliseconds };
  }

  /** Does something, drawn at random. */
  async step(): Promise<void> {
    const { random, time } = this.world;
    switch (random.below(12)) {
      case 0:
        return this.let(this.store.flush());
      case 1:
        return random.chance(1, 2) ? this.let(this.store.compact()) : this.let(this.store.settle());
      case 2:
        time.advance(random.pick([1, 50, 3000, 10_000]));
        return;
      case 3:
        return this.takeView();
      case 4:
        return this.checkView();
      case 5:
        if (random.chance(1, 3)) await this.checkpoint();
        return;
      case 6:
        if (random.chance(1, 3)) await this.check();
        return;
      default:
        return this.burst(random.between(1, 24));
    }
  }

  /** Submits writes at once. */
  async burst(count: number): Promise<void> {
    for (let done = 0; done < count; done++) this.write();
    while (this.pending.size > this.world.random.below(unansweredMax)) await Promise.race(this.pending);
    if (this.world.random.chance(1, 2)) await turnOver();
  }

  /** Every writer has its answer. */
  async quiet(): Promise<void> {
    await Promise.all(this.pending);
    if (this.fault !== undefined) throw this.fault;
  }

  /** The store holds what was written, now and in every view. */
  async check(): Promise<void> {
    await this.quiet();
    const { oracle } = this.world;
    oracle.expect(await readContents(this.store, oracle.workload), this.now);
    for (const _ of this.views) await this.checkView();
  }

  async close(): Promise<void> {
    await this.quiet();
    for (const { snapshot } of this.views.splice(0)) snapshot.release();
    await this.store.close();
    if (this.fault !== undefined) throw this.fault;
  }

  get stats(): StoreStats {
    return this.store.stats();
  }

  /** A copy of the store that opens and holds the same. */
  async checkpoint(): Promise<void> {
    await this.quiet();
    const { oracle, time, disk, random } = this.world;
    const model = oracle.present();
    const { now } = this;
    const folder = `/data/checkpoint-${++this.checkpoints}-${random.next()}`;
    await this.store.checkpoint(folder);
    const copy = await Store.open(seamsOn(disk, time, random.next()), folder, { createIfMissing: false });
    expectModel(model, await readContents(copy, oracle.workload), { from: now.from, to: this.now.to }, oracle.workload);
    await copy.close();
    await removeAll(disk, folder);
  }

  private write(): void {
    if (this.world.isOver) return;
    const { oracle } = this.world;
    const write = oracle.workload.write(oracle.sent + 1);
    oracle.send(write, this.now);
    const answer = submit(this.store, write, oracle.workload.keys).then(
      ({ index, durability }) => {
        if (this.world.isOver) return;
        this.answered++;
        if (index <= this.lastIndex) this.fault ??= new Error(`entry ${index} was answered after ${this.lastIndex}`);
        this.lastIndex = index;
        oracle.acknowledge(write.number, durability);
      },
      (failure: unknown) => {
        if (this.world.isOver) return;
        if (failure instanceof TrefoilError && failure.outcome === "not_applied") oracle.refuse(write.number);
        if (!(failure instanceof TrefoilError && failure.code === "busy")) this.fault ??= asError(failure);
      },
    );
    this.pending.add(answer);
    void answer.finally(() => this.pending.delete(answer));
  }

  /** Waits for a chore, or lets it run beside what comes. */
  async let(chore: Promise<void>, waits = this.world.random.chance(1, 2)): Promise<void> {
    if (waits) return chore;
    const guarded = chore.catch((failure: unknown) => {
      this.fault ??= asError(failure);
    });
    this.pending.add(guarded);
    void guarded.finally(() => this.pending.delete(guarded));
  }

  /** Keeps the present to be looked at later. */
  async takeView(): Promise<void> {
    if (this.views.length >= 3) return;
    await this.quiet();
    this.views.push({ snapshot: this.store.snapshot(), model: this.world.oracle.present() });
  }

  /** The oldest view shows what it showed. */
  async checkView(): Promise<void> {
    const view = this.views.shift();
    if (view === undefined) return;
    const { workload } = this.world.oracle;
    const at = Math.floor(view.snapshot.now / 1024);
    expectModel(view.model, await readContents(this.store, workload, view.snapshot), { from: at, to: at }, workload);
    if (this.world.random.chance(1, 2)) view.snapshot.release();
    else this.views.push(view);
  }
}

/** Gives a write to the store, as a put, a delete or a batch. */
export function submit(store: Store, write: Write, keys: readonly Uint8Array[]): Promise<Written> {
  const [first] = write.operations;
  assert(first !== undefined);
  if (write.operations.length === 1) {
    const key = keys[first.key] as Uint8Array;
    if (first.kind === "delete") return store.delete(key);
    return store.put(key, valueOf(write.number, 0, first.valueBytes), putOptions(first));
  }
  const batch = store.batch();
  for (const [at, operation] of write.operations.entries()) {
    const key = keys[operation.key] as Uint8Array;
    if (operation.kind === "delete") batch.delete(key);
    else batch.put(key, valueOf(write.number, at, operation.valueBytes), putOptions(operation));
  }
  return store.write(batch);
}

function putOptions({ ttlMilliseconds }: { ttlMilliseconds: number | undefined }): { ttlMilliseconds?: number } {
  return ttlMilliseconds === undefined ? {} : { ttlMilliseconds };
}

async function removeAll(disk: Disk, folder: string): Promise<void> {
  for (const name of await disk.list(folder)) {
    const path = `${folder}/${name}`;
    if ((await disk.sizeOf(path)) === undefined) await removeAll(disk, path);
    else await disk.remove(path);
  }
  await disk.removeFolder(folder);
}

function asError(failure: unknown): Error {
  return failure instanceof Error ? failure : new Error(String(failure));
}
