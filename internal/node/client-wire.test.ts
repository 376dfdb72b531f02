import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { ByteReader, ByteWriter } from "../base/codec.ts";
import { errorCodes, TrefoilError } from "../base/errors.ts";
import type { ErrorCode } from "../base/errors.ts";
import { groupId, logIndex, nodeId, replicaId, term } from "../base/ids.ts";
import { neverExpires, stamp } from "../base/stamp.ts";
import {
  decodeAnswer,
  decodeCall,
  encodeAnswer,
  encodeCall,
  readGot,
  readPage,
  readSeen,
  readWrote,
  writeGot,
  writePage,
  writeSeen,
  writeWrote,
} from "./client-wire.ts";
import type { AddressedCall, ClientCall } from "./client-wire.ts";
import type { Again, GotValue, GroupAnswer, ListedPage, SeenReplica, WroteValue } from "./group-service.ts";
import type { Condition, ReadMode, Role, TimeToLive, WriteRequest } from "./requests.ts";

const runs = { numRuns: 300 };
const record = <T>(of: { [Name in keyof T]: fc.Arbitrary<T[Name]> }): fc.Arbitrary<T> =>
  fc.record(of, { noNullPrototype: true });
const key = fc.uint8Array({ minLength: 1, maxLength: 40 });
const bytes = fc.uint8Array({ maxLength: 40 });
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });
const mode = fc.constantFrom<ReadMode>("fast", "strong");
const role = fc.constantFrom<Role>("leader", "follower", "learner");
const version = record({ term: count.map(term), index: count.map(logIndex) });
const told = record({ newest: version, committed: maybe(version) });
const text = fc.string({ unit: "grapheme", maxLength: 20 });
const node = text.map(nodeId);

const condition: fc.Arbitrary<Condition> = fc.oneof(
  fc.constantFrom<Condition>({ kind: "absent" }, { kind: "present" }),
  version.map((present): Condition => ({ kind: "version", version: present })),
);
const ttl: fc.Arbitrary<TimeToLive> = fc.oneof(
  fc.constantFrom<TimeToLive>({ kind: "none" }, { kind: "keep" }),
  fc.integer({ min: 1, max: 3e12 }).map((milliseconds): TimeToLive => ({ kind: "milliseconds", milliseconds })),
);
const asked = {
  key,
  mode: fc.constantFrom<ReadMode>("fast", "strong"),
  condition: maybe(condition),
  requestId: maybe(key),
};
const write: fc.Arbitrary<WriteRequest> = fc.oneof(
  record({ ...asked, kind: fc.constant("delete" as const) }),
  record({ ...asked, kind: fc.constant("put" as const), value: bytes, contentType: text, ttl }),
);
const calls: fc.Arbitrary<ClientCall> = fc.oneof(
  record({ key, mode, after: maybe(told) }).map((of): ClientCall => ({ kind: "get", asked: of })),
  record({ request: write, stamp: count.map(stamp) }).map((of): ClientCall => ({
    kind: "write",
    asked: { ...of, mode: of.request.mode ?? "fast" },
  })),
  record({
    prefix: bytes,
    after: maybe(bytes),
    limit: fc.integer({ min: 1, max: 10_000 }),
    bytesMax: fc.integer({ min: 1, max: 1024 * 1024 }),
    withValues: fc.boolean(),
    mode,
    told: maybe(told),
  }).map((of): ClientCall => ({ kind: "list", asked: of })),
  fc.constant<ClientCall>({ kind: "view" }),
);
const addressed: fc.Arbitrary<AddressedCall> = record({
  epoch: count,
  group: fc.nat({ max: 2 ** 32 - 1 }).map(groupId),
  call: calls,
});

const got: fc.Arbitrary<GotValue> = record({
  role,
  stalenessMilliseconds: maybe(count),
  applied: version,
  ahead: maybe(version),
  record: maybe(record({ version, contentType: text, expiresAt: maybe(count), value: bytes })),
});
const wrote: fc.Arbitrary<WroteValue> = record({
  version,
  acks: count,
  replicas: count,
  durability: fc.constantFrom("synced" as const, "buffered" as const),
  expiresAt: maybe(count),
  role,
});
const page: fc.Arbitrary<ListedPage> = record({
  applied: version,
  ahead: maybe(version),
  hasMore: fc.boolean(),
  end: maybe(bytes),
  records: fc.array(
    record({
      key: bytes,
      version,
      expiry: fc.oneof(fc.constant(neverExpires), count.map(stamp)),
      payload: maybe(bytes),
    }),
    { maxLength: 5 },
  ),
});
const view: fc.Arbitrary<SeenReplica> = record({
  replica: fc.nat({ max: 2 ** 32 - 1 }).map(replicaId),
  role,
  term: count,
  leader: maybe(node),
  commitIndex: count,
  lastIndex: count,
  hasQuorum: fc.boolean(),
  matched: fc.array(record({ replica: fc.nat({ max: 2 ** 32 - 1 }).map(replicaId), index: count }), { maxLength: 3 }),
  appliedIndex: count,
  disbeliefMilliseconds: count,
});

interface Kind<T> {
  readonly name: string;
  readonly value: fc.Arbitrary<T>;
  readonly write: (writer: ByteWriter, value: T) => void;
  readonly read: (reader: ByteReader) => T;
}

const agains: readonly Again[] = [
  "not_here",
  "not_leader",
  "no_leader",
  "no_quorum",
  "behind",
  "busy",
  "stopping",
  "moved",
];

function answerOf<T>(value: fc.Arbitrary<T>): fc.Arbitrary<GroupAnswer<T>> {
  return fc.oneof(
    value.map((done): GroupAnswer<T> => ({ kind: "done", value: done })),
    record({ kind: fc.constant("again" as const), why: fc.constantFrom(...agains), leader: maybe(node) }),
    record({
      kind: fc.constant("failed" as const),
      code: fc.constantFrom(...(Object.keys(errorCodes) as ErrorCode[])),
      outcome: fc.constantFrom("not_applied" as const, "applied" as const, "unknown" as const),
      detail: text,
      version: maybe(version),
      mayRepeat: fc.boolean(),
    }),
  );
}

function checkAnswers<T>(kind: Kind<T>): void {
  it(`an answer to ${kind.name} is the same after it was bytes, and less of it is none`, () => {
    fc.assert(
      fc.property(answerOf(kind.value), maybe(bytes), (answer, newerMap) => {
        const encoded = encodeAnswer(answer, kind.write, newerMap);
        assert.deepEqual(decodeAnswer(encoded, kind.read), { answer, newerMap });
        refuses(() => decodeAnswer(encoded.subarray(0, encoded.length - 1), kind.read));
        refuses(() => decodeAnswer(Uint8Array.of(...encoded, 0), kind.read));
      }),
      runs,
    );
  });

  it(`bytes that are no answer to ${kind.name} are corruption, whatever they are`, () => {
    fc.assert(
      fc.property(
        spoilt(answerOf(kind.value).map((answer) => encodeAnswer(answer, kind.write, undefined))),
        (foreign) => mayRefuse(() => decodeAnswer(foreign, kind.read)),
      ),
      runs,
    );
  });
}

/** Noise, or what would be right but for a byte. */
function spoilt(right: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const changed = fc.tuple(right, fc.nat(), fc.nat({ max: 255 })).map(([encoded, at, byte]) => {
    const other = encoded.slice();
    if (other.length > 0) other[at % other.length] = byte;
    return other;
  });
  return fc.oneof(changed, fc.uint8Array({ maxLength: 60 }));
}

const isCorruption = (failure: unknown): boolean => failure instanceof TrefoilError && failure.code === "corruption";

function refuses(run: () => unknown): void {
  assert.throws(run, isCorruption);
}

function mayRefuse(run: () => unknown): void {
  try {
    run();
  } catch (failure) {
    assert.ok(isCorruption(failure), String(failure));
  }
}

describe("clients' requests between nodes", () => {
  it("are the same after they were bytes, and less of them is none", () => {
    fc.assert(
      fc.property(addressed, (call) => {
        const encoded = encodeCall(call);
        assert.deepEqual(decodeCall(encoded), call);
        refuses(() => decodeCall(encoded.subarray(0, encoded.length - 1)));
        refuses(() => decodeCall(Uint8Array.of(...encoded, 0)));
      }),
      runs,
    );
  });

  it("are corruption when they ask for what no edge would have let in", () => {
    const plain = { key: Uint8Array.of(7), mode: "strong", condition: undefined, requestId: undefined } as const;
    const write = (to: object): ClientCall => {
      const put = { ...plain, kind: "put", value: new Uint8Array(1), contentType: "", ttl: { kind: "none" }, ...to };
      return { kind: "write", asked: { mode: "strong", stamp: stamp(1), request: put as WriteRequest } };
    };
    const list = (to: object): ClientCall => {
      const page = { prefix: new Uint8Array(0), after: undefined, limit: 10, bytesMax: 1000, withValues: true };
      return { kind: "list", asked: { ...page, mode: "fast", told: undefined, ...to } };
    };
    const get = (length: number): ClientCall => {
      return { kind: "get", asked: { key: new Uint8Array(length), mode: "fast", after: undefined } };
    };
    const bad: readonly ClientCall[] = [
      get(0),
      get(1025),
      write({ key: new Uint8Array(0) }),
      write({ key: new Uint8Array(1025) }),
      write({ requestId: new Uint8Array(0) }),
      write({ requestId: new Uint8Array(65) }),
      write({ contentType: "x".repeat(256) }),
      write({ ttl: { kind: "milliseconds", milliseconds: 0 } }),
      write({ ttl: { kind: "milliseconds", milliseconds: 4e12 } }),
      list({ limit: 0 }),
      list({ limit: 10_001 }),
      list({ bytesMax: 0 }),
      list({ bytesMax: 1024 * 1024 + 1 }),
      list({ prefix: new Uint8Array(1025) }),
      list({ after: new Uint8Array(1025) }),
    ];
    for (const call of bad) refuses(() => decodeCall(encodeCall({ epoch: 1, group: groupId(1), call })));
    for (const call of [get(1024), write({ contentType: "x".repeat(255) }), list({ limit: 10_000 })]) {
      assert.deepEqual(decodeCall(encodeCall({ epoch: 1, group: groupId(1), call })).call, call);
    }
    refuses(() => decodeCall(encodeCall({ epoch: 1, group: groupId(2 ** 32), call: { kind: "view" } })));
  });

  it("are corruption when they are none, whatever they are", () => {
    const foreign = fc.oneof(
      spoilt(addressed.map(encodeCall)),
      fc.tuple(fc.integer({ min: 14, max: 21 }), bytes).map(([kind, rest]) => Uint8Array.of(kind, ...rest)),
    );
    fc.assert(
      fc.property(foreign, (noise) => {
        mayRefuse(() => {
          const { call } = decodeCall(noise);
          const tooLong =
            call.kind === "write" && call.asked.request.kind === "put" && call.asked.request.contentType.length > 255;
          assert.ok(!tooLong, "a content type that no record can have");
          if (call.kind === "list")
            assert.ok(call.asked.limit >= 1 && call.asked.limit <= 10_000, "a page without bound");
          if (call.kind === "get") assert.ok(call.asked.key.length > 0, "a key that no record can have");
          if (call.kind === "write") assert.ok(call.asked.request.key.length > 0, "a key that no record can have");
        });
      }),
      { numRuns: 3000 },
    );
  });

  checkAnswers({ name: "a read", value: got, write: writeGot, read: readGot });
  checkAnswers({ name: "a write", value: wrote, write: writeWrote, read: readWrote });
  checkAnswers({ name: "a page", value: page, write: writePage, read: readPage });
  checkAnswers({ name: "a look", value: view, write: writeSeen, read: readSeen });

  it("tell a reason that only a later version knows as a failure of their own", () => {
    const failed: GroupAnswer<never> = {
      kind: "failed",
      code: "busy",
      outcome: "unknown",
      detail: "no",
      version: undefined,
      mayRepeat: true,
    };
    const encoded = encodeAnswer(failed, () => undefined, undefined);
    encoded.set(new TextEncoder().encode("new!"), 3);
    assert.deepEqual(decodeAnswer(encoded, readGot).answer, { ...failed, code: "internal" });
  });
});
