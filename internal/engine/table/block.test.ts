// One block: built, searched, and decoded an interval at a time.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { compareEntries } from "../../../test/engine/array-cursor.ts";
import type { Entry } from "../../../test/engine/array-cursor.ts";
import { anyKey, blockSizes, entriesOf } from "../../../test/engine/table-arbitraries.ts";
import { viewOf } from "../../../test/engine/table-fixture.ts";
import { sharedPrefixLength } from "../../base/bytes.ts";
import { writeU16 } from "../../base/codec.ts";
import { BlockBuilder } from "./block-builder.ts";
import { writeEntryHeader } from "./block-entry.ts";
import { anySequence } from "./block-index.ts";
import { BlockInterval } from "./block-interval.ts";
import { BlockView } from "./block-view.ts";
import { blockTrailerBytes, restartInterval } from "./table-format.ts";

const lead = 11;

/** A block of as many of the entries as fit, somewhere in a larger array. */
function build(entries: readonly Entry[], blockBytes: number): { view: BlockView; kept: Entry[]; bytes: number } {
  const builder = new BlockBuilder(blockBytes);
  const largest = Math.max(...entries.map((entry) => BlockBuilder.bytesForOne(entry.key.length, entry.cell.length)));
  const target = new Uint8Array(lead + Math.max(blockBytes, largest) + 9).fill(0xaa);
  const kept: Entry[] = [];
  builder.begin(target, lead);
  for (const entry of entries) {
    const before = kept.at(-1);
    const shared = before === undefined ? 0 : sharedPrefixLength(before.key, entry.key);
    if (before !== undefined && !builder.hasRoom(shared, entry.key.length, entry.cell.length)) break;
    builder.add(viewOf(entry), shared);
    kept.push(entry);
  }
  const bytes = builder.bytes;
  const end = builder.finish() + blockTrailerBytes;
  assert.equal(end - lead, bytes);
  const view = new BlockView();
  assert.ok(view.open(target, lead, end));
  return { view, kept, bytes };
}

describe("a block", () => {
  test("takes as much as its size allows, and more only for a single entry", () => {
    const property = fc.property(entriesOf(300), blockSizes, (entries, blockBytes) => {
      const { view, kept, bytes } = build(entries, blockBytes);
      assert.ok(bytes <= blockBytes || kept.length === 1);
      assert.equal(view.restartCount, Math.ceil(kept.length / restartInterval));
    });
    fc.assert(property, { numRuns: 300 });
  });

  test("is searched as a sorted array is", () => {
    const target = fc.tuple(anyKey, fc.oneof(fc.nat(31), fc.constant(anySequence)));
    const property = fc.property(entriesOf(200), fc.array(target), (entries, targets) => {
      const { view, kept } = build(entries, 16 * 1024);
      const own = kept.map((entry): [Uint8Array, number] => [entry.key, entry.sequence]);
      for (const [key, limit] of [...targets, ...own]) {
        const at = kept.findIndex((entry) => compareEntries(entry, { key, sequence: limit, cell: key }) >= 0);
        const expected = kept[at];
        // Whatever prefix is known to be common to all must not change the answer.
        const first = kept[0]?.key ?? key;
        const all = kept.reduce((least, entry) => Math.min(least, sharedPrefixLength(entry.key, first)), 1000);
        for (const known of new Set([0, Math.min(all, sharedPrefixLength(first, key))])) {
          assert.ok(view.locate(key, key.length, limit, known));
          if (expected === undefined) {
            assert.equal(view.at, view.entriesEnd);
            assert.ok(!view.isKey);
          } else {
            assert.equal(view.entry.sequence, expected.sequence);
            assert.deepEqual(view.bytes.slice(view.entry.cellAt, view.entry.end), expected.cell);
            assert.equal(
              view.isKey,
              sharedPrefixLength(expected.key, key) === Math.max(expected.key.length, key.length),
            );
          }
        }
      }
    });
    fc.assert(property, { numRuns: 300 });
  });

  test("is refused when its tail cannot be", () => {
    const view = new BlockView();
    const { view: sound } = build([{ key: Uint8Array.of(1), sequence: 1, cell: Uint8Array.of(2) }], 512);
    const end = sound.entriesEnd + 2 + 2 + blockTrailerBytes;
    for (let length = 0; length < end - lead; length++) assert.ok(!view.open(sound.bytes, lead, lead + length));
    for (const count of [0, 2, 3, 1000, 65_535]) {
      const bytes = sound.bytes.slice();
      writeU16(bytes, sound.entriesEnd + 2, count);
      assert.ok(!view.open(bytes, lead, end), `${count} restart points`);
    }
    const bytes = sound.bytes.slice();
    writeU16(bytes, sound.entriesEnd, 1);
    assert.ok(!view.open(bytes, lead, end), "the first restart point is not at the start");
  });

  test("with more entries behind one restart point than an interval holds is refused backward", () => {
    const bytes = new Uint8Array(4096);
    let at = 0;
    for (let entry = 0; entry < 300; entry++) {
      at = writeEntryHeader(bytes, at, 0, 2, 0, 1);
      bytes[at++] = entry >>> 8;
      bytes[at++] = entry;
    }
    writeU16(bytes, at + 2, 1);
    const view = new BlockView();
    assert.ok(view.open(bytes, 0, at + 4 + blockTrailerBytes));
    assert.equal(new BlockInterval().decode(view, view.entriesEnd), "it has too few restart points");
  });
});
