import assert from "node:assert/strict";
import { it } from "node:test";
import { groupId, logIndex, term } from "../base/ids.ts";
import { stamp } from "../base/stamp.ts";
import type { GroupLog } from "../log/group-log.ts";
import { entryRecord } from "../log/record.ts";
import { LogEntries } from "./log-entries.ts";

const payload = new Uint8Array(100);
const view = (index: number) => {
  const entry = { term: term(1), index: logIndex(index), stamp: stamp(index), flags: 0, kind: 2, payload };
  const bytes = entryRecord(groupId(1), entry, payload);
  return { bytes, start: 0, end: bytes.length };
};

it("of entries that were loaded nobody gets more than he asks for, whoever had them loaded", async () => {
  const group = {
    group: groupId(1),
    termOf: () => term(1),
    read: (from: number, to: number) => {
      const entries = Array.from({ length: to - from + 1 }, (_, at) => view(from + at));
      return Promise.resolve({ kind: "entries", entries });
    },
    readNow: () => undefined,
  };
  const entries = new LogEntries(group as unknown as GroupLog);
  const got = async (to: number, bytesMax: number): Promise<readonly number[] | undefined> => {
    await entries.load({ from: logIndex(10), to: logIndex(20) }, 10_000);
    return entries.readNow({ from: logIndex(10), to: logIndex(to) }, bytesMax)?.map(({ index }) => index);
  };
  const whole = Array.from({ length: 11 }, (_, at) => 10 + at);
  assert.deepEqual(await got(20, 10_000), whole);
  assert.deepEqual(await got(25, 10_000), whole);
  assert.deepEqual(await got(12, 10_000), [10, 11, 12], "those behind may not be committed");
  const { length } = view(10).bytes;
  assert.deepEqual(await got(20, 2 * length), [10, 11]);
  assert.deepEqual(await got(20, 1), [10], "one at least");
  assert.equal(entries.readNow({ from: logIndex(10), to: logIndex(20) }, 10_000), undefined, "each load is taken once");
});
