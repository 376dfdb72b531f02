// The small store behind the interface of abstract-level, so that abstract-level's own suite can be run
// against it. It translates and holds no data: every read asks the store.
//
// An abstract-level key may be empty, a store's may not: each is stored behind one byte.

import { AbstractIterator, AbstractLevel, AbstractSnapshot } from "abstract-level";
import type { AbstractDatabaseOptions } from "abstract-level";
import { compareBytes } from "../../internal/base/bytes.ts";
import type { StoreOptions, StoreSeams } from "../../internal/store/options.ts";
import { Store } from "../../internal/store/store.ts";
import type { StoredRecord, StoreSnapshot } from "../../internal/store/store.ts";
import type { StoreScan } from "../../internal/store/store-scan.ts";

const lead = 0x6b;
const deletesPerBatch = 1000;

interface LevelRange {
  readonly gt?: Uint8Array;
  readonly gte?: Uint8Array;
  readonly lt?: Uint8Array;
  readonly lte?: Uint8Array;
  readonly reverse: boolean;
  readonly limit: number;
  readonly snapshot?: LevelSnapshot | undefined;
}

type Entry = [Uint8Array | undefined, Uint8Array | undefined];

type LevelOperation =
  | { readonly type: "put"; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: "del"; readonly key: Uint8Array };

interface ReadOptions {
  readonly snapshot?: LevelSnapshot | undefined;
}

export interface StoreLevelSettings {
  readonly seams: StoreSeams;
  readonly store: Partial<StoreOptions>;
}

/** getSync is younger than the types. */
const manifest = {
  encodings: { view: true },
  permanence: true,
  seek: true,
  has: true,
  getSync: true,
  implicitSnapshots: true,
  explicitSnapshots: true,
  createIfMissing: true,
  errorIfExists: true,
};

type Options = AbstractDatabaseOptions<string, string>;

export class StoreLevel extends AbstractLevel<Uint8Array> {
  private readonly folder: string;
  private readonly settings: StoreLevelSettings;
  private opened: Store | undefined;

  constructor(folder: string, settings: StoreLevelSettings, options: Options = {}) {
    super(manifest, options);
    this.folder = folder;
    this.settings = settings;
  }

  get store(): Store {
    if (this.opened === undefined) throw new Error("the database is not open");
    return this.opened;
  }

  async _open({ createIfMissing, errorIfExists }: { createIfMissing: boolean; errorIfExists: boolean }): Promise<void> {
    const { seams, store } = this.settings;
    this.opened = await Store.open(seams, this.folder, { ...store, createIfMissing, errorIfExists });
  }

  async _close(): Promise<void> {
    await this.store.close();
    this.opened = undefined;
  }

  async _put(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.store.put(stored(key), value);
  }

  async _del(key: Uint8Array): Promise<void> {
    await this.store.delete(stored(key));
  }

  async _batch(operations: readonly LevelOperation[]): Promise<void> {
    const batch = this.store.batch();
    for (const operation of operations) {
      if (operation.type === "put") batch.put(stored(operation.key), operation.value);
      else batch.delete(stored(operation.key));
    }
    await this.store.write(batch);
  }

  async _get(key: Uint8Array, options: ReadOptions): Promise<Uint8Array | undefined> {
    return (await this.find(key, options))?.value;
  }

  _getSync(key: Uint8Array, { snapshot }: ReadOptions): Uint8Array | undefined {
    const found = this.store.getNow(stored(key), snapshot?.at);
    if (found === "need_io") throw new Error("the record is not in memory: use get()");
    return found?.value;
  }

  async _getMany(keys: readonly Uint8Array[], options: ReadOptions): Promise<(Uint8Array | undefined)[]> {
    const found = await this.findMany(keys, options);
    return found.map((record) => record?.value);
  }

  async _has(key: Uint8Array, options: ReadOptions): Promise<boolean> {
    return (await this.find(key, options)) !== undefined;
  }

  async _hasMany(keys: readonly Uint8Array[], options: ReadOptions): Promise<boolean[]> {
    const found = await this.findMany(keys, options);
    return found.map((record) => record !== undefined);
  }

  /** Deletes a range, so many keys together. */
  async _clear(range: LevelRange): Promise<void> {
    const { store } = this;
    const scan = openScan(store, range);
    let left = range.limit < 0 ? Number.POSITIVE_INFINITY : range.limit;
    try {
      for (let more = left > 0; more;) {
        const batch = store.batch();
        while (batch.count < deletesPerBatch && more) {
          more = left-- > 0 && (await scan.next());
          if (more) batch.delete(scan.key());
        }
        if (batch.count > 0) await store.write(batch);
      }
    } finally {
      scan.close();
    }
  }

  _iterator(options: LevelRange & { keys: boolean; values: boolean }): LevelIterator {
    return new LevelIterator(this, options);
  }

  _snapshot(options: { owner: unknown }): LevelSnapshot {
    return new LevelSnapshot(this.store.snapshot(), options);
  }

  private find(key: Uint8Array, { snapshot }: ReadOptions): Promise<StoredRecord | undefined> {
    return this.store.get(stored(key), snapshot?.at);
  }

  /** As of one moment, whatever is written while they are read. */
  private async findMany(
    keys: readonly Uint8Array[],
    options: ReadOptions,
  ): Promise<readonly (StoredRecord | undefined)[]> {
    const { store } = this;
    const own = options.snapshot === undefined ? store.snapshot() : undefined;
    try {
      return await Promise.all(keys.map((key) => store.get(stored(key), own ?? options.snapshot?.at)));
    } finally {
      own?.release();
    }
  }
}

/** What the base class hands its parts, and its types do not say. */
const BareSnapshot = AbstractSnapshot as unknown as new (options: { owner: unknown }) => AbstractSnapshot;

class LevelSnapshot extends BareSnapshot {
  readonly at: StoreSnapshot;

  constructor(at: StoreSnapshot, options: { owner: unknown }) {
    super(options);
    this.at = at;
  }

  async _close(): Promise<void> {
    this.at.release();
  }
}

class LevelIterator extends AbstractIterator<StoreLevel, Uint8Array, Uint8Array> {
  private readonly range: LevelRange;
  /** Opened at once, so that it sees the present; with a snapshot, once it is known to be open still. */
  private opened: StoreScan | undefined;
  private readonly wanted: { readonly keys: boolean; readonly values: boolean };
  private isOutside = false;

  constructor(db: StoreLevel, options: LevelRange & { keys: boolean; values: boolean }) {
    super(db, options);
    this.range = options;
    this.wanted = { keys: options.keys, values: options.values };
    if (options.snapshot === undefined) this.opened = openScan(db.store, options);
  }

  private get scan(): StoreScan {
    this.opened ??= openScan(this.db.store, this.range);
    return this.opened;
  }

  async _next(): Promise<Entry | undefined> {
    if (this.isOutside || !(await this.scan.next())) return undefined;
    return this.entry();
  }

  async _nextv(size: number): Promise<Entry[]> {
    const entries: Entry[] = [];
    while (entries.length < size && !this.isOutside) {
      const step = this.scan.nextNow();
      if (step === "end") break;
      if (step === "load") await this.scan.load();
      else entries.push(this.entry());
    }
    return entries;
  }

  _seek(target: Uint8Array): void {
    // Beyond the range there is nothing, in the sense of abstract-level: not even the range's first entry.
    this.isOutside = !isWithin(target, this.range);
    if (!this.isOutside) this.scan.seek(stored(target));
  }

  async _close(): Promise<void> {
    this.opened?.close();
  }

  private entry(): Entry {
    const { keys, values } = this.wanted;
    return [keys ? this.scan.keyView.slice(1) : undefined, values ? this.scan.value() : undefined];
  }
}

function stored(key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + key.length);
  bytes[0] = lead;
  bytes.set(key, 1);
  return bytes;
}

/** The least key above this one. */
function above(key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(key.length + 1);
  bytes.set(key);
  return bytes;
}

/** Of two bounds on one side the one that includes its key counts. */
function openScan(store: Store, { gt, gte, lt, lte, reverse, snapshot }: LevelRange): StoreScan {
  let lower: Uint8Array = stored(new Uint8Array(0));
  if (gte !== undefined) lower = stored(gte);
  else if (gt !== undefined) lower = above(stored(gt));
  let upper: Uint8Array = Uint8Array.of(lead + 1);
  if (lte !== undefined) upper = above(stored(lte));
  else if (lt !== undefined) upper = stored(lt);
  return store.scan({ lower, upper, backward: reverse, snapshot: snapshot?.at });
}

function isWithin(key: Uint8Array, { gt, gte, lt, lte }: LevelRange): boolean {
  if (gte !== undefined ? compareBytes(key, gte) < 0 : gt !== undefined && compareBytes(key, gt) <= 0) return false;
  return lte !== undefined ? compareBytes(key, lte) <= 0 : lt === undefined || compareBytes(key, lt) < 0;
}
