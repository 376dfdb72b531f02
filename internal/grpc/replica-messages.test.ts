import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { copyBytes, emptyBytes, utf8 } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import { groupId, logIndex, replicaId, term } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import { stamp } from "../base/stamp.ts";
import { entryRecord } from "../log/record.ts";
import { configuration } from "../raft/configuration.ts";
import { entryOf } from "../replica/log-entries.ts";
import type { ReplicaMessage } from "../replica/messages.ts";
import { replicaMessages } from "./replica-messages.ts";

const group = groupId(7);
const address = { from: replicaId(1), to: replicaId(2) };
const toTerm = { ...address, term: term(3) };
/** Above 32 bits, and nearly at 2^53. */
const far = logIndex(2 ** 47 + 1);
const late = stamp(Number.MAX_SAFE_INTEGER);

const entries = [1, 2, 3].map((at) => {
  const fields = { group, term: term(2), index: logIndex(at), stamp: stamp(at * 1000), flags: at, kind: 5 };
  const bytes = entryRecord(fields, new Uint8Array(at * 100).fill(at));
  return entryOf({ bytes, start: 0, end: bytes.length });
});
const write = {
  version: { term: term(2), index: logIndex(9) },
  request: { id: utf8("request-id"), stamp: stamp(5) },
  isDelete: false,
  key: utf8("key"),
  payload: Uint8Array.of(0, 118),
  expiry: stamp(0),
};

/** One of each type at least, with every flag both ways over all of them. */
const messages: readonly ReplicaMessage[] = [
  { type: "pre_vote", ...toTerm, lastIndex: far, lastTerm: term(2), configurationIndex: logIndex(0) },
  { type: "pre_vote_answer", ...toTerm, isGranted: false, isSticky: true, isRemoved: false },
  { type: "pre_vote_answer", ...toTerm, isGranted: true, isSticky: false, isRemoved: true },
  { type: "vote", ...toTerm, lastIndex: logIndex(1), lastTerm: term(1), isTransfer: true },
  { type: "vote_answer", ...toTerm, isGranted: true },
  {
    ...toTerm,
    type: "append",
    hasQuorum: true,
    previousIndex: logIndex(0),
    previousTerm: term(0),
    entries,
    commit: far,
  },
  { ...toTerm, type: "append", hasQuorum: false, previousIndex: far, previousTerm: term(9), entries: [], commit: far },
  { type: "append_accepted", ...toTerm, hasSalvage: true, index: far, isClockRefused: true },
  { ...toTerm, type: "append_rejected", hasSalvage: false, rejected: far, hintIndex: logIndex(4), hintTerm: term(2) },
  { type: "heartbeat", ...toTerm, hasQuorum: true, commit: logIndex(12), round: 99 },
  { type: "heartbeat_answer", ...toTerm, hasSalvage: true, round: 99 },
  {
    ...toTerm,
    type: "snapshot",
    hasQuorum: true,
    index: far,
    snapshotTerm: term(2),
    stamp: late,
    configuration: configuration([1, 2, 3].map(replicaId), [replicaId(4)]),
  },
  { type: "transfer_now", ...toTerm, lastIndex: logIndex(8) },
  { type: "read", ...toTerm, context: 2 ** 40 },
  { type: "read_confirmed", ...toTerm, context: 1, commit: logIndex(2), last: logIndex(3), time: late },
  { type: "read_refused", ...toTerm, context: 1, why: "leader_changed" },
  {
    type: "salvage",
    ...address,
    writes: [write, { ...write, isDelete: true, request: undefined, payload: emptyBytes }],
    isLeaving: false,
  },
  { type: "salvage", ...address, writes: [], isLeaving: true },
  {
    type: "salvage_settled",
    ...address,
    fates: [{ version: write.version, mergedAt: { term: term(4), index: far } }],
    isReleased: true,
  },
  { type: "keep_log", ...address, index: far },
  { type: "log_full", ...address },
  { type: "tick_wanted", ...address, until: late },
  { type: "chunk_request", ...toTerm, index: far, after: emptyBytes },
  { type: "chunk", ...toTerm, index: far, after: utf8("a"), bytes: new Uint8Array(1000).fill(1), isLast: true },
  { type: "chunk_refused", ...toTerm, index: far },
];

const isCorruption = (error: unknown): boolean => error instanceof TrefoilError && error.code === "corruption";
const encode = (message: ReplicaMessage): Uint8Array => new Uint8Array(replicaMessages.encode(group, message));

describe("messages between replicas", () => {
  for (const message of messages) {
    it(`arrive as they were sent: ${message.type}`, () => {
      assert.deepEqual(replicaMessages.decode(encode(message)), { group, message });
    });
  }

  it("carry the bytes of an entry as they were encoded first", () => {
    const odd = entries.map((entry) => ({ ...entry, payload: utf8("not looked at") }));
    const sent = messages.find((message) => message.type === "append" && message.entries.length > 0);
    assert.ok(sent?.type === "append");
    assert.deepEqual(encode({ ...sent, entries: odd }), encode(sent));
    const bare = entries.map((entry) => ({ ...entry, record: undefined }));
    assert.deepEqual(encode({ ...sent, entries: bare }), encode(sent), "one without a record gets the same");
  });

  it("are refused when an entry belongs to another group, or was damaged on its way", () => {
    const [first] = entries;
    assert.ok(first !== undefined);
    const sent = { ...toTerm, hasQuorum: true, previousIndex: logIndex(0), previousTerm: term(0), commit: logIndex(0) };
    const foreign = replicaMessages.encode(groupId(8), { type: "append", ...sent, entries: [first] });
    assert.throws(() => replicaMessages.decode(foreign), isCorruption);
    const record = copyBytes(first.record);
    record[50] = (record[50] as number) ^ 1;
    const damaged = encode({ type: "append", ...sent, entries: [{ ...first, record } as typeof first] });
    assert.throws(() => replicaMessages.decode(damaged), isCorruption);
  });

  it("are refused when they are of no type, or hold a number that no number here can be", () => {
    assert.throws(() => replicaMessages.decode(new Uint8Array(0)), isCorruption);
    assert.throws(() => replicaMessages.decode(Uint8Array.of(8, 99)), isCorruption);
    // keep_log (17), index (field 6): 2^64 - 1, which is also how -1 is written.
    const huge = Uint8Array.of(8, 17, 48, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1);
    assert.throws(() => replicaMessages.decode(huge), isCorruption);
  });

  it("break nothing when they are damaged", () => {
    const seed = 4711;
    const prng = new Prng(seed);
    const whole = messages.map(encode);
    const met = { taken: 0, refused: 0 };
    for (let round = 0; round < 20_000; round++) {
      let bytes = copyBytes(whole[prng.below(whole.length)] as Uint8Array);
      for (let flips = prng.below(4); flips > 0; flips--) {
        const at = prng.below(bytes.length);
        bytes[at] = (bytes[at] as number) ^ (1 << prng.below(8));
      }
      if (prng.chance(1, 4)) bytes = bytes.subarray(0, prng.below(bytes.length));
      try {
        replicaMessages.decode(bytes);
        met.taken++;
      } catch (error) {
        assert.ok(isCorruption(error), `seed ${seed}, round ${round}: ${String(error)}`);
        met.refused++;
      }
    }
    for (const [what, count] of Object.entries(met)) assert.ok(count > 1000, `${what}: ${count}`);
  });
});
