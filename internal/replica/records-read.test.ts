// What is held of the records that an entry reads: the values that matter, up to a bound.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../base/bytes.ts";
import { logIndex, replicaId, term } from "../base/ids.ts";
import { neverExpires, stamp } from "../base/stamp.ts";
import type { EngineRecord } from "../engine/reader.ts";
import { configuration } from "../raft/configuration.ts";
import { action, conditionKind, expiryMode } from "./command.ts";
import type { Operation } from "./command.ts";
import { decide } from "./decide.ts";
import { GroupState } from "./group-state.ts";
import { RecordsRead, valuesHeldBytesMax, wantedByCommand, wantedByLoad } from "./records-read.ts";

const now = stamp(1000);
const large = new Uint8Array(valuesHeldBytesMax / 4);
const origin = { term: term(2), index: logIndex(9), stamp: now };

function recordOf(index: number, what: Partial<EngineRecord> = {}): EngineRecord {
  const version = { term: term(1), index: logIndex(index) };
  return { ...version, stamp: stamp(index), expiry: neverExpires, tombstone: false, payload: large, ...what };
}

function operations(count: number, what: Partial<Operation> & Pick<Operation, "action">): Operation[] {
  const blank = {
    condition: conditionKind.none,
    expiry: expiryMode.never,
    wantsPrevious: false,
    body: new Uint8Array(0),
  };
  return Array.from({ length: count }, (_, at) => ({ ...blank, key: utf8(`key ${at}`), ...what }));
}

/** Reads what the operations want, all of it there; decides; and says how many bytes of values were held for that. */
function read(all: Operation[], found: (at: number) => EngineRecord) {
  const command = { request: undefined, operations: all };
  const wanted = wantedByCommand(command, new GroupState(configuration([1, 2, 3].map(replicaId))));
  const records = new RecordsRead(now);
  for (const [at, one] of wanted.entries()) records.add(one, found(at));
  const bytes = wanted.reduce((sum, { key }) => sum + (records.get(key)?.payload.length ?? 0), 0);
  const { answer } = decide(command, origin, (key) => records.get(Uint8Array.of(1, ...key)));
  return { bytes, wanted, answer: answer.kind === "refused" ? `${answer.why} ${answer.operation}` : answer.kind };
}

describe("of the records that a command names", () => {
  it("no values are held where only their presence decides, however many there are", () => {
    const { bytes, answer } = read(
      operations(100, { action: action.delete, condition: conditionKind.present }),
      recordOf,
    );
    assert.deepEqual([bytes, answer], [0, "done"]);
  });

  it("values that it writes anew or answers are held up to a bound, and beyond it the command is too large", () => {
    for (const what of [
      { action: action.append },
      { action: action.touch },
      { action: action.delete, wantsPrevious: true },
    ]) {
      const { bytes, answer } = read(operations(100, what), recordOf);
      assert.equal(bytes, valuesHeldBytesMax);
      assert.match(answer, /^too_large/);
    }
    const counters = operations(5, { action: action.increment, body: utf8("1") });
    assert.equal(read(counters, recordOf).answer, "conflict 0", "whatever is beyond, the first that fails decides");
    const small = recordOf(1, { payload: Uint8Array.of(0, 0x37) });
    assert.equal(read(operations(10_000, { action: action.touch }), () => small).answer, "done");
  });

  it("those that some replica may have collected do not count", () => {
    const gone = [recordOf(1, { tombstone: true, payload: utf8("") }), recordOf(2, { expiry: now })];
    const { bytes, answer } = read(
      operations(10, { action: action.append, body: utf8("x") }),
      (at) => gone[at % 2] as EngineRecord,
    );
    assert.deepEqual([bytes, answer], [0, "done"]);
  });

  it("one that several operations name is read once, for all that they need", () => {
    const [first] = operations(1, { action: action.put, condition: conditionKind.present, body: utf8("\0x") });
    const [second] = operations(1, { action: action.delete, wantsPrevious: true });
    for (const both of [
      [first, second],
      [second, first],
    ] as Operation[][]) {
      const { wanted, bytes } = read(both, recordOf);
      assert.deepEqual([wanted.length, bytes], [1, large.length]);
    }
  });
});

describe("of the records that a load meets", () => {
  it("values are held only where a version is compared with itself", () => {
    const writes = [5, 4, 3].map((index) => ({
      version: { term: term(1), index: logIndex(index) },
      request: undefined,
      isDelete: false,
      key: utf8("k"),
      payload: large,
      expiry: neverExpires,
    }));
    for (const [present, held] of [
      [4, large.length],
      [6, 0],
      [5, large.length],
    ] as const) {
      const records = new RecordsRead(now);
      const wanted = wantedByLoad(writes);
      for (const one of wanted) records.add(one, recordOf(present));
      assert.equal(records.get(wanted[0]?.key ?? utf8(""))?.payload.length, held);
    }
  });
});
