import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isCorruption } from "../../test/grpc/frame-fuzz.ts";
import { messageGroup, sampleEntries, sampleMessages, toTerm } from "../../test/grpc/sample-messages.ts";
import { copyBytes, utf8 } from "../base/bytes.ts";
import { groupId, logIndex, term } from "../base/ids.ts";
import type { ReplicaMessage } from "../replica/messages.ts";
import { replicaMessages } from "./replica-messages.ts";

const encode = (message: ReplicaMessage): Uint8Array => new Uint8Array(replicaMessages.encode(messageGroup, message));

describe("messages between replicas", () => {
  for (const message of sampleMessages) {
    it(`arrive as they were sent: ${message.type}`, () => {
      assert.deepEqual(replicaMessages.decode(encode(message)), { group: messageGroup, message });
    });
  }

  it("carry the bytes of an entry as they were encoded first", () => {
    const odd = sampleEntries.map((entry) => ({ ...entry, payload: utf8("not looked at") }));
    const sent = sampleMessages.find((message) => message.type === "append" && message.entries.length > 0);
    assert.ok(sent?.type === "append");
    assert.deepEqual(encode({ ...sent, entries: odd }), encode(sent));
    const bare = sampleEntries.map((entry) => ({ ...entry, record: undefined }));
    assert.deepEqual(encode({ ...sent, entries: bare }), encode(sent), "one without a record gets the same");
  });

  it("are refused when an entry belongs to another group, or was damaged on its way", () => {
    const [first] = sampleEntries;
    assert.ok(first !== undefined);
    const sent = { ...toTerm, hasQuorum: true, previousIndex: logIndex(0), previousTerm: term(0), commit: logIndex(0) };
    const foreign = replicaMessages.encode(groupId(8), { type: "append", ...sent, entries: [first] });
    assert.throws(() => replicaMessages.decode(foreign), isCorruption);
    const record = copyBytes(first.record);
    record[50] = (record[50] as number) ^ 1;
    const damaged = encode({ type: "append", ...sent, entries: [{ ...first, record } as typeof first] });
    assert.throws(() => replicaMessages.decode(damaged), isCorruption);
  });

  it("are refused before they are objects when they hold millions of empty things", () => {
    const append = sampleMessages.find(({ type }) => type === "append");
    assert.ok(append !== undefined);
    const head = encode(append);
    // Entries (field 12), and writes (35).
    for (const empty of [
      [98, 0],
      [154, 2, 0],
    ]) {
      const many = Uint8Array.of(...head, ...Array.from({ length: 10_000 }, () => empty).flat());
      assert.throws(
        () => replicaMessages.decode(many),
        (failure) => isCorruption(failure) && /more than \d+ fields/.test((failure as Error).message),
      );
    }
  });

  it("are refused when they are of no type, or hold a number that no number here can be", () => {
    assert.throws(() => replicaMessages.decode(new Uint8Array(0)), isCorruption);
    assert.throws(() => replicaMessages.decode(Uint8Array.of(8, 99)), isCorruption);
    // keep_log (17), index (field 6): 2^64 - 1, which is also how -1 is written.
    const huge = Uint8Array.of(8, 17, 48, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1);
    assert.throws(() => replicaMessages.decode(huge), isCorruption);
  });
});
