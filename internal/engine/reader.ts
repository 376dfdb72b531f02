// Reads of an engine: one key, or a walk over many. A lookup that memory can answer makes no promise;
// one that needs the disk pins what it reads from and goes on when the block has come.

import { assert } from "../base/assert.ts";
import { printableKey } from "../base/bytes.ts";
import { writeU32BigEndian } from "../base/codec.ts";
import { corruption, TrefoilError } from "../base/errors.ts";
import type { Incarnation } from "../base/ids.ts";
import { incarnationBytes } from "../base/limits.ts";
import { isExpired } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import { CellReader } from "./cell.ts";
import type { CellHeader } from "./cell.ts";
import { BytePool } from "../base/byte-pool.ts";
import type { EngineCore } from "./core.ts";
import { emptySlot } from "./cursor.ts";
import type { EntryView } from "./cursor.ts";
import { LevelCursor } from "./level-cursor.ts";
import type { EngineSnapshot } from "./live-snapshots.ts";
import { LookupKey } from "./lookup-key.ts";
import { MergingCursor } from "./merging-cursor.ts";
import { PointReader } from "./point-reader.ts";
import { RecordIterator } from "./record-iterator.ts";
import type { FindOutcome } from "./table/table-reader.ts";
import { refusalFrom } from "./trouble.ts";
import type { Version } from "./version/version.ts";

/** A record as the caller may keep it. */
export interface EngineRecord extends CellHeader {
  /** Content type and value, as the writer gave them; a copy. */
  readonly payload: Uint8Array;
}

export interface ReadOptions {
  /** Left out: the present. */
  readonly snapshot?: EngineSnapshot | undefined;
  /** Records that have expired at this time are hidden; left out, none are. */
  readonly now?: Stamp | undefined;
  /**
   * Tombstones that have not been collected are shown: to a lookup for comparing versions with them, to a walk
   * for giving another replica all that there is.
   */
  readonly tombstones?: boolean | undefined;
}

export interface RangeOptions extends ReadOptions {
  /** User keys: the first is included, the second is not. Left out: the incarnation's whole range. */
  readonly lower?: Uint8Array | undefined;
  readonly upper?: Uint8Array | undefined;
  /** From the greatest key to the least. */
  readonly backward?: boolean | undefined;
}

const present: ReadOptions = {};

export class EngineReader {
  private readonly core: EngineCore;
  /** Of the lookup under way, which never lasts beyond one call. */
  private readonly key = new LookupKey();
  private readonly slot = emptySlot();
  private readonly cell = new CellReader();
  private readonly copies = new BytePool();
  private points: PointReader;

  constructor(core: EngineCore) {
    this.core = core;
    this.points = new PointReader(core.tables, core.versions.current);
  }

  /** "need_io": it takes the disk to know; `get` does. */
  getNow(of: Incarnation, userKey: Uint8Array, options: ReadOptions = present): EngineRecord | "absent" | "need_io" {
    const { core, key, slot } = this;
    const limit = limitOf(options, core);
    key.set(of, userKey);
    if (!this.findInMemtables(limit)) {
      const outcome = this.findInTables(limit);
      if (outcome !== "found") return outcome;
    }
    return this.recordOf(slot, userKey, options) ?? "absent";
  }

  async get(of: Incarnation, userKey: Uint8Array, options: ReadOptions = present): Promise<EngineRecord | undefined> {
    const { core } = this;
    const limit = limitOf(options, core);
    const now = this.getNow(of, userKey, options);
    if (now !== "need_io") return now === "absent" ? undefined : now;
    // No memtable holds the key at this limit, and none will: what comes later lies above the limit.
    const lookup = { key: new LookupKey().set(of, userKey), limit, into: emptySlot() };
    const version = core.versions.pin();
    try {
      return await this.pointsOf(version).findLoaded(lookup, (entry) => this.recordOf(entry, userKey, options));
    } catch (failure) {
      throw this.told(failure);
    } finally {
      core.versions.unpin(version);
    }
  }

  iterate(of: Incarnation, options: RangeOptions = present): RecordIterator {
    const { core } = this;
    const backward = options.backward ?? false;
    const limit = limitOf(options, core);
    const slots = core.memtables.pin();
    const version = core.versions.pin();
    const children = slots.map((slot) => slot.memtable.cursor());
    for (const [level, tables] of version.levels.entries()) {
      if (level === 0) for (const table of tables) children.push(new LevelCursor([table], core.tables));
      else if (tables.length > 0) children.push(new LevelCursor(tables, core.tables));
    }
    const bounds = {
      lower: engineKey(of, options.lower ?? nothing),
      upper: options.upper === undefined ? endOf(of) : engineKey(of, options.upper),
      backward,
      limit,
      now: options.now,
      tombstones: options.tombstones ?? false,
    };
    core.readersOpen++;
    return new RecordIterator(new MergingCursor(children, backward), bounds, {
      scheduler: core.seams.scheduler,
      told: (failure) => this.told(failure),
      onClose: () => {
        core.readersOpen--;
        core.memtables.unpin(slots);
        core.versions.unpin(version);
      },
    });
  }

  private findInTables(limit: number): FindOutcome {
    const { core, key, slot } = this;
    try {
      return this.pointsOf(core.versions.current).findNow({ key, limit, into: slot });
    } catch (failure) {
      throw this.told(failure);
    }
  }

  private told(failure: unknown): unknown {
    if (failure instanceof TrefoilError && failure.code === "corruption") this.core.damage ??= failure;
    return refusalFrom(failure, "reading", this.core.folder);
  }

  private recordOf(entry: EntryView, userKey: Uint8Array, options: ReadOptions): EngineRecord | undefined {
    const { cell } = this;
    const { now } = options;
    if (!cell.read(entry.cellBytes, entry.cellStart, entry.cellEnd)) {
      throw this.told(corruption(`the record under key "${printableKey(userKey)}" cannot be read`));
    }
    const { tombstone, stamp, expiry, term, index } = cell;
    if (tombstone) {
      if (options.tombstones !== true) return undefined;
    } else if (now !== undefined && isExpired(expiry, now)) {
      return undefined;
    }
    const payload = this.copies.copy(entry.cellBytes, cell.payloadAt, entry.cellEnd);
    return { term, index, stamp, expiry, tombstone, payload };
  }

  private findInMemtables(limit: number): boolean {
    const { key, slot } = this;
    const { active, sealed } = this.core.memtables;
    if (active.memtable.find(key, limit, slot)) return true;
    for (let at = sealed.length - 1; at >= 0; at--) {
      if (sealed[at]?.memtable.find(key, limit, slot) === true) return true;
    }
    return false;
  }

  private pointsOf(version: Version): PointReader {
    if (this.points.version !== version) this.points = new PointReader(this.core.tables, version);
    return this.points;
  }
}

const nothing = new Uint8Array(0);

export function engineKey(of: Incarnation, userKey: Uint8Array): Uint8Array {
  const key = new Uint8Array(incarnationBytes + userKey.length);
  writeU32BigEndian(key, 0, of);
  key.set(userKey, incarnationBytes);
  return key;
}

/** The least engine key above all of an incarnation's. */
export function endOf(of: Incarnation): Uint8Array {
  const key = new Uint8Array(incarnationBytes);
  writeU32BigEndian(key, 0, of + 1);
  return key;
}

function limitOf(options: ReadOptions, core: EngineCore): number {
  const { snapshot } = options;
  if (snapshot === undefined) return core.lastSequence;
  assert(!snapshot.released, "a snapshot was read after it was released", { sequence: snapshot.sequence });
  return snapshot.sequence;
}
