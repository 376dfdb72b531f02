import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  buildTable,
  inspect,
  makeCell,
  makeDisk,
  plainEntries,
  scanTable,
  tableFolder,
  viewOf,
} from "../../../test/engine/table-fixture.ts";
import { FaultDisk } from "../../../test/disk/fault-disk.ts";
import { Prng } from "../../base/prng.ts";
import { fileNumber } from "../../base/ids.ts";
import type { Disk } from "../../platform/disk.ts";
import { tablePath } from "../file-names.ts";
import { TableBuilder } from "./table-builder.ts";

const options = { number: fileNumber(1), blockBytes: 4096, bloomBitsPerKey: 10 };

function begin(disk: Disk) {
  const file = disk.jobs.createFile(tablePath(tableFolder, options.number));
  return { file, builder: new TableBuilder(file, options) };
}

describe("a table builder", () => {
  test("writes large pieces, syncs each MiB and at the end, and tells the bytes as they go out", async () => {
    const disk = await makeDisk();
    disk.startTrace(tableFolder);
    const { file, builder } = begin(disk);
    let told = 0;
    for (const entry of plainEntries(10_000, 200)) {
      builder.add(viewOf(entry));
      told += builder.takeUnyieldedBytes();
    }
    const meta = builder.finish();
    file.close();
    assert.equal(told + builder.takeUnyieldedBytes(), meta.bytes);
    assert.equal(builder.takeUnyieldedBytes(), 0);
    const calls = disk.takeTrace().map((line) => line.split(" ")[0] ?? "");
    assert.equal(
      calls.join(" "),
      "create write write write write syncData write write write write syncData write syncData",
    );
  });

  test("estimates well what the file would take", async () => {
    for (const count of [1, 10, 1000, 20_000]) {
      const { file, builder } = begin(await makeDisk());
      for (const entry of plainEntries(count, 100)) builder.add(viewOf(entry));
      const estimated = builder.bytesWritten;
      assert.equal(builder.entries, count);
      const { bytes } = builder.finish();
      file.close();
      assert.ok(Math.abs(estimated - bytes) < 300 + bytes / 50, `${count} entries: ${estimated} for ${bytes}`);
    }
  });

  test("takes cells far larger than its piece of output between small ones", async () => {
    const disk = await makeDisk();
    const entries = plainEntries(30).map((entry, at) =>
      at % 7 === 3 ? { ...entry, cell: makeCell({ payload: new Uint8Array(100_000 * at).fill(at) }) } : entry,
    );
    const meta = buildTable(disk, entries);
    assert.deepEqual(scanTable(disk, meta), entries);
    assert.deepEqual(inspect(disk, meta).damage, []);
  });

  test("stops the process on entries out of order, or without any", async () => {
    const [first, second] = plainEntries(2);
    assert.ok(first !== undefined && second !== undefined);
    const prefix = { ...first, key: first.key.slice(0, -1) };
    const wrong = [
      [second, first],
      [first, first],
      [first, prefix],
      [first, { ...first, sequence: first.sequence + 1 }],
    ];
    for (const pair of wrong) {
      const { builder } = begin(await makeDisk());
      assert.throws(() => pair.forEach((entry) => builder.add(viewOf(entry))), { name: "AssertionFailure" });
    }
    const { builder } = begin(await makeDisk());
    assert.throws(() => builder.finish(), { name: "AssertionFailure" });
    const { builder: done } = begin(await makeDisk());
    done.add(viewOf(first));
    done.finish();
    assert.throws(() => done.finish(), { name: "AssertionFailure" });
    assert.throws(() => done.add(viewOf(second)), { name: "AssertionFailure" });
  });

  test("resumes short writes", async () => {
    const disk = new FaultDisk(await makeDisk(), { random: new Prng(5) });
    disk.arm({ calls: ["write"], when: { chance: [2, 3] }, times: 100, fault: { kind: "short" } });
    const entries = plainEntries(5000, 100);
    const meta = buildTable(disk, entries);
    assert.deepEqual(scanTable(disk, meta), entries);
  });

  test("lets a full disk and a failed sync through to its caller", async () => {
    const entries = plainEntries(20_000, 100);
    const full = new FaultDisk(await makeDisk());
    full.limitSpace(1_000_000);
    assert.throws(() => buildTable(full, entries), { name: "DiskFailure", kind: "full" });
    const broken = new FaultDisk(await makeDisk());
    broken.arm({ calls: ["syncData"], when: 2, fault: { kind: "fail", failure: "failed" } });
    assert.throws(() => buildTable(broken, entries), { name: "DiskFailure", kind: "failed" });
  });
});
