import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { hex } from "../base/bytes.ts";
import { incarnation, logIndex, term } from "../base/ids.ts";
import { stamp } from "../base/stamp.ts";
import { decodeCell } from "./cell.ts";
import { LookupKey } from "./lookup-key.ts";
import { WriteBatch } from "./write-batch.ts";

const origin = { term: term(3), index: logIndex(981), stamp: stamp(77) };

test("a batch gives its operations back in order, with their keys, cells and sequences, and can be reused", () => {
  const operation = fc.record({
    group: fc.nat(0xffff_ffff),
    key: fc.uint8Array({ maxLength: 30 }),
    value: fc.option(fc.uint8Array({ maxLength: 300 }), { nil: undefined }),
  });
  const batch = new WriteBatch(16);
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 30 }), fc.nat(1000), (operations, first) => {
      batch.clear();
      let bytes = 0;
      for (const { group, key, value } of operations) {
        if (value === undefined) batch.delete(incarnation(group), key, origin);
        else batch.put(incarnation(group), key, { ...origin, expiry: stamp(5) }, value);
      }
      let at = 0;
      batch.forEach(first, (entry) => {
        const given = operations[at] as (typeof operations)[number];
        const key = new LookupKey().set(incarnation(given.group), given.key);
        assert.equal(
          hex(entry.keyBytes.subarray(entry.keyStart, entry.keyEnd)),
          hex(key.bytes.subarray(0, key.length)),
        );
        assert.equal(entry.sequence, first + at);
        const cell = decodeCell(entry.cellBytes, entry.cellStart, entry.cellEnd);
        assert.equal(cell?.tombstone, given.value === undefined);
        assert.deepEqual(cell?.payload.slice(), (given.value ?? new Uint8Array()).slice());
        bytes += entry.keyEnd - entry.keyStart + entry.cellEnd - entry.cellStart;
        at++;
      });
      assert.equal(at, operations.length);
      assert.equal(batch.count, operations.length);
      assert.equal(batch.bytes, bytes);
    }),
  );
});

test("a key above the bound is a bug of the caller and stops it", () => {
  assert.throws(
    () => new WriteBatch().put(incarnation(1), new Uint8Array(1026), origin, new Uint8Array()),
    /bytes=1026/,
  );
});
