// Looking for batches among bytes that clients chose.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryDisk } from "../../test/disk/memory-disk.ts";
import { batchHeaderBytes, sealBatch, segmentHeaderBytes } from "./format.ts";
import { SegmentReader } from "./segment-reader.ts";

const path = "/segment";
const size = 12 * 1024 * 1024;
const salt = 4711;

/** A segment with one batch at its end, and before it headers that claim all that is behind them. */
async function readerOf(salts: readonly number[]): Promise<SegmentReader> {
  const bytes = new Uint8Array(size);
  let at = segmentHeaderBytes;
  for (const claimed of salts) {
    const length = size - at - batchHeaderBytes;
    sealBatch(bytes, at, { position: at, synced: 2 ** 40, length, flags: 0 }, claimed);
    // Its records are not those that it was sealed with: it is a header and nothing else.
    at += batchHeaderBytes;
    bytes[at] = 1;
    at += batchHeaderBytes;
  }
  const last = size - batchHeaderBytes;
  sealBatch(bytes, last, { position: last, synced: 0, length: 0, flags: 0 }, salt);
  const disk = new MemoryDisk();
  disk.put(path, bytes);
  const reader = new SegmentReader(await disk.openFile(path, { access: "read" }), path, size);
  reader.salt = salt;
  return reader;
}

describe("segment reader", () => {
  it("does not read what a forged header claims as its records", async () => {
    const reader = await readerOf([1, 2, 3]);
    const window = reader.bytes.length;
    assert.ok(window < size);
    assert.equal(await reader.findBatch(segmentHeaderBytes, () => true), size - batchHeaderBytes);
    assert.equal(reader.bytes.length, window, "memory for records that are none");
  });

  it("reads what a header of this segment claims, and sees that it is torn", async () => {
    const reader = await readerOf([salt]);
    const window = reader.bytes.length;
    assert.equal(await reader.findBatch(segmentHeaderBytes, () => true), size - batchHeaderBytes);
    assert.ok(reader.bytes.length > window);
  });
});
