import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { concatBytes, utf8, utf8Text } from "../base/bytes.ts";
import { logIndex, term } from "../base/ids.ts";
import { neverExpires, stamp } from "../base/stamp.ts";
import type { EngineRecord } from "../engine/reader.ts";
import { payloadBytesMax } from "../log/record.ts";
import { decodeAnswer, encodeAnswer } from "./answer.ts";
import { commandFault, foreignFault, loadFault, recordPayloadBytesMax, slotsFault } from "./command-check.ts";
import { action, conditionKind, decodeCommand, encodeCommand, expiryMode, readBlind } from "./command.ts";
import type { BlindSlot, Command, Operation } from "./command.ts";
import { decide, keyName } from "./decide.ts";
import { decodeFate, encodeFate } from "./fates.ts";
import { decodeLoad, decodeMerge, encodeLoad, encodeMerge, judgeMerge } from "./merge.ts";
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
const payloads = fc
  .tuple(bytes(9), bytes(50))
  .map(([type, value]) => concatBytes([Uint8Array.of(type.length), type, value]));
const nothing = new Uint8Array(0);
const writes = recordOf({
  version: versions,
  request: requests,
  isDelete: fc.boolean(),
  key: bytes(40, 1),
  payload: payloads,
  expiry: stamps,
}).map((made) => ({ ...made, payload: made.isDelete ? nothing : made.payload }));

const operations: fc.Arbitrary<Operation> = recordOf({
  action: fc.constantFrom(...Object.values(action)),
  key: bytes(1024, 1),
  condition: fc.constantFrom(conditionKind.none, conditionKind.none, ...Object.values(conditionKind)),
  expiry: fc.constantFrom(expiryMode.never, ...Object.values(expiryMode)),
  wantsPrevious: fc.constantFrom(false, false, true),
  body: payloads,
  version: versions,
  expiresAt: stamps,
}).map((made) => ({
  ...made,
  version: made.condition === conditionKind.version ? made.version : undefined,
  expiresAt: made.expiry === expiryMode.at ? made.expiresAt : undefined,
  body: made.action === action.delete || made.action === action.touch ? nothing : made.body,
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
        const load = { since: logIndex(7), writes: made };
        if (loadFault(load) === undefined) assert.deepEqual(decodeLoad(encodeLoad(load)), load);
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

const aVersion = { term: term(1), index: logIndex(1) };
const badOperations: Record<string, Partial<Operation>> = {
  "no key": { key: nothing },
  "a long key": { key: new Uint8Array(1025) },
  "no such action": { action: 5 as Operation["action"] },
  "no such condition": { condition: 4 as Operation["condition"] },
  "no such mode": { expiry: 3 as Operation["expiry"] },
  "a version for nothing": { version: aVersion },
  "a condition on no version": { condition: conditionKind.version },
  "a version that is none": { condition: conditionKind.version, version: { ...aVersion, term: term(0.5) } },
  "an expiry for nothing": { expiresAt: stamp(5) },
  "an expiry left out": { expiry: expiryMode.at },
  "an expiry that is none": { expiry: expiryMode.at, expiresAt: stamp(Number.NaN) },
  "an expiry after all time": { expiry: expiryMode.at, expiresAt: stamp(2 ** 53) },
  "a put of no payload": { body: nothing },
  "a put of half a content type": { body: Uint8Array.of(2, 65) },
  "a delete with a body": { action: action.delete, body: Uint8Array.of(0) },
};

describe("what a command may be", () => {
  const good = operation({ action: action.put, body: utf8("\0x") });
  const command = (...all: Operation[]): Command => ({ request: undefined, operations: all });

  it("is refused with its reason, and neither written nor read", () => {
    assert.equal(commandFault(command(good)), undefined);
    for (const [what, wrong] of Object.entries(badOperations)) {
      const bad = command(good, { ...good, ...wrong });
      assert.equal(commandFault(bad)?.why, "bad_command", what);
      assert.throws(() => encodeCommand(bad), /no replica could apply/, what);
    }
    const asked = (id: number, at: number): Command => {
      return { request: { id: new Uint8Array(id), stamp: stamp(at) }, operations: [good] };
    };
    for (const bad of [command(), asked(0, 1), asked(65, 1), asked(1, -1), asked(1, 0.5), asked(1, 2 ** 53)]) {
      assert.equal(commandFault(bad)?.why, "bad_command");
    }
    assert.equal(commandFault(command(...Array.from({ length: 10_001 }, () => good)))?.why, "bad_command");
    assert.equal(commandFault(asked(64, 1)), undefined);
  });

  it("fits an entry, and so does whatever carries its records later", () => {
    const sized = (bytes: number): Operation => ({ ...good, body: new Uint8Array(bytes) });
    assert.equal(commandFault(command(sized(recordPayloadBytesMax))), undefined);
    assert.equal(commandFault(command(sized(recordPayloadBytesMax + 1)))?.why, "too_large");
    const half = sized(recordPayloadBytesMax / 2);
    assert.equal(commandFault(command(half, half, sized(4096)))?.why, "too_large");
    const most = { ...command({ ...sized(recordPayloadBytesMax), key: new Uint8Array(1024).fill(1) }) };
    const request = { id: new Uint8Array(64), stamp: stamp(1) };
    assert.ok(encodeCommand({ ...most, request }).length <= payloadBytesMax);
    const [{ key, body }] = most.operations as [Operation];
    const foreign = { version: aVersion, request, isDelete: false, key, payload: body, expiry: stamp(1) };
    assert.ok(encodeMerge(foreign).length <= payloadBytesMax);
    assert.ok(encodeLoad({ since: logIndex(1), writes: [foreign] }).length <= payloadBytesMax);
    assert.equal(loadFault({ since: logIndex(1), writes: [foreign, foreign] })?.why, "too_large");
  });

  it("of writes from elsewhere, and of slots, is looked at in the same way", () => {
    const foreign = { version: aVersion, request: undefined, isDelete: false, key: utf8("k"), payload: utf8("\0x") };
    const write = { ...foreign, expiry: neverExpires };
    assert.equal(foreignFault(write), undefined);
    const bad: Partial<typeof write>[] = [
      { version: { ...aVersion, term: term(0) } },
      { version: { ...aVersion, index: logIndex(1.5) } },
      { key: nothing },
      { key: new Uint8Array(1025) },
      { payload: nothing },
      { isDelete: true },
      { expiry: stamp(-1) },
    ];
    for (const wrong of bad) assert.equal(foreignFault({ ...write, ...wrong })?.why, "bad_command");
    const cut = encodeMerge({ ...write, isDelete: true, payload: nothing });
    // Its flags say that it is a put.
    cut[16] = 0;
    assert.throws(() => decodeMerge(cut), { code: "corruption" });
    assert.equal(loadFault({ since: logIndex(0), writes: [write] })?.why, "bad_command");
    for (const slot of [-1, 16_384, 0.5, Number.NaN]) {
      assert.equal(slotsFault({ mode: "seal", above: term(0), slots: [0, slot] })?.why, "bad_command");
    }
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

  it("makes of large records no more than an entry may hold", () => {
    const large = { ...record("x"), payload: new Uint8Array(6 * 1024 * 1024) };
    const touch = operation({ action: action.touch });
    const shows = operation({ action: action.delete, wantsPrevious: true });
    assert.equal(run(large, touch).answer.kind, "done");
    const { answer, writes: planned } = run(large, touch, { ...touch, key: utf8("other") });
    assert.deepEqual([answer.kind === "refused" && answer.why, planned], ["too_large", []]);
    const told = run(large, shows, { ...shows, key: utf8("other") }).answer;
    assert.equal(told.kind === "refused" && told.why, "too_large");
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
