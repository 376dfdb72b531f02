// An engine, the plain log that it would be replayed from, and what it must therefore hold: of each
// incarnation the state after any of its log entries. For tests that stop an engine somewhere, open it
// again and look.

import assert from "node:assert/strict";
import { compareBytes, utf8, utf8Text } from "../../internal/base/bytes.ts";
import { fileNumber, logIndex, sequence, term } from "../../internal/base/ids.ts";
import type { GroupId, Incarnation } from "../../internal/base/ids.ts";
import { isExpired, neverExpires, stamp } from "../../internal/base/stamp.ts";
import type { Stamp } from "../../internal/base/stamp.ts";
import type { EngineSeams } from "../../internal/engine/core.ts";
import { Engine } from "../../internal/engine/engine.ts";
import { parseFileName, tableName } from "../../internal/engine/file-names.ts";
import type { PreparedTable } from "../../internal/engine/ingest.ts";
import type { EngineSnapshot } from "../../internal/engine/live-snapshots.ts";
import type { EngineOptions } from "../../internal/engine/options.ts";
import { engineKey } from "../../internal/engine/reader.ts";
import { TableBuilder } from "../../internal/engine/table/table-builder.ts";
import { readManifest } from "../../internal/engine/version/manifest-reader.ts";
import { faultOf } from "../../internal/engine/version/version.ts";
import { WriteBatch } from "../../internal/engine/write-batch.ts";
import type { Disk } from "../../internal/platform/disk.ts";
import { makeCell, viewOf } from "./table-fixture.ts";

export const engineFolder = "/data/engine";

export interface Operation {
  readonly key: string;
  /** Left out: a delete. */
  readonly text?: string | undefined;
  /** Left out: never. */
  readonly expiry?: number;
}

export interface Held {
  readonly text: string;
  /** Of the log entry that wrote it. */
  readonly index: number;
  readonly expiry: Stamp;
}

export type Contents = ReadonlyMap<string, Held>;

/** The log of one incarnation: what it began with, and what was written since. Entry `index` has stamp `index`. */
export class IncarnationLog {
  readonly incarnation: Incarnation;
  readonly baseIndex: number;
  private readonly base: Contents;
  private readonly entries: (readonly Operation[])[] = [];

  constructor(of: Incarnation, base: Contents = new Map(), baseIndex = 0) {
    this.incarnation = of;
    this.base = base;
    this.baseIndex = baseIndex;
  }

  get lastIndex(): number {
    return this.baseIndex + this.entries.length;
  }

  append(operations: readonly Operation[]): number {
    this.entries.push(operations);
    return this.lastIndex;
  }

  entry(index: number): readonly Operation[] {
    return this.entries[index - this.baseIndex - 1] as readonly Operation[];
  }

  /** Every key that it ever wrote or deleted. */
  keys(): Set<string> {
    return new Set(this.entries.flat().map(({ key }) => key));
  }

  /** What the incarnation holds after entry `index`, as `now` sees it. */
  contentsAt(index: number, now: Stamp): Contents {
    const contents = new Map(this.base);
    for (let at = this.baseIndex + 1; at <= index; at++) {
      for (const { key, text, expiry } of this.entry(at)) {
        if (text === undefined) contents.delete(key);
        else contents.set(key, { text, index: at, expiry: stamp(expiry ?? neverExpires) });
      }
    }
    return new Map([...contents].filter(([, held]) => !isExpired(held.expiry, now)));
  }
}

export interface LifeOptions {
  readonly seams: EngineSeams;
  readonly engine: Partial<EngineOptions>;
  readonly folder?: string;
}

export class EngineLife {
  /** By incarnation, dead ones too. Shared by the lives of one folder, one after the other. */
  readonly logs: Map<Incarnation, IncarnationLog>;
  readonly engine: Engine;
  private readonly options: LifeOptions;
  private readonly batch = new WriteBatch();

  private constructor(engine: Engine, options: LifeOptions, logs: Map<Incarnation, IncarnationLog>) {
    this.engine = engine;
    this.options = options;
    this.logs = logs;
  }

  static async open(options: LifeOptions, logs = new Map<Incarnation, IncarnationLog>()): Promise<EngineLife> {
    const engine = await Engine.open(options.seams, options.folder ?? engineFolder, options.engine);
    return new EngineLife(engine, options, logs);
  }

  get disk(): Disk {
    return this.options.seams.disk;
  }

  /** Closes the engine, opens the folder again, and replays what was not flushed. */
  async reopen(seams = this.options.seams): Promise<EngineLife> {
    await this.engine.close();
    const next = await EngineLife.open({ ...this.options, seams }, this.logs);
    await next.replay();
    return next;
  }

  async create(group: GroupId): Promise<Incarnation> {
    const of = await this.engine.createIncarnation(group);
    this.logs.set(of, new IncarnationLog(of));
    return of;
  }

  /** The group's data becomes what a snapshot holds that was taken behind entry `index` of its log. */
  async install(group: GroupId, given: { tables: number; perTable: number; index: number }): Promise<Incarnation> {
    const of = await this.engine.reserveIncarnation();
    const contents = snapshotContents(given.tables * given.perTable, given.index);
    const { disk } = this.options.seams;
    const tables = await prepareTables(disk, {
      folder: `/data/incoming-${of}`,
      of,
      contents,
      perTable: given.perTable,
    });
    this.logs.set(of, new IncarnationLog(of, contents, given.index));
    const snapshot = { term: term(1), index: logIndex(given.index) };
    await this.engine.ingest({
      incarnation: of,
      tables,
      appliedIndex: snapshot.index,
      replaces: { group, snapshot },
    });
    return of;
  }

  log(of: Incarnation): IncarnationLog {
    const log = this.logs.get(of);
    assert.ok(log !== undefined, `nothing was ever written under incarnation ${of}`);
    return log;
  }

  /** One log entry. */
  async write(of: Incarnation, operations: readonly Operation[]): Promise<void> {
    await this.apply(of, this.log(of).append(operations));
  }

  /** `count` log entries of a put each: keys in a fixed disorder, values of about `bytes`. */
  async fill(of: Incarnation, count: number, bytes = 100): Promise<void> {
    for (let done = 0; done < count; done++) {
      const number = this.log(of).lastIndex;
      await this.write(of, [{ key: `key-${(number * 7919) % 97}`, text: `${number} `.padEnd(bytes, "abcdefg ") }]);
    }
  }

  /** Everything that the log has and the tables do not; the log ends where `ends` says, when it says. */
  async replay(ends?: ReadonlyMap<Incarnation, number>): Promise<void> {
    for (const group of this.engine.groups) {
      const of = this.engine.placeOf(group)?.incarnation as Incarnation;
      const end = ends === undefined ? (this.logs.get(of)?.lastIndex ?? 0) : (ends.get(of) ?? 0);
      for (let at = this.engine.appliedIndex(of) + 1; at <= end; at++) await this.apply(of, at);
    }
  }

  /** Applies the log from behind `index` on: what was refused before. */
  async replayFrom(of: Incarnation, index: number): Promise<void> {
    const { lastIndex } = this.log(of);
    for (let at = index + 1; at <= lastIndex; at++) await this.apply(of, at);
  }

  /** What a walk shows; each record is looked up as well. */
  async contents(of: Incarnation, now: Stamp, snapshot?: EngineSnapshot): Promise<Contents> {
    const contents = new Map<string, Held>();
    const iterator = this.engine.iterate(of, { now, snapshot });
    try {
      while (await iterator.nextLoaded()) {
        const key = iterator.key();
        const record = await this.engine.get(of, key, { now, snapshot });
        assert.ok(record !== undefined, `a walk shows ${utf8Text(key)}, a lookup does not`);
        contents.set(utf8Text(key), { text: utf8Text(record.payload), index: record.index, expiry: record.expiry });
      }
    } finally {
      iterator.close();
    }
    return contents;
  }

  /** The incarnation holds what its log says up to `index`, the end when left out; and every lookup agrees. */
  async check(of: Incarnation, given: { index?: number; now?: number; snapshot?: EngineSnapshot } = {}): Promise<void> {
    this.engine.checkInvariants();
    const log = this.log(of);
    const now = stamp(given.now ?? log.lastIndex);
    const expected = log.contentsAt(given.index ?? log.lastIndex, now);
    const contents = await this.contents(of, now, given.snapshot);
    assert.deepEqual(sorted(contents), sorted(expected));
    for (const key of log.keys()) {
      const record = await this.engine.get(of, utf8(key), { now, snapshot: given.snapshot });
      assert.equal(record?.index, expected.get(key)?.index, `the lookup of ${key}`);
    }
  }

  get canWriteOne(): boolean {
    return this.engine.canWrite(this.batch);
  }

  private async apply(of: Incarnation, index: number): Promise<void> {
    const { batch, engine } = this;
    batch.clear();
    const origin = { term: term(1), index: logIndex(index), stamp: stamp(index) };
    for (const { key, text, expiry } of this.log(of).entry(index)) {
      if (text === undefined) batch.delete(of, utf8(key), origin);
      else batch.put(of, utf8(key), { ...origin, expiry: stamp(expiry ?? neverExpires) }, utf8(text));
    }
    while (!engine.canWrite(batch)) {
      if (engine.trouble !== undefined) throw engine.trouble;
      await engine.whenWritable();
    }
    engine.write(batch, { incarnation: of, appliedIndex: logIndex(index) });
  }
}

/** Builds tables for an ingest in a folder of their own, `perTable` records each. */
export async function prepareTables(
  disk: Disk,
  given: { folder: string; of: Incarnation; contents: Contents; perTable: number },
): Promise<PreparedTable[]> {
  await disk.makeFolder(given.folder);
  const rows = [...given.contents]
    .map(([key, held]) => ({ key: engineKey(given.of, utf8(key)), held }))
    .toSorted((a, b) => compareBytes(a.key, b.key));
  const tables: PreparedTable[] = [];
  for (let at = 0; at < rows.length; at += given.perTable) {
    const number = fileNumber(tables.length + 1);
    const path = `${given.folder}/${tableName(number)}`;
    const file = disk.jobs.createFile(path);
    const builder = new TableBuilder(file, { number, blockBytes: 512, bloomBitsPerKey: 10 });
    for (const { key, held } of rows.slice(at, at + given.perTable)) {
      const parts = { payload: utf8(held.text), stamp: held.index, expiry: held.expiry, term: 1, index: held.index };
      builder.add(viewOf({ key, sequence: sequence(1), cell: makeCell(parts) }));
    }
    const meta = builder.finish();
    file.close();
    tables.push({ path, meta });
  }
  return tables;
}

/** What a snapshot may hold that goes up to log entry `index`. */
export function snapshotContents(count: number, index: number): Contents {
  const rows = Array.from({ length: count }, (_, at): [string, Held] => {
    return [`key-${at * 3}`, { text: `snapshot ${at}`, index: 1 + (at % index), expiry: neverExpires }];
  });
  return new Map(rows);
}

/** What lies in an engine's folder is what its manifest names and nothing else, and its levels are in order. */
export async function checkFolder(disk: Disk, folder = engineFolder): Promise<void> {
  const names = await disk.list(folder);
  const manifests = names.filter((name) => parseFileName(name)?.kind === "manifest");
  assert.equal(manifests.length, 1, `one manifest in ${names.join(" ")}`);
  const { state } = await readManifest(disk, `${folder}/${manifests[0] ?? ""}`);
  assert.equal(faultOf(state.version), undefined);
  const tables = state.version.levels.flat().map((table) => tableName(table.number));
  assert.deepEqual(names, [...tables, "current", ...manifests].toSorted(), "no table is missing, no file is stray");
}

function sorted(contents: Contents): [string, Held][] {
  return [...contents].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
