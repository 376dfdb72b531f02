import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { TrefoilError } from "../base/errors.ts";
import { groupId, logIndex, term } from "../base/ids.ts";
import { stamp } from "../base/stamp.ts";
import {
  batchHeaderBytes,
  decodeSegmentHeader,
  encodeSegmentHeader,
  findBatchMagic,
  isBatchIntact,
  readBatchFrame,
  sealBatch,
  segmentHeaderBytes,
} from "./format.ts";
import * as record from "./record.ts";

const safe = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

describe("entry records", () => {
  it("come back as they were encoded, numbers up to 2^53 and any payload", () => {
    const entry = fc.record({
      group: fc.integer({ min: 0, max: 2 ** 32 - 1 }).map(groupId),
      term: safe.map(term),
      index: safe.map(logIndex),
      stamp: safe.map(stamp),
      flags: fc.integer({ min: 0, max: 255 }),
      kind: fc.integer({ min: 0, max: 255 }),
    });
    fc.assert(
      fc.property(entry, fc.uint8Array({ maxLength: 300 }), fc.nat(20), (fields, payload, before) => {
        const target = new Uint8Array(before + record.entryHeaderBytes + payload.length + 3).fill(0xaa);
        const end = record.encodeEntry(target, before, fields, payload);
        assert.equal(end, before + record.entryHeaderBytes + payload.length);
        record.checkEntry(target, before, end, "it");
        assert.deepEqual(record.decodeEntry({ bytes: target, start: before, end }), { ...fields, payload });
        assert.deepEqual(target.subarray(end), new Uint8Array(3).fill(0xaa));
        assert.deepEqual(record.entryRecord(fields.group, fields, payload), target.slice(before, end));
      }),
    );
  });

  it("take a part of the caller's bytes as payload", () => {
    const fields = { group: groupId(1), term: term(2), index: logIndex(3), stamp: stamp(4), flags: 1, kind: 5 };
    const target = new Uint8Array(100);
    const end = record.encodeEntry(target, 0, fields, Uint8Array.of(9, 8, 7, 6), 1, 3);
    assert.deepEqual(record.decodeEntry({ bytes: target, start: 0, end }).payload, Uint8Array.of(8, 7));
  });

  it("are refused when a single bit is wrong, or when they are not one whole entry", () => {
    const fields = { group: groupId(1), term: term(2), index: logIndex(3), stamp: stamp(4), flags: 1, kind: 5 };
    const good = record.entryRecord(fields.group, fields, Uint8Array.of(1, 2, 3));
    const refused = (bytes: Uint8Array): void =>
      assert.throws(
        () => record.checkEntry(bytes, 0, bytes.length, "the frame"),
        (reason: unknown) =>
          reason instanceof TrefoilError && reason.code === "corruption" && reason.message.startsWith("the frame"),
      );
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = good.slice();
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
      refused(bad);
    }
    refused(good.subarray(0, -1));
    refused(new Uint8Array([...good, 0]));
    refused(new Uint8Array(0));
    refused(record.entryRecord(fields.group, { ...fields, index: logIndex(0) }, good));
  });
});

describe("group states in checkpoints", () => {
  it("come back as they were encoded", () => {
    const saved = {
      group: groupId(7),
      term: 9,
      vote: 2,
      commit: 15,
      baseIndex: 10,
      baseTerm: 4,
      lastIndex: 20,
      lastTerm: 8,
      runs: [
        { index: 9, term: 4 },
        { index: 12, term: 8 },
      ],
    };
    const length = record.groupStateLength(2);
    const bytes = new Uint8Array(length);
    record.encodeGroupState(bytes, 0, saved);
    record.sealRecord(bytes, 0, length, { type: record.recordType.groupState, group: groupId(7) });
    assert.deepEqual(record.decodeGroupState(bytes, 0, length), saved);
    const wrong: ((bytes: Uint8Array) => void)[] = [
      (it) => record.writeNumber(it, 0, 2, 21),
      (it) => record.writeNumber(it, 0, 3, 25),
      (it) => record.writeNumber(it, 0, 6, 3),
      (it) => record.writeNumber(it, 0, 7, 12),
      (it) => record.writeNumber(it, 0, 9, 30),
    ];
    for (const change of wrong) {
      const bad = bytes.slice();
      change(bad);
      assert.equal(record.decodeGroupState(bad, 0, length), undefined);
    }
  });
});

describe("segment headers", () => {
  it("come back, and are refused when a bit is wrong", () => {
    const block = encodeSegmentHeader({ number: 2 ** 40 + 3, salt: 0xdeadbeef });
    assert.equal(block.length, segmentHeaderBytes);
    assert.deepEqual(decodeSegmentHeader(block, "it", 2 ** 40 + 3), { number: 2 ** 40 + 3, salt: 0xdeadbeef });
    for (let bit = 0; bit < block.length * 8; bit += 3) {
      const bad = block.slice();
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
      assert.throws(() => decodeSegmentHeader(bad, "it", 2 ** 40 + 3), TrefoilError);
    }
  });
});

describe("batches", () => {
  it("are whole only at their own position, under their own salt, with every bit right", () => {
    const bytes = new Uint8Array(200).fill(3);
    const frame = { position: 2 ** 45, synced: 2 ** 45 - 7, length: 100, flags: 5 };
    sealBatch(bytes, 10, frame, 77);
    assert.deepEqual(readBatchFrame(bytes, 10, 2 ** 45, 77), frame);
    assert.equal(readBatchFrame(bytes, 10, 2 ** 45 + 1, 77), undefined);
    assert.equal(readBatchFrame(bytes, 11, 2 ** 45, 77), undefined);
    assert.ok(isBatchIntact(bytes, 10, 100, 77));
    assert.ok(!isBatchIntact(bytes, 10, 100, 78));
    for (let bit = 0; bit < (batchHeaderBytes + 100) * 8; bit++) {
      const bad = bytes.slice();
      bad[10 + (bit >> 3)] = (bad[10 + (bit >> 3)] as number) ^ (1 << (bit & 7));
      assert.ok(!isBatchIntact(bad, 10, 100, 77) || readBatchFrame(bad, 10, 2 ** 45, 77) === undefined, `bit ${bit}`);
    }
  });

  it("are told by their header alone from what was not sealed under their salt", () => {
    const bytes = new Uint8Array(batchHeaderBytes);
    const frame = { position: 2 ** 33, synced: 512, length: 0, flags: 1 };
    let believed = 0;
    for (let salt = 1; salt <= 10_000; salt++) {
      sealBatch(bytes, 0, frame, salt);
      assert.deepEqual(readBatchFrame(bytes, 0, 2 ** 33, salt), frame);
      if (readBatchFrame(bytes, 0, 2 ** 33, 0x5eed5a17) !== undefined) believed++;
    }
    assert.equal(believed, 0);
    sealBatch(bytes, 0, frame, 77);
    for (let bit = 0; bit < batchHeaderBytes * 8; bit++) {
      // The checksum of the whole is not part of what the header's own covers.
      if (bit >= 4 * 8 && bit < 8 * 8) continue;
      const bad = bytes.slice();
      bad[bit >> 3] = (bad[bit >> 3] as number) ^ (1 << (bit & 7));
      assert.equal(readBatchFrame(bad, 0, 2 ** 33, 77), undefined, `bit ${bit}`);
    }
  });

  it("are found by their mark among other bytes", () => {
    const bytes = new Uint8Array(100).fill(0xe5);
    sealBatch(bytes, 50, { position: 1, synced: 0, length: 10, flags: 0 }, 1);
    assert.equal(findBatchMagic(bytes, 0, 100), 50);
    assert.equal(findBatchMagic(bytes, 51, 100), -1);
    assert.equal(findBatchMagic(bytes, 0, 53), -1);
    assert.equal(findBatchMagic(bytes, 0, 54), 50);
  });
});
