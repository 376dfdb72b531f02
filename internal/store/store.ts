// A small embedded store: the shared log and the engine paired for one group. It opens a folder, keeps
// what it acknowledged through any crash, and is what benchmarks and crash tests drive.

import { utf8Text } from "../base/bytes.ts";
import { corruption, TrefoilError } from "../base/errors.ts";
import { isExpired, neverExpires, stampsPerMillisecond } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import { BytePool } from "../base/byte-pool.ts";
import { Engine } from "../engine/engine.ts";
import type { EngineStats } from "../engine/engine-stats.ts";
import { checkEngineFolder } from "../engine/recovery.ts";
import type { EngineSnapshot } from "../engine/live-snapshots.ts";
import type { EngineRecord } from "../engine/reader.ts";
import type { LogStats } from "../log/log-stats.ts";
import { openLog } from "../log/open-log.ts";
import { payloadBytesMax } from "../log/record.ts";
import { closeAll } from "../platform/close-all.ts";
import { CommandWriter } from "./command.ts";
import { diskTrouble } from "./disk-trouble.ts";
import {
  checkBytes,
  checkFolderName,
  checkKey,
  checkOptions,
  contentTypeBytes,
  expiryOf,
  found,
  putOptionNames,
  rangeNames,
} from "./input.ts";
import { storeOptions } from "./options.ts";
import type { StoreOptions, StoreSeams } from "./options.ts";
import { checkpointStore } from "./store-checkpoint.ts";
import { claimFolder, enginePart, logPart } from "./store-folder.ts";
import { checkLogFits, checkLogIsThere, startParts } from "./store-parts.ts";
import type { StoreParts } from "./store-parts.ts";
import { StoreScan } from "./store-scan.ts";
import { TurnShare } from "./turn-share.ts";
import type { Written } from "./write-pipeline.ts";

export interface PutOptions {
  /** From 1 ms to 100 years (36525 days); left out, the record stays until it is overwritten or deleted. */
  readonly ttlMilliseconds?: number;
  /** At most 255 bytes of UTF-8. */
  readonly contentType?: string;
}

export interface StoredRecord extends Version {
  readonly value: Uint8Array;
  readonly contentType: string;
  /** Milliseconds since 1970; undefined when it does not expire. */
  readonly expiresAt: number | undefined;
}

export interface StoreRange {
  /** Included. */
  readonly lower?: Uint8Array | undefined;
  /** Not included. */
  readonly upper?: Uint8Array | undefined;
  readonly backward?: boolean | undefined;
  readonly snapshot?: StoreSnapshot | undefined;
}

export interface StoreStats {
  readonly engine: EngineStats;
  readonly log: LogStats;
  readonly unanswered: number;
}

/** The store as it was at one moment. Release it: until then nothing that it sees is forgotten. */
export class StoreSnapshot {
  readonly at: EngineSnapshot;
  /** Expiry is judged by the time at which it was taken. */
  readonly now: Stamp;

  constructor(at: EngineSnapshot, now: Stamp) {
    this.at = at;
    this.now = now;
  }

  release(): void {
    this.at.release();
  }
}

export class Store {
  private readonly parts: StoreParts;
  private readonly command = new CommandWriter();
  private readonly copies = new BytePool();
  private readonly share: TurnShare;
  private closing: Promise<void> | undefined;

  private constructor(parts: StoreParts) {
    this.parts = parts;
    this.share = new TurnShare(parts.seams.scheduler);
  }

  /** Opens the store in a folder, or makes one. The background and the disk stay the caller's to close. */
  static async open(seams: StoreSeams, path: string, given: Partial<StoreOptions> = {}): Promise<Store> {
    checkFolderName(path);
    const folder = seams.disk.absolute(path);
    const options = storeOptions(given);
    const closes: (() => Promise<void>)[] = [];
    try {
      const lock = await claimFolder(seams.disk, folder, options);
      closes.unshift(() => lock.release());
      // Neither part is changed before both are known to be sound: the log sees to that for itself.
      const tables = await checkEngineFolder(seams.disk, enginePart(folder));
      await checkLogIsThere(seams.disk, folder, tables);
      const log = await openLog(logPart(folder), seams, { ...options.log, fsync: options.fsync }, (recovered) => {
        checkLogFits(recovered, folder, tables);
      });
      closes.unshift(() => log.close());
      const engine = await Engine.open(seams, enginePart(folder), options.engine);
      closes.unshift(() => engine.close());
      return new Store(await startParts({ seams, folder, options, lock, engine, log }));
    } catch (failure) {
      // What went wrong first is told; what goes wrong with putting things away keeps nothing else from being put away.
      await closeAll(...closes).catch((second: unknown) => {
        seams.logger.warn("a store that was not opened could not be closed properly", {
          folder,
          reason: String(second),
        });
      });
      throw diskTrouble(failure, `the store in ${folder} cannot be opened`);
    }
  }

  get folder(): string {
    return this.parts.folder;
  }

  /** Why writes are refused; undefined while they are taken. */
  get trouble(): TrefoilError | undefined {
    return this.parts.pipeline.failed ?? this.parts.log.refusal ?? this.parts.engine.trouble;
  }

  put(key: Uint8Array, value: Uint8Array, options: PutOptions = {}): Promise<Written> {
    const { command } = this;
    command.clear();
    try {
      this.addPut(command, key, value, options);
    } catch (failure) {
      return refused(failure);
    }
    return this.submit(command);
  }

  delete(key: Uint8Array): Promise<Written> {
    const { command } = this;
    command.clear();
    try {
      this.addDelete(command, key);
    } catch (failure) {
      return refused(failure);
    }
    return this.submit(command);
  }

  /** Operations for `write`. */
  batch(): StoreBatch {
    return new StoreBatch(this);
  }

  /** Makes all operations of a batch take effect together, or none. */
  write(batch: StoreBatch): Promise<Written> {
    if (!(batch instanceof StoreBatch) || batch.store !== this) {
      const detail = batch instanceof StoreBatch ? "a batch of another store" : found(batch);
      return refused(
        new TrefoilError("bad_request", `what is written is made by batch() of this store, not ${detail}`),
      );
    }
    return this.submit(batch.command);
  }

  /** At once. "need_io": it takes the disk to know; `get` does. Whoever calls it in a long loop lets others have their turn. */
  getNow(key: Uint8Array, snapshot?: StoreSnapshot): StoredRecord | undefined | "need_io" {
    this.checkRead(key);
    if (snapshot !== undefined) checkSnapshot(snapshot);
    const { engine, incarnation } = this.parts;
    const record =
      snapshot === undefined
        ? engine.getNow(incarnation, key)
        : engine.getNow(incarnation, key, { snapshot: snapshot.at });
    if (typeof record === "string") return record === "absent" ? undefined : record;
    return this.show(record, snapshot);
  }

  async get(key: Uint8Array, snapshot?: StoreSnapshot): Promise<StoredRecord | undefined> {
    const now = this.getNow(key, snapshot);
    if (now !== "need_io") {
      if (!this.share.take()) await this.share.nextTurn();
      return now;
    }
    const { engine, incarnation } = this.parts;
    const record = await engine.get(incarnation, key, { snapshot: snapshot?.at });
    return record === undefined ? undefined : this.show(record, snapshot);
  }

  scan(range: StoreRange = {}): StoreScan {
    this.checkOpen();
    const { engine, incarnation, clock } = this.parts;
    checkOptions(range, "a scan", rangeNames);
    const { lower, upper, backward, snapshot } = range;
    if (lower !== undefined) checkBytes(lower, "lower");
    if (upper !== undefined) checkBytes(upper, "upper");
    if (backward !== undefined && typeof backward !== "boolean") {
      throw new TrefoilError("bad_request", `backward is true or false, not ${found(backward)}`);
    }
    if (snapshot !== undefined) checkSnapshot(snapshot);
    const now = snapshot?.now ?? clock.now();
    const iterator = engine.iterate(incarnation, { lower, upper, backward, now, snapshot: snapshot?.at });
    const { copies, share } = this;
    return new StoreScan(iterator, { incarnation, copies, share, refusal: () => this.closedRefusal });
  }

  snapshot(): StoreSnapshot {
    this.checkOpen();
    return new StoreSnapshot(this.parts.engine.snapshot(), this.parts.clock.now());
  }

  /** A copy of what is in the store now, in an empty or absent folder on the same file system: a store of its own. */
  async checkpoint(path: string): Promise<void> {
    this.checkOpen();
    checkFolderName(path);
    const folder = this.parts.seams.disk.absolute(path);
    if (`${folder}/`.startsWith(`${this.folder}/`)) {
      throw new TrefoilError(
        "bad_request",
        `${folder} lies in the store itself; a checkpoint needs a folder beside it`,
      );
    }
    await checkpointStore(this.parts, folder).catch((failure: unknown) => {
      throw diskTrouble(failure, `a checkpoint of ${this.parts.folder} cannot be made`);
    });
  }

  /** Resolves when everything that was written so far is in tables. */
  async flush(): Promise<void> {
    this.checkOpen();
    await this.parts.engine.flush();
  }

  /** Merges what lies between two keys down. */
  async compact(lower?: Uint8Array, upper?: Uint8Array): Promise<void> {
    this.checkOpen();
    if (lower !== undefined) checkBytes(lower, "lower");
    if (upper !== undefined) checkBytes(upper, "upper");
    await this.parts.engine.compactRange(this.parts.incarnation, lower, upper);
  }

  /** Resolves when nothing is left to flush or to merge. */
  async settle(): Promise<void> {
    this.checkOpen();
    await this.parts.engine.settle();
  }

  stats(): StoreStats {
    const { engine, log, pipeline } = this.parts;
    return { engine: engine.stats(), log: log.stats(), unanswered: pipeline.unanswered };
  }

  /** Answers what was written, then lets go of the folder. */
  close(): Promise<void> {
    this.closing ??= this.shutDown();
    return this.closing;
  }

  /** For batches. */
  addPut(command: CommandWriter, key: Uint8Array, value: Uint8Array, options: PutOptions): void {
    checkKey(key);
    checkBytes(value, "a value");
    checkOptions(options, "a put", putOptionNames);
    const { options: settings, clock } = this.parts;
    if (value.length > settings.valueBytesMax) {
      const most = `the most is ${settings.valueBytesMax} (valueBytesMax)`;
      throw new TrefoilError("too_large", `the value has ${value.length} bytes; ${most}`);
    }
    const contentType = options.contentType === undefined ? noBytes : contentTypeBytes(options.contentType);
    const { ttlMilliseconds } = options;
    const expiry = ttlMilliseconds === undefined ? neverExpires : expiryOf(ttlMilliseconds, clock.now());
    command.put({ key, value, contentType, expiry });
  }

  /** For batches. */
  addDelete(command: CommandWriter, key: Uint8Array): void {
    checkKey(key);
    command.delete(key);
  }

  private submit(command: CommandWriter): Promise<Written> {
    const closed = this.closedRefusal;
    if (closed !== undefined) return refused(closed);
    const { trouble } = this;
    // A full disk refuses what needs space; what frees some goes on.
    if (trouble !== undefined && (trouble.code !== "storage_full" || command.puts > 0)) return refused(trouble);
    if (command.length > payloadBytesMax) {
      const detail = `the batch has ${command.length} bytes; the most is ${payloadBytesMax}. Divide it`;
      return refused(new TrefoilError("too_large", detail));
    }
    return this.parts.pipeline.submit(command.bytes, command.length);
  }

  private show(record: EngineRecord, snapshot: StoreSnapshot | undefined): StoredRecord | undefined {
    const { expiry, payload } = record;
    if (expiry !== neverExpires && isExpired(expiry, snapshot?.now ?? this.parts.clock.now())) return undefined;
    const typeBytes = payload[0];
    if (typeBytes === undefined || 1 + typeBytes > payload.length) {
      throw corruption(`record ${record.term}.${record.index} has no content type`);
    }
    return {
      term: record.term,
      index: record.index,
      value: payload.subarray(1 + typeBytes),
      contentType: typeBytes === 0 ? "" : utf8Text(payload.subarray(1, 1 + typeBytes)),
      expiresAt: expiry === neverExpires ? undefined : Math.floor(expiry / stampsPerMillisecond),
    };
  }

  private checkRead(key: Uint8Array): void {
    this.checkOpen();
    checkKey(key);
  }

  private checkOpen(): void {
    const refusal = this.closedRefusal;
    if (refusal !== undefined) throw refusal;
  }

  private get closedRefusal(): TrefoilError | undefined {
    if (this.closing === undefined) return undefined;
    return new TrefoilError("stopping", `the store in ${this.parts.folder} is closed`);
  }

  private async shutDown(): Promise<void> {
    const { pipeline, engine, log, lock, folder } = this.parts;
    // The folder is let go of last, when nothing writes to it any more.
    const closes = [() => pipeline.drained(engine), () => log.close(), () => engine.close(), () => lock.release()];
    await closeAll(...closes).catch((failure: unknown) => {
      throw diskTrouble(failure, `the store in ${folder} was closed, but not as it should be`);
    });
  }
}

/** Writes are no async functions: those cost a promise and three rounds of microtasks for each write. */
function refused(failure: unknown): Promise<never> {
  return Promise.reject(failure instanceof Error ? failure : new Error(String(failure)));
}

/** Operations that take effect together. May be cleared and used again once `write` has been called. */
export class StoreBatch {
  readonly command = new CommandWriter();
  readonly store: Store;

  constructor(store: Store) {
    this.store = store;
  }

  get count(): number {
    return this.command.count;
  }

  put(key: Uint8Array, value: Uint8Array, options: PutOptions = {}): this {
    this.store.addPut(this.command, key, value, options);
    return this;
  }

  delete(key: Uint8Array): this {
    this.store.addDelete(this.command, key);
    return this;
  }

  clear(): this {
    this.command.clear();
    return this;
  }
}

const noBytes = new Uint8Array(0);

/** What a released snapshot saw may have been collected. */
function checkSnapshot(snapshot: unknown): void {
  if (!(snapshot instanceof StoreSnapshot)) {
    throw new TrefoilError("bad_request", `a snapshot is what store.snapshot() gives, not ${found(snapshot)}`);
  }
  if (!snapshot.at.released) return;
  throw new TrefoilError("bad_request", "the snapshot was released: take another to read by");
}
