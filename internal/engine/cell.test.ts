import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { logIndex, term } from "../base/ids.ts";
import { neverExpires, stamp } from "../base/stamp.ts";
import { cellHeaderBytesMax, decodeCell, expiryOfCell, isTombstone, stampOfCell, writeCellHeader } from "./cell.ts";

const whole = fc.maxSafeNat();

test("a cell gives back what was put in, at any offset, up to the greatest numbers", () => {
  const given = fc.record({
    tombstone: fc.boolean(),
    stamp: whole.map(stamp),
    expiry: fc.oneof(fc.constant(neverExpires), whole.map(stamp)),
    term: whole.map(term),
    index: whole.map(logIndex),
    payload: fc.uint8Array({ maxLength: 40 }),
    at: fc.nat(9),
  });
  fc.assert(
    fc.property(given, ({ payload, at, ...header }) => {
      const bytes = new Uint8Array(at + cellHeaderBytesMax + payload.length).fill(0xee);
      const payloadAt = writeCellHeader(bytes, at, header);
      bytes.set(payload, payloadAt);
      const decoded = decodeCell(bytes, at, payloadAt + payload.length);
      assert.deepEqual(decoded, { ...header, payload: bytes.subarray(payloadAt, payloadAt + payload.length) });
      assert.equal(isTombstone(bytes, at), header.tombstone);
      assert.equal(stampOfCell(bytes, at), header.stamp);
      assert.equal(expiryOfCell(bytes, at), header.expiry);
      assert.ok(
        bytes.subarray(0, at).every((byte) => byte === 0xee),
        "nothing before it was touched",
      );
    }),
  );
});

test("bytes that are no cell are refused, whatever their length", () => {
  const header = { tombstone: false, stamp: stamp(1), expiry: stamp(2), term: term(300), index: logIndex(70_000) };
  const bytes = new Uint8Array(cellHeaderBytesMax);
  const end = writeCellHeader(bytes, 0, header);
  for (let length = 0; length < end; length++)
    assert.equal(decodeCell(bytes, 0, length), undefined, `length ${length}`);
  bytes[0] = 0x80;
  assert.equal(decodeCell(bytes, 0, end), undefined, "an unknown flag");
  const endless = new Uint8Array(30).fill(0xff);
  endless[0] = 0;
  assert.equal(decodeCell(endless, 0, endless.length), undefined, "a varint without end");
});
