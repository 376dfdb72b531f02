import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { utf8, utf8Text } from "../base/bytes.ts";
import { logIndex, term } from "../base/ids.ts";
import { neverExpires, stamp } from "../base/stamp.ts";
import type { EngineRecord } from "../engine/reader.ts";
import { decodeAnswer, encodeAnswer } from "./answer.ts";
import { action, conditionKind, decodeCommand, encodeCommand, expiryMode, readBlind } from "./command.ts";
import type { BlindSlot, Command, Operation } from "./command.ts";
import { decide, keyName } from "./decide.ts";
import { decodeFate, encodeFate } from "./fates.ts";
import { decodeLoad, decodeMerge, encodeLoad, encodeMerge, judgeMerge } from "./merge.ts";
import type { LoadedWrite } from "./merge.ts";
import { decodeSlots, encodeSlots } from "./slots-command.ts";
import { decodeTick, encodeTick } from "./tick.ts";

/** Plain objects, as the decoders make them. */
const recordOf = <T>(model: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> =>
  fc.record<T>(model, { noNullPrototype: true });
const bytes = (most: number, least = 0) => fc.uint8Array({ minLength: least, maxLength: most });
const stamps = fc.integer({ min: 1, max: 2 ** 50 }).map(stamp);
const versions = recordOf({
  term: fc.integer({ min: 1, max: 2 ** 40 }).map(term),
  index: fc.integer({ min: 1, max: 2 ** 40 }).map(logIndex),
});
const requests = fc.option(recordOf({ id: bytes(64, 1), stamp: stamps }), { nil: undefined });
const writes = recordOf({
  version: versions,
  request: requests,
  isDelete: fc.boolean(),
  key: bytes(40, 1),
  payload: bytes(60),
}).chain((write) => stamps.map((expiry) => ({ ...write, expiry })));

const operations: fc.Arbitrary<Operation> = recordOf({
  action: fc.constantFrom(...Object.values(action)),
  key: bytes(1024, 1),
  condition: fc.constantFrom(conditionKind.none, conditionKind.none, ...Object.values(conditionKind)),
  expiry: fc.constantFrom(expiryMode.never, ...Object.values(expiryMode)),
  wantsPrevious: fc.constantFrom(false, false, true),
  body: bytes(80),
  version: versions,
  expiresAt: stamps,
}).map((made) => ({
  ...made,
  version: made.condition === conditionKind.version ? made.version : undefined,
  expiresAt: made.expiry === expiryMode.at ? made.expiresAt : undefined,
  body: made.action === action.delete || made.action === action.touch ? new Uint8Array(0) : made.body,
}));
const commands: fc.Arbitrary<Command> = recordOf({
  request: requests,
  operations: fc.oneof(
    fc.array(operations, { minLength: 1, maxLength: 1 }),
    fc.array(operations, { minLength: 1, maxLength: 5 }),
  ),
});

describe("commands as bytes", () => {
  it("come back as they were, and no shorter or longer run of bytes passes for one", () => {
    fc.assert(
      fc.property(commands, fc.nat(), (command, cut) => {
        const encoded = encodeCommand(command);
        assert.deepEqual(decodeCommand(encoded), command);
        assert.throws(() => decodeCommand(encoded.subarray(0, cut % encoded.length)), { code: "corruption" });
        assert.throws(() => decodeCommand(Uint8Array.from([...encoded, 0])), { code: "corruption" });
      }),
    );
  });

  it("are read without objects when they are one blind write, and only then", () => {
    const slot: BlindSlot = { isDelete: false, keyStart: 0, keyEnd: 0, bodyStart: 0, bodyEnd: 0, expiry: neverExpires };
    let blind = 0;
    fc.assert(
      fc.property(commands, (command) => {
        const encoded = encodeCommand(command);
        const [first] = command.operations;
        const isBlind =
          command.request === undefined &&
          command.operations.length === 1 &&
          first !== undefined &&
          (first.action === action.put || first.action === action.delete) &&
          first.condition === conditionKind.none &&
          first.expiry !== expiryMode.keep &&
          !first.wantsPrevious;
        assert.equal(readBlind(encoded, 0, encoded.length, slot), isBlind);
        if (!isBlind) return;
        blind++;
        assert.equal(slot.isDelete, first.action === action.delete);
        assert.deepEqual(encoded.slice(slot.keyStart + 1, slot.keyEnd), first.key);
        assert.deepEqual(encoded.slice(slot.bodyStart, slot.bodyEnd), first.body);
        assert.equal(slot.expiry, first.expiresAt ?? neverExpires);
      }),
      { numRuns: 2000 },
    );
    assert.ok(blind > 5, `${blind} blind ones`);
  });

  it("of the other kinds come back too", () => {
    fc.assert(
      fc.property(fc.array(writes, { maxLength: 4 }), stamps, fc.boolean(), (made, stamped, flag) => {
        for (const write of made) assert.deepEqual(decodeMerge(encodeMerge(write)), write);
        const loaded: LoadedWrite[] = made.map((write) => ({ ...write, stamp: stamped }));
        assert.deepEqual(decodeLoad(encodeLoad(loaded)), loaded);
        assert.equal(decodeTick(encodeTick(stamped)), stamped);
        const slots = { mode: flag ? "seal" : "open", above: term(flag ? 0 : 9), slots: [0, 7, 16_383] } as const;
        assert.deepEqual(decodeSlots(encodeSlots(slots)), slots);
        for (const write of made) {
          const fate = { fate: "superseded", mergedAt: write.version, write } as const;
          assert.deepEqual(decodeFate(encodeFate(fate)), fate);
        }
      }),
    );
    assert.throws(() => decodeSlots(Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)), { code: "corruption" });
  });

  it("have answers that come back", () => {
    fc.assert(
      fc.property(versions, fc.array(fc.option(bytes(20), { nil: undefined })), (version, values) => {
        const done = { kind: "done", version, values } as const;
        assert.deepEqual(decodeAnswer(encodeAnswer(done)), done);
        const refused = {
          kind: "refused",
          version,
          why: "condition",
          operation: values.length,
          present: version,
        } as const;
        assert.deepEqual(decodeAnswer(encodeAnswer(refused)), refused);
      }),
    );
  });
});

const origin = { term: term(3), index: logIndex(9), stamp: stamp(1_000_000) };

function operation(what: Partial<Operation> & Pick<Operation, "action">): Operation {
  const blank = { key: utf8("k"), condition: conditionKind.none, expiry: expiryMode.never, wantsPrevious: false };
  return { ...blank, body: new Uint8Array(0), ...what };
}

function record(text: string, expiry = neverExpires): EngineRecord {
  const payload = utf8(`\0${text}`);
  return { term: term(1), index: logIndex(4), stamp: stamp(5), expiry, tombstone: false, payload };
}

function run(present: EngineRecord | undefined, ...all: Operation[]) {
  return decide({ request: undefined, operations: all }, origin, () => present);
}

describe("what a command does", () => {
  it("is all or nothing", () => {
    const put = operation({ action: action.put, body: utf8("\0x") });
    const fails = operation({ action: action.delete, key: utf8("other"), condition: conditionKind.present });
    const { answer, writes: planned } = decide(
      { request: undefined, operations: [put, fails] },
      origin,
      () => undefined,
    );
    assert.deepEqual([answer.kind, planned], ["refused", []]);
    assert.equal(answer.kind === "refused" && answer.operation, 1);
  });

  it("takes what has expired by the entry's stamp for absent, and what has not for present", () => {
    const create = operation({ action: action.put, condition: conditionKind.absent, body: utf8("\0x") });
    assert.equal(run(record("old", stamp(1_000_000)), create).answer.kind, "done");
    assert.equal(run(record("old", stamp(1_000_001)), create).answer.kind, "refused");
    assert.equal(run(record("old"), create).answer.kind, "refused");
  });

  it("compares versions exactly", () => {
    const swap = (index: number): Operation => {
      const version = { term: term(1), index: logIndex(index) };
      return operation({ action: action.put, condition: conditionKind.version, version });
    };
    assert.equal(run(record("x"), swap(4)).answer.kind, "done");
    const { answer } = run(record("x"), swap(5));
    assert.deepEqual(answer.kind === "refused" && answer.present, { term: 1, index: 4 });
    assert.equal(run(undefined, swap(4)).answer.kind, "refused");
  });

  it("counts in 64 bits, from decimal text, and keeps the time to live when asked", () => {
    const add = (by: string): Operation =>
      operation({ action: action.increment, body: utf8(by), expiry: expiryMode.keep });
    const sumOf = (present: string | undefined, by: string): string => {
      const { answer } = run(present === undefined ? undefined : record(present, stamp(2_000_000)), add(by));
      return answer.kind === "done" ? utf8Text(answer.values[0] ?? new Uint8Array(0)) : answer.why;
    };
    assert.equal(sumOf(undefined, "1"), "1");
    assert.equal(sumOf("41", "1"), "42");
    assert.equal(sumOf("-3", "-4"), "-7");
    assert.equal(sumOf("9223372036854775806", "1"), "9223372036854775807");
    assert.equal(sumOf("9223372036854775807", "1"), "conflict");
    for (const text of ["", "x", "01", "+1", "1.5", " 1", "-0", "99999999999999999999"]) {
      assert.equal(sumOf(text, "1"), "conflict", text);
    }
    const [write] = run(record("41", stamp(2_000_000)), add("1")).writes;
    assert.equal(write?.kind === "put" && write.expiry, 2_000_000);
  });

  it("shows a later operation what an earlier one did", () => {
    const put = operation({ action: action.put, body: utf8("\x007") });
    const add = operation({ action: action.increment, body: utf8("1") });
    const gone = operation({ action: action.delete });
    const create = operation({ action: action.put, condition: conditionKind.absent, body: utf8("\0new") });
    const { answer } = run(record("1"), put, add, gone, create);
    assert.equal(answer.kind === "done" && utf8Text(answer.values[1] ?? new Uint8Array(0)), "8");
    assert.equal(answer.kind, "done");
  });

  it("merges by version, whatever the order and however often", () => {
    const foreign = { version: { term: term(1), index: logIndex(4) }, request: undefined, isDelete: false };
    const write = { ...foreign, key: utf8("k"), payload: utf8("\0x"), expiry: neverExpires };
    assert.equal(judgeMerge(write, undefined), "wins");
    assert.equal(judgeMerge({ ...write, version: { term: term(1), index: logIndex(5) } }, record("x")), "wins");
    assert.equal(judgeMerge({ ...write, version: { term: term(1), index: logIndex(3) } }, record("x")), "loses");
    assert.equal(judgeMerge(write, record("x")), "repeated");
    assert.throws(() => judgeMerge(write, record("y")), /two writes of one version/);
  });

  it("names keys so that different ones have different names", () => {
    fc.assert(
      fc.property(bytes(8), bytes(8), (one, other) => {
        assert.equal(keyName(one) === keyName(other), Buffer.compare(one, other) === 0);
      }),
    );
  });
});
