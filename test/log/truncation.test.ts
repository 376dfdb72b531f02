// Only truncation records truncate (rule 22): whatever else names an index that is taken, or leaves some out,
// is damage, however well its checksums agree.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { readU32 } from "../../internal/base/codec.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { logIndex, term } from "../../internal/base/ids.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { batchHeaderBytes, checkpointFlag, sealBatch } from "../../internal/log/format.ts";
import * as record from "../../internal/log/record.ts";
import { recordType } from "../../internal/log/record.ts";
import type { MemoryDisk } from "../disk/memory-disk.ts";
import { nothingSurvives } from "../disk/power-cut.ts";
import { append, contents, group1, newWorld, open } from "./harness.ts";
import { diskOf, filesOf, inspectAll } from "./files.ts";

const name = "00000001.log";

/** A log of three entries, with one more batch of these records behind them as if the log had written it. */
async function logFollowedBy(records: readonly Uint8Array[], flags = 0): Promise<MemoryDisk> {
  const world = newWorld();
  const log = await open(world);
  for (const text of ["a", "b", "c"]) await log.whenDurable(append(log.group(group1), text));
  const files = await filesOf(world.disk.clone(nothingSurvives()));
  const last = (await inspectAll(world.disk)).filter((item) => item.kind === "batch").at(-1);
  assert.ok(last !== undefined);
  const at = last.offset + batchHeaderBytes + last.bytes;
  const bytes = files.get(name)?.slice(0, at) as Uint8Array;
  const length = records.reduce((sum, it) => sum + it.length, 0);
  const batch = new Uint8Array(batchHeaderBytes + length);
  let to = batchHeaderBytes;
  for (const it of records) {
    batch.set(it, to);
    to += it.length;
  }
  sealBatch(batch, 0, { position: at, synced: at, length, flags }, readU32(bytes, 24));
  files.set(name, new Uint8Array([...bytes, ...batch]));
  return diskOf(files);
}

function entry(index: number, entryTerm: number): Uint8Array {
  const fields = { group: group1, term: term(entryTerm), index: logIndex(index), stamp: stamp(1), flags: 0, kind: 7 };
  return record.entryRecord(fields.group, fields, utf8("new"));
}

function numbers(type: record.RecordType, values: readonly number[], flags = 0): Uint8Array {
  const bytes = new Uint8Array(record.recordHeaderBytes + 8 * values.length);
  values.forEach((value, which) => record.writeNumber(bytes, 0, which, value));
  record.sealRecord(bytes, 0, bytes.length, { type, group: group1, flags });
  return bytes;
}

function carried(index: number, entryTerm: number): Uint8Array {
  const inner = entry(index, entryTerm);
  const bytes = new Uint8Array(record.nestedAt + inner.length);
  bytes.set(inner, record.nestedAt);
  record.sealRecord(bytes, 0, bytes.length, { type: recordType.carried, group: group1 });
  return bytes;
}

describe("log: only truncation records truncate", () => {
  const refused: Readonly<Record<string, () => Promise<MemoryDisk>>> = {
    "an entry whose index is taken": () => logFollowedBy([entry(2, 2)]),
    "an entry that leaves one out": () => logFollowedBy([entry(5, 2)]),
    "an entry whose index is taken, behind a new term": () =>
      logFollowedBy([numbers(recordType.hardState, [2, 1, 0]), entry(3, 2)]),
    "a carried entry that is another one": () => logFollowedBy([carried(2, 2)], checkpointFlag),
    "a mark whose term is another one": () => logFollowedBy([numbers(recordType.mark, [2, 9])]),
    "a truncation of what is not there": () => logFollowedBy([numbers(recordType.truncation, [4])]),
  };
  for (const [what, make] of Object.entries(refused)) {
    it(`refuses ${what}`, async () => {
      await assert.rejects(open(newWorld(await make())), (reason: unknown) => {
        return reason instanceof TrefoilError && reason.code === "corruption" && reason.message.includes(name);
      });
    });
  }

  it("takes the same entry behind a truncation", async () => {
    const log = await open(newWorld(await logFollowedBy([numbers(recordType.truncation, [2]), entry(2, 2)])));
    assert.deepEqual(await contents(log.group(group1)), ["1.1 a", "2.2 new"]);
  });

  it("loses nothing by a hard state, a salvage that is dropped, or a mark", async () => {
    const rest = [
      numbers(recordType.hardState, [7, 1, 0]),
      numbers(recordType.salvageDropped, [1, 2]),
      numbers(recordType.mark, [1, 1]),
    ];
    const log = await open(newWorld(await logFollowedBy(rest)));
    assert.deepEqual(await contents(log.group(group1)), ["1.2 b", "1.3 c"]);
  });
});
