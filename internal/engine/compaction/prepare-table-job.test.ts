import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { makeCell, makeDisk, scanTable, tableFolder } from "../../../test/engine/table-fixture.ts";
import { keyOf } from "../../../test/engine/version-fixture.ts";
import { utf8 } from "../../base/bytes.ts";
import { ByteWriter } from "../../base/codec.ts";
import { fileNumber, incarnation } from "../../base/ids.ts";
import { TrefoilError } from "../../base/errors.ts";
import type { JobSteps } from "../../platform/background.ts";
import { tablePath } from "../file-names.ts";
import { compactionJob } from "./compaction-job.ts";
import { prepareTableJob } from "./prepare-table-job.ts";

const path = tablePath(tableFolder, fileNumber(1));
const table = { blockBytes: 1024, bloomBitsPerKey: 10 };
const cell = (number: number, bytes = 40): Uint8Array => makeCell({ payload: new Uint8Array(bytes).fill(number) });

function chunkOf(numbers: readonly number[], bytes?: number): Uint8Array {
  const writer = new ByteWriter(4096);
  for (const number of numbers) writer.block(utf8(`key-${number}`)).block(cell(number, bytes));
  return writer.finish();
}

function ended<Output>(steps: JobSteps<Output>): { readonly output: Output; readonly pauses: number } {
  for (let pauses = 0; ; pauses++) {
    const result = steps.next();
    if (result.done === true) return { output: result.value, pauses };
  }
}

describe("a table of a snapshot that comes in", () => {
  test("has the records of all chunks, under the incarnation that they are for", async () => {
    const disk = await makeDisk();
    const chunks = [chunkOf([1, 2, 3]), chunkOf([4, 5])];
    const input = { path, incarnation: incarnation(7), chunks, table };
    const { output } = ended(prepareTableJob.run(input, disk.jobs));
    const found = scanTable(disk, output);
    assert.deepEqual(
      found.map((entry) => [entry.key, entry.cell]),
      [1, 2, 3, 4, 5].map((number) => [keyOf(7, `key-${number}`), cell(number)]),
    );
    assert.equal(disk.openFileCount, 0);
  });

  test("stops again and again for what goes before it, and is held by no rate of merges", async () => {
    const disk = await makeDisk();
    const numbers = Array.from({ length: 100 }, (_, at) => 100 + at);
    const input = { path, incarnation: incarnation(7), chunks: [chunkOf(numbers, 20_000)], table };
    assert.ok(ended(prepareTableJob.run(input, disk.jobs)).pauses >= 7);
    assert.deepEqual([prepareTableJob.urgent, compactionJob.urgent], [true, false]);
  });

  test("is none when a record cannot be read, and keeps no file open", async () => {
    const disk = await makeDisk();
    const broken = new ByteWriter(64).block(utf8("key")).block(new Uint8Array(3)).finish();
    const input = { path, incarnation: incarnation(7), chunks: [broken], table };
    assert.throws(
      () => ended(prepareTableJob.run(input, disk.jobs)),
      (reason) => reason instanceof TrefoilError && reason.code === "corruption",
    );
    assert.equal(disk.openFileCount, 0);
  });
});
