// The LSM engine of a node: the records of all its groups, in order, with snapshots and time to live.
// README.md draws how data flows through it.
//
// A write goes into memory only; what makes it durable is the shared log, from which the caller replays
// everything behind `appliedIndex`. REQUIRES of the caller: writes of one incarnation come in the order
// of their log indexes, and are in the log before they come here.

import { assert } from "../base/assert.ts";
import type { TrefoilError } from "../base/errors.ts";
import { incarnation, logIndex, sequence } from "../base/ids.ts";
import type { GroupId, Incarnation, LogIndex, Sequence } from "../base/ids.ts";
import { checkpointTo } from "./checkpoint.ts";
import type { TableFormatOptions } from "./compaction/compaction-job.ts";
import { Compactor } from "./compactor.ts";
import { EngineCore } from "./core.ts";
import type { EngineSeams } from "./core.ts";
import type { EntryView } from "./cursor.ts";
import { statsOf } from "./engine-stats.ts";
import type { EngineStats } from "./engine-stats.ts";
import { Flusher } from "./flusher.ts";
import type { FlushListener } from "./flusher.ts";
import type { GarbageHorizon } from "./garbage.ts";
import { checkRequest, ingest } from "./ingest.ts";
import type { IngestRequest } from "./ingest.ts";
import { checkEngine } from "./invariants.ts";
import type { EngineSnapshot } from "./live-snapshots.ts";
import { engineOptions } from "./options.ts";
import type { EngineOptions } from "./options.ts";
import { endOf, EngineReader, engineKey } from "./reader.ts";
import type { EngineRecord, RangeOptions, ReadOptions } from "./reader.ts";
import type { RecordIterator } from "./record-iterator.ts";
import { openManifest } from "./recovery.ts";
import { ReadBudget } from "./table/read-budget.ts";
import { TableCache } from "./table/table-cache.ts";
import { TableMemory } from "./table/table-memory.ts";
import { editOf } from "./version/version-edit.ts";
import { refusalFrom } from "./trouble.ts";
import { WalkTurns } from "./walk-turns.ts";
import type { GroupPlace } from "./version/version-edit.ts";
import type { WriteBatch } from "./write-batch.ts";

/** Up to which log entry of its incarnation a batch takes the engine. */
export interface Progress {
  readonly incarnation: Incarnation;
  readonly appliedIndex: LogIndex;
}

export class Engine {
  private readonly core: EngineCore;
  private readonly reader: EngineReader;
  private readonly flusher: Flusher;
  private readonly compactor: Compactor;
  private readonly flushListeners: FlushListener[] = [];
  private closed: Promise<void> | undefined;
  /** The newest of those changes that come one after the other. */
  private changing: Promise<void> = Promise.resolve();
  /** What callers have asked for and `close` waits for. */
  private readonly underWay = new Set<Promise<unknown>>();
  /** For whoever copies what it walks over. */
  readonly walkTurns: WalkTurns;
  private readonly addToActive: (entry: EntryView) => void;

  private constructor(core: EngineCore) {
    this.core = core;
    this.reader = new EngineReader(core);
    this.walkTurns = new WalkTurns(core.seams.scheduler);
    this.compactor = new Compactor(core);
    this.flusher = new Flusher(core, (applied) => {
      this.compactor.adjustRate();
      this.compactor.chore.wake();
      for (const listener of this.flushListeners) listener(applied);
    });
    core.snapshots.onRelease = () => this.compactor.chore.wake();
    this.addToActive = (entry) => core.memtables.active.memtable.add(entry);
  }

  /** Opens the engine in a folder, making it when the folder is empty. REQUIRES: the folder is locked, and its own name synced. */
  static async open(seams: EngineSeams, folder: string, given: Partial<EngineOptions> = {}): Promise<Engine> {
    const options = engineOptions(given);
    const place = { disk: seams.disk, folder, bytesMax: options.manifestBytesMax };
    // What there may be no memory for goes first: nothing is open yet.
    const memory = new TableMemory(options, new ReadBudget(options.readsNowPerTurn, seams.clock, seams.scheduler));
    const manifest = await openManifest(place, seams.logger);
    const tables = new TableCache(seams.disk, folder, options, memory);
    const engine = new Engine(new EngineCore(seams, { folder, options, manifest, tables }));
    engine.compactor.chore.wake();
    return engine;
  }

  // Incarnations: the number under which a group's data lies here.

  /** Where the group's data lies, and the snapshot that it was installed from, if it was. */
  placeOf(group: GroupId): GroupPlace | undefined {
    return this.core.state.groups.get(group);
  }

  get groups(): readonly GroupId[] {
    return [...this.core.state.groups.keys()];
  }

  /**
   * A number under which tables can be prepared; it counts once a switch names it. It is never given again, after a
   * crash neither: what was prepared under it may still lie about.
   */
  async reserveIncarnation(): Promise<Incarnation> {
    const next = this.core.nextIncarnation();
    const nextIncarnation = incarnation(next + 1);
    await this.asked(() => this.told("reserving a place", () => this.core.install(editOf({ nextIncarnation }))));
    return next;
  }

  /** Gives a group that has none a fresh and empty incarnation. */
  async createIncarnation(group: GroupId): Promise<Incarnation> {
    assert(this.placeOf(group) === undefined, "a group has one incarnation", { group });
    const next = this.core.nextIncarnation();
    const switches = [{ group, incarnation: next, snapshot: undefined }];
    await this.asked(() => this.told("giving a group its place", () => this.core.install(editOf({ switches }))));
    return next;
  }

  /**
   * Takes in prepared tables; with `replaces`, as all of a group's data from now on. Without, writers wait
   * meanwhile, so that there is one moment at which the tables come in.
   */
  ingest(request: IngestRequest): Promise<void> {
    // Each finds its level among the tables that the one before it brought.
    return this.inOrder(() => this.takeIn(request));
  }

  /** How tables that are to be taken in are built. */
  get tableFormat(): TableFormatOptions {
    const { blockBytes, bloomBitsPerKey } = this.core.options;
    return { blockBytes, bloomBitsPerKey };
  }

  /** The group leaves this node. */
  async dropIncarnation(group: GroupId): Promise<void> {
    const switches = [{ group, incarnation: undefined, snapshot: undefined }];
    // No incarnation dies while tables come in for it: a merge would never look for its keys in them.
    await this.inOrder(() => this.told("dropping a group", () => this.core.install(editOf({ switches }))));
    this.compactor.chore.wake();
  }

  /** The last log index whose effects are durable in tables: replay begins behind it. */
  appliedIndex(of: Incarnation): LogIndex {
    return this.core.state.applied.get(of) ?? logIndex(0);
  }

  /** How far garbage of an incarnation may be collected, as of its last durable flush. */
  horizonOf(of: Incarnation): GarbageHorizon | undefined {
    return this.core.state.horizons.get(of);
  }

  // Writes.

  /** Why writes should be refused; undefined while all is well. Reads go on in any case. */
  get trouble(): TrefoilError | undefined {
    return this.core.trouble?.error;
  }

  /** Damage that a read or a merge has met, the first of it; reads of the rest go on. */
  get damage(): TrefoilError | undefined {
    const { damage, trouble } = this.core;
    return damage ?? (trouble?.error.code === "corruption" ? trouble.error : undefined);
  }

  get isClosing(): boolean {
    return this.core.closing;
  }

  /** Whether `write` may be called with this batch now; otherwise wait for `whenWritable` and ask again. */
  canWrite(batch: WriteBatch): boolean {
    if (this.core.closing || this.core.comingIn !== undefined) return false;
    return this.core.memtables.active.memtable.roomFor(batch.count, batch.bytes) || this.core.canSeal;
  }

  /** Resolves when what keeps a write waiting may have changed, or the engine closes. */
  whenWritable(): Promise<void> {
    return this.core.whenChanged();
  }

  /**
   * Applies a batch as one: all of it is readable when this returns. REQUIRES: canWrite; or that the log is replayed and trouble
   * keeps memtables from being flushed: what was in memory before a restart has to be there behind it as well.
   */
  write(batch: WriteBatch, progress: Progress): void {
    const { core } = this;
    assert(!core.closing, "an engine was written to after it was closed");
    assert(core.comingIn === undefined, "an engine was written to while tables come in");
    if (!core.memtables.active.memtable.roomFor(batch.count, batch.bytes)) this.seal(batch.count, batch.bytes);
    const slot = core.memtables.active;
    const applied = slot.applied.get(progress.incarnation) ?? this.appliedIndex(progress.incarnation);
    assert(progress.appliedIndex >= applied, "a write came out of the order of the log", {
      incarnation: progress.incarnation,
      index: progress.appliedIndex,
      applied,
    });
    batch.forEach(core.lastSequence + 1, this.addToActive);
    core.lastSequence = slot.lastSequence = sequence(core.lastSequence + batch.count);
    slot.applied.set(progress.incarnation, progress.appliedIndex);
  }

  /** Garbage of an incarnation may be collected up to here, from the flush on that comes next. */
  raiseGarbageHorizon(horizon: GarbageHorizon): void {
    this.core.memtables.active.horizons.set(horizon.incarnation, horizon);
  }

  // Reads. Expired records are shown unless the options name a time to judge by.

  getNow(of: Incarnation, userKey: Uint8Array, options?: ReadOptions): EngineRecord | "absent" | "need_io" {
    return this.reader.getNow(of, userKey, options);
  }

  get(of: Incarnation, userKey: Uint8Array, options?: ReadOptions): Promise<EngineRecord | undefined> {
    return this.reader.get(of, userKey, options);
  }

  /** The iterator sees the engine as it is now, until it is closed. */
  iterate(of: Incarnation, options?: RangeOptions): RecordIterator {
    return this.reader.iterate(of, options);
  }

  /** Keeps the present readable until it is released. */
  snapshot(): EngineSnapshot {
    const { lastSequence, comingIn } = this.core;
    return this.core.snapshots.take(comingIn === undefined ? lastSequence : sequence(comingIn - 1));
  }

  // Housekeeping.

  /** Tells each flush that has become durable: the log may forget up to these indexes. */
  onFlushed(listener: FlushListener): void {
    this.flushListeners.push(listener);
  }

  /** Resolves when everything written so far is in tables that the manifest names. */
  async flush(): Promise<void> {
    const { core } = this;
    if (!core.memtables.active.isEmpty) {
      const slot = core.memtables.active;
      await this.until(() => core.memtables.active !== slot || core.canSeal);
      if (core.memtables.active === slot) this.seal();
    }
    await this.flushed();
  }

  /** Merges everything of an incarnation between two keys down to the deepest level that holds data. */
  async compactRange(of: Incarnation, lower?: Uint8Array, upper?: Uint8Array): Promise<void> {
    await this.flush();
    const wish = this.compactor.wish({
      smallest: engineKey(of, lower ?? new Uint8Array(0)),
      largest: upper === undefined ? endOf(of) : engineKey(of, upper),
    });
    await this.until(() => wish.isDone);
  }

  /** Resolves when nothing is left to flush or to merge. */
  async settle(): Promise<void> {
    await this.flush();
    this.compactor.chore.wake();
    await this.until(() => !this.compactor.owes);
  }

  /**
   * A copy of the engine as it is durable now, in a folder of its own on the same file system, by hard links.
   * Answers the log indexes that it goes up to.
   */
  async checkpoint(folder: string): Promise<ReadonlyMap<Incarnation, LogIndex>> {
    await this.flush();
    return this.asked(() => this.told("making a checkpoint", () => checkpointTo(this.core, folder)));
  }

  /** For tests and the simulator: it walks over all that is in memory. */
  checkInvariants(): void {
    checkEngine(this.core);
  }

  stats(): EngineStats {
    return statsOf(this.core, this.flusher.stats, this.compactor);
  }

  /** Stops. What was written and not flushed is in the log. Iterators are to be closed before. */
  close(): Promise<void> {
    this.closed ??= this.closeAll();
    return this.closed;
  }

  private async closeAll(): Promise<void> {
    this.core.beginClosing();
    await this.flusher.chore.finished();
    await this.compactor.chore.finished();
    // They give up at their next step, and touch the folder until then.
    await Promise.allSettled(this.underWay);
    await this.core.finishClosing();
  }

  /** Does what a caller asked for; `close` waits for it. */
  private async asked<T>(action: () => Promise<T>): Promise<T> {
    if (this.core.closing) throw this.core.stopping();
    const done = action();
    this.underWay.add(done);
    try {
      return await done;
    } finally {
      this.underWay.delete(done);
    }
  }

  /** As `asked`, behind everything else that was asked for in order. */
  private inOrder<T>(action: () => Promise<T>): Promise<T> {
    const done = this.asked(() => this.changing.then(action));
    this.changing = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  private async takeIn(request: IngestRequest): Promise<void> {
    const { core } = this;
    checkRequest(request, core.state);
    if (core.trouble !== undefined) throw core.trouble.error;
    const act = (at: Sequence): Promise<void> =>
      this.compactor.exclusively(() => this.told("taking in tables", () => ingest(core, request, at)));
    if (request.replaces !== undefined) return act(core.reserveSequence());
    const maySeal = (): boolean => core.memtables.active.isEmpty || core.canSeal;
    // A writer who waited for the same change may have been first.
    do await this.until(maySeal);
    while (!maySeal());
    // In one turn: what was written before lies in sealed memtables, what is written from here on is newer.
    if (!core.memtables.active.isEmpty) this.seal();
    const at = core.reserveSequence();
    core.comingIn = at;
    try {
      await this.flushed();
      await act(at);
    } finally {
      core.comingIn = undefined;
      core.changed();
    }
  }

  /** Resolves when the memtables that are sealed now are in tables. */
  private async flushed(): Promise<void> {
    const { core } = this;
    const waiting = core.memtables.sealed.at(-1);
    await this.until(() => waiting === undefined || !core.memtables.sealed.includes(waiting));
  }

  private seal(operations = 0, bytes = 0): void {
    const { memtables, trouble } = this.core;
    assert(memtables.canSeal || trouble !== undefined, "a memtable was sealed although no other may be begun");
    memtables.seal(operations, bytes);
    this.flusher.chore.wake();
  }

  /** Does what a caller asked for; a failure of the disk becomes an error that says what failed. */
  private async told<T>(doing: string, action: () => Promise<T>): Promise<T> {
    const { trouble } = this.core;
    if (trouble?.severity === "final") throw trouble.error;
    try {
      return await action();
    } catch (failure) {
      throw refusalFrom(failure, doing, this.core.folder);
    }
  }

  /** Waits for a condition that some change brings about; rejects when trouble or closing prevents it. */
  private async until(condition: () => boolean): Promise<void> {
    const { core } = this;
    while (!condition()) {
      if (core.closing) throw core.stopping();
      if (core.trouble !== undefined) throw core.trouble.error;
      await core.whenChanged();
    }
  }
}
