import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { compareEntries } from "../../../test/engine/array-cursor.ts";
import type { Entry } from "../../../test/engine/array-cursor.ts";
import { anyKey, entriesOf } from "../../../test/engine/table-arbitraries.ts";
import { equalBytes, sharedPrefixLength } from "../../base/bytes.ts";
import { anySequence, BlockIndex, BlockIndexBuilder } from "./block-index.ts";

/** Splits sorted entries into blocks of `size` and indexes them; lengths are made up. */
function index(entries: readonly Entry[], size: number): { index: BlockIndex; blocks: Entry[][] } {
  const builder = new BlockIndexBuilder();
  const blocks: Entry[][] = [];
  let dataBytes = 0;
  for (let at = 0; at < entries.length; at += size) {
    const block = entries.slice(at, at + size);
    const first = block[0] as Entry;
    const before = entries[at - 1];
    if (before !== undefined) {
      const shared = sharedPrefixLength(before.key, first.key);
      if (equalBytes(before.key, first.key)) builder.addSeparator(first.key, before.sequence);
      else builder.addSeparator(first.key.subarray(0, shared + 1), undefined);
    }
    builder.addBlock(100 + at);
    dataBytes += 100 + at;
    blocks.push(block);
  }
  return { index: new BlockIndex(builder.build(), "an index", dataBytes), blocks };
}

describe("a block index", () => {
  test("leads to the one block that may hold a key's newest version below a limit", () => {
    const target = fc.tuple(anyKey, fc.oneof(fc.nat(31), fc.constant(anySequence)));
    const property = fc.property(
      entriesOf(120),
      fc.integer({ min: 1, max: 9 }),
      fc.array(target),
      (entries, size, targets) => {
        const { index: built, blocks } = index(entries, size);
        assert.equal(built.blocks, blocks.length);
        const own = entries.map((entry): [Uint8Array, number] => [entry.key, entry.sequence]);
        for (const [key, limit] of [...targets, ...own]) {
          const answer = entries.find((entry) => compareEntries(entry, { key, sequence: limit, cell: key }) >= 0);
          const led = built.find(key, key.length, limit);
          const home = blocks.findIndex((block) => answer !== undefined && block.includes(answer));
          if (answer !== undefined && equalBytes(answer.key, key)) assert.equal(led, home);
          else if (answer === undefined) assert.equal(led, blocks.length - 1);
          else assert.ok(led === home || (led === home - 1 && blocks[home]?.[0] === answer), `${led} for ${home}`);
          const known = built.sharedIn(led);
          for (const entry of blocks[led] as Entry[]) assert.ok(sharedPrefixLength(entry.key, key) >= known);
        }
      },
    );
    fc.assert(property, { numRuns: 300 });
  });

  test("knows where each block begins and how long it is", () => {
    const entries = [1, 2, 3, 4, 5].map((byte) => ({
      key: Uint8Array.of(9, byte),
      sequence: 1,
      cell: Uint8Array.of(),
    }));
    const { index: built } = index(entries, 2);
    assert.deepEqual(
      [0, 1, 2, 3].map((block) => built.offsetOf(block)),
      [0, 100, 202, 306],
    );
    assert.deepEqual(
      [0, 1, 2].map((block) => built.lengthOf(block)),
      [100, 102, 104],
    );
    assert.deepEqual(built.separator(0), { key: Uint8Array.of(9, 3), sequence: undefined });
  });

  test("is refused when it does not add up", () => {
    const entries = [1, 2, 3].map((byte) => ({ key: Uint8Array.of(7, byte), sequence: 1, cell: Uint8Array.of() }));
    const builder = new BlockIndexBuilder();
    for (const [at, { key }] of entries.entries()) {
      if (at > 0) builder.addSeparator(key, undefined);
      builder.addBlock(100);
    }
    const sound = builder.build();
    assert.equal(new BlockIndex(sound, "an index", 300).blocks, 3);
    const refused = (contents: Uint8Array, dataBytes: number): void => {
      assert.throws(() => new BlockIndex(contents, "an index", dataBytes), {
        code: "corruption",
        message: /^an index/,
      });
    };
    refused(sound, 299);
    refused(sound, 301);
    refused(Uint8Array.of(...sound, 0), 300);
    for (let length = 0; length < sound.length; length++) refused(sound.slice(0, length), 300);
    const swapped = sound.slice();
    swapped.set([sound.at(-1) as number, sound.at(-2) as number], sound.length - 2);
    refused(swapped, 300);
    const many = sound.slice();
    many[0] = 127;
    refused(many, 300);
  });
});
