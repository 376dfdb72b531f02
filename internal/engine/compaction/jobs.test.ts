import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FaultDisk } from "../../../test/disk/fault-disk.ts";
import type { MemoryDisk } from "../../../test/disk/memory-disk.ts";
import type { Entry } from "../../../test/engine/array-cursor.ts";
import { buildTable, makeCell, makeDisk, scanTable, tableFolder, viewOf } from "../../../test/engine/table-fixture.ts";
import { keyOf } from "../../../test/engine/version-fixture.ts";
import { fileNumber, incarnation, sequence } from "../../base/ids.ts";
import { stamp } from "../../base/stamp.ts";
import type { JobSteps } from "../../platform/background.ts";
import { tableName, tablePath } from "../file-names.ts";
import { MemtableArena } from "../memtable/arena.ts";
import { Memtable } from "../memtable/memtable.ts";
import type { TableMeta } from "../table-meta.ts";
import { compactionJob } from "./compaction-job.ts";
import type { CompactionInput } from "./compaction-job.ts";
import { flushJob } from "./flush-job.ts";

const table = { blockBytes: 1024, bloomBitsPerKey: 10 };
const noRules = { snapshots: [], horizons: [], dead: [], below: [] };

interface Ran<Output> {
  readonly output: Output;
  /** The bytes that each step said it had written. */
  readonly yielded: readonly number[];
}

function run<Output>(steps: JobSteps<Output>): Ran<Output> {
  const yielded: number[] = [];
  for (;;) {
    const result = steps.next();
    if (result.done === true) return { output: result.value, yielded };
    yielded.push(result.value);
  }
}

function entry(number: number, at: number, payloadBytes = 40): Entry {
  const cell = makeCell({ payload: new Uint8Array(payloadBytes).fill(at), stamp: at });
  return { key: keyOf(1, String(number).padStart(6, "0")), sequence: at, cell };
}

function inputOf(runs: readonly (readonly TableMeta[])[], more: Partial<CompactionInput> = {}): CompactionInput {
  return {
    folder: tableFolder,
    runs,
    rules: noRules,
    numbers: { first: fileNumber(100), count: 50 },
    table,
    tableBytes: 8 * 1024,
    grandparents: [],
    ...more,
  };
}

/** Two runs: every key in tables 1 and 2, one behind the other, every third key newer in table 3. */
async function twoRuns(count: number, payloadBytes = 40): Promise<{ disk: MemoryDisk; runs: TableMeta[][] }> {
  const disk = await makeDisk();
  const older = Array.from({ length: count }, (_, at) => entry(at, 1 + at, payloadBytes));
  const newer = older.filter((_, at) => at % 3 === 0).map((_, at) => entry(3 * at, count + 1 + at, payloadBytes));
  const half = Math.floor(count / 2);
  const deep = [
    buildTable(disk, older.slice(0, half), { number: 1 }),
    buildTable(disk, older.slice(half), { number: 2 }),
  ];
  return { disk, runs: [[buildTable(disk, newer, { number: 3 })], deep] };
}

describe("a merge", () => {
  test("writes the newest of each key, cut at the target size, under its numbers", async () => {
    const { disk, runs } = await twoRuns(1000);
    const { output } = run(compactionJob.run(inputOf(runs), disk.jobs));
    const found = output.tables.flatMap((meta) => scanTable(disk, meta));
    assert.equal(found.length, 1000);
    for (const [at, { sequence: seen }] of found.entries()) assert.equal(seen, at % 3 === 0 ? 1001 + at / 3 : 1 + at);
    assert.equal(output.dropped.hidden, 334);
    assert.ok(output.tables.length > 4);
    for (const [at, meta] of output.tables.entries()) {
      assert.equal(meta.number, 100 + at);
      if (at + 1 < output.tables.length) assert.ok(meta.bytes >= 8 * 1024 && meta.bytes < 11 * 1024, `${meta.bytes}`);
    }
    assert.equal(
      output.bytesWritten,
      output.tables.reduce((sum, meta) => sum + meta.bytes, 0),
    );
    assert.equal(disk.openFileCount, 0);
  });

  test("syncs every output before it answers", async () => {
    const { disk, runs } = await twoRuns(300);
    disk.startTrace(tableFolder);
    const { output } = run(compactionJob.run(inputOf(runs), disk.jobs));
    const trace = disk.takeTrace();
    for (const { number } of output.tables) {
      const own = trace.filter((line) => line.includes(tableName(number)));
      assert.match(own[0] ?? "", /^create/);
      assert.match(own.at(-1) ?? "", /^syncData/);
    }
  });

  test("can be held every 256 KiB that it writes, and tells all of them", async () => {
    const { disk, runs } = await twoRuns(400, 20_000);
    const { output, yielded } = run(compactionJob.run(inputOf(runs, { tableBytes: 4 * 1024 * 1024 }), disk.jobs));
    assert.equal(
      yielded.reduce((sum, bytes) => sum + bytes, 0),
      output.bytesWritten,
    );
    assert.ok(output.bytesWritten > 7_000_000);
    assert.ok(Math.max(...yielded) < 600_000, `${Math.max(...yielded)} bytes at once`);
  });

  test("cuts an output that would meet too much of the level below", async () => {
    const { disk, runs } = await twoRuns(1000);
    const grandparents = Array.from({ length: 100 }, (_, at) => ({
      smallest: keyOf(1, String(10 * at).padStart(6, "0")),
      largest: keyOf(1, String(10 * at + 9).padStart(6, "0")),
      bytes: 1024 * 1024,
    }));
    const tableBytes = 1024 * 1024;
    const { output } = run(compactionJob.run(inputOf(runs, { tableBytes, grandparents }), disk.jobs));
    assert.equal(output.tables.length, 10, "each meets eleven of a hundred");
    const [first] = output.tables;
    assert.deepEqual(first?.largest, keyOf(1, "000109"), "cut where the eleventh has been passed");
  });

  test("does not cut between two versions of a key", async () => {
    const disk = await makeDisk();
    const versions = Array.from({ length: 300 }, (_, at) => entry(7, 300 - at));
    const meta = buildTable(disk, [...versions, entry(8, 301)], { number: 1 });
    const snapshots = versions.map((version) => sequence(version.sequence)).toSorted((a, b) => a - b);
    const rules = { ...noRules, snapshots };
    const { output } = run(compactionJob.run(inputOf([[meta]], { rules, tableBytes: 1024 }), disk.jobs));
    assert.deepEqual(
      output.tables.map((out) => out.entries),
      [300, 1],
    );
  });

  test("that keeps nothing writes no file", async () => {
    const { disk, runs } = await twoRuns(100);
    const rules = { ...noRules, dead: [incarnation(1)] };
    const { output } = run(compactionJob.run(inputOf(runs, { rules }), disk.jobs));
    assert.deepEqual(output.tables, []);
    assert.equal(output.dropped.dead, 134);
    assert.deepEqual((await disk.list(tableFolder)).length, 3);
  });

  test("that fails at any write or sync leaves only files under its numbers, and closes all", async () => {
    let failures = 0;
    for (let when = 1, struck = true; struck; when += 3) {
      const { disk: memory, runs } = await twoRuns(2000);
      const disk = new FaultDisk(memory);
      const rule = disk.arm({ calls: ["write", "syncData"], when, fault: { kind: "fail", failure: "full" } });
      const job = compactionJob.run(inputOf(runs), disk.jobs);
      struck = failureOf(() => run(job)) !== undefined;
      assert.equal(struck, rule.struck > 0);
      if (struck) failures++;
      assert.equal(memory.openFileCount, 0, `failure ${when}`);
      const names = (await memory.list(tableFolder)).filter((name) => !/^00000[123]\.table$/.test(name));
      assert.ok(
        names.every((name) => /^0001[0-4]\d\.table$/.test(name)),
        names.join(" "),
      );
    }
    assert.ok(failures >= 5, `${failures} failures`);
  });

  test("stops at damage in an input", async () => {
    const { disk, runs } = await twoRuns(500);
    const path = tablePath(tableFolder, fileNumber(2));
    const bytes = (disk.peek(path) as Uint8Array).slice();
    bytes[5000] = (bytes[5000] as number) ^ 4;
    disk.put(path, bytes);
    const damage = { code: "corruption", message: /000002\.table/ };
    assert.throws(() => run(compactionJob.run(inputOf(runs), disk.jobs)), damage);
    assert.equal(disk.openFileCount, 0);
  });

  test("that was given too few numbers says so, and takes no others", async () => {
    const { disk, runs } = await twoRuns(1000);
    const numbers = { first: fileNumber(100), count: 2 };
    assert.throws(() => run(compactionJob.run(inputOf(runs, { numbers }), disk.jobs)), /ran out of the numbers/);
    assert.equal(await disk.sizeOf(tablePath(tableFolder, fileNumber(102))), undefined);
  });
});

describe("a flush", () => {
  const flushOf = (entries: readonly Entry[], more: { dead?: number[]; snapshots?: number[] } = {}) => {
    const memtable = new Memtable(new MemtableArena(1024 * 1024));
    for (const given of entries) memtable.add(viewOf(given));
    return {
      path: tablePath(tableFolder, fileNumber(9)),
      number: fileNumber(9),
      memtable: memtable.sealed(),
      snapshots: (more.snapshots ?? []).map(sequence),
      dead: (more.dead ?? []).map(incarnation),
      table,
    };
  };

  test("keeps what somebody can see, tombstones and expired records among it", async () => {
    const disk = await makeDisk();
    const tombstone = { key: keyOf(1, "a"), sequence: 5, cell: makeCell({ tombstone: true, stamp: 5 }) };
    const expired = { key: keyOf(1, "b"), sequence: 6, cell: makeCell({ expiry: stamp(1), stamp: 6 }) };
    const old = (at: number) => ({ key: keyOf(1, "a"), sequence: at, cell: makeCell({ stamp: at }) });
    const { output } = run(
      flushJob.run(flushOf([old(1), old(2), old(3), tombstone, expired], { snapshots: [2] }), disk.jobs),
    );
    assert.ok(output !== undefined);
    assert.deepEqual(
      scanTable(disk, output).map((found) => found.sequence),
      [5, 2, 6],
    );
    assert.equal(disk.openFileCount, 0);
  });

  test("leaves dead groups out, and makes no file for them alone", async () => {
    const disk = await makeDisk();
    const other = { key: keyOf(2, "a"), sequence: 9, cell: makeCell({ stamp: 9 }) };
    const { output } = run(flushJob.run(flushOf([entry(1, 3), other], { dead: [1] }), disk.jobs));
    assert.deepEqual(output?.smallest, keyOf(2, "a"));
    const again = await makeDisk();
    const nothing = run(flushJob.run(flushOf([entry(1, 3)], { dead: [1] }), again.jobs));
    assert.equal(nothing.output, undefined);
    assert.deepEqual(await again.list(tableFolder), []);
  });

  test("that fails leaves a file under its number at most, and closes it", async () => {
    const memory = await makeDisk();
    const disk = new FaultDisk(memory);
    disk.arm({ calls: ["syncData"], when: 1, fault: { kind: "fail", failure: "failed" } });
    const entries = Array.from({ length: 500 }, (_, at) => entry(at, at + 1));
    assert.throws(() => run(flushJob.run(flushOf(entries), disk.jobs)), { kind: "failed" });
    assert.equal(memory.openFileCount, 0);
  });
});

function failureOf(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (failure) {
    return failure;
  }
}
