// What the inspector sees beyond what a reader checks: tables whose checksums are good and whose parts do not agree.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { buildTable, diskWith, fileOf, inspect, makeDisk, plainEntries } from "../../../test/engine/table-fixture.ts";
import { blockTrailerBytes, decodeFooter, sealBlock } from "./table-format.ts";
import type { BlockKind } from "./table-format.ts";
import { tailBlockRange } from "./table-tail.ts";

const entries = plainEntries(40, 10);
const disk = await makeDisk();
const meta = buildTable(disk, entries, { blockBytes: 512 });
const sound = fileOf(disk);
const footer = decodeFooter(sound, "sound", sound.length);

/** Damage that the inspector tells once the contents of a part were changed and sealed again. */
async function damageAfter(kind: BlockKind, change: (contents: Uint8Array) => void): Promise<string[]> {
  const bytes = sound.slice();
  const first = inspect(disk, meta).findings.find((finding) => finding.kind === "block");
  const range = kind === "data" ? { start: 0, end: first?.bytes ?? 0 } : tailBlockRange(footer, kind);
  change(bytes.subarray(range.start, range.end - blockTrailerBytes));
  sealBlock(bytes, range.start, range.end - blockTrailerBytes, { kind, salt: footer.salt, offset: range.start });
  return [...inspect(await diskWith(bytes), meta).damage];
}

describe("the inspector", () => {
  test("lists every part of a sound table", () => {
    const { findings, damage } = inspect(disk, meta);
    assert.deepEqual(damage, []);
    const kinds = findings.map((finding) => finding.kind);
    assert.deepEqual(kinds.slice(0, 4), ["footer", "filter", "properties", "index"]);
    const blocks = findings.filter((finding) => finding.kind === "block");
    assert.equal(
      blocks.reduce((sum, block) => sum + block.bytes, 0),
      footer.dataBytes,
    );
    assert.equal(
      blocks.reduce((sum, block) => sum + block.entries, 0),
      entries.length,
    );
    const index = findings.find((finding) => finding.kind === "index");
    assert.equal(index?.blocks, blocks.length);
  });

  test("tells a filter that denies a key which is there", async () => {
    const damage = await damageAfter("filter", (contents) => contents.fill(0, 0, -1));
    assert.equal(damage.length, entries.length);
    assert.match(
      damage[0] ?? "",
      /^table \/tables\/000001\.table, offset 0: data block: the filter denies .*key-00000/,
    );
  });

  test("tells counts that do not agree", async () => {
    const damage = await damageAfter("properties", (contents) => {
      // number, block size (two bytes), blocks, then the count of entries.
      assert.equal(contents[4], entries.length);
      contents[4] = 41;
    });
    assert.match(damage.join(), /the properties say 41 entries, there are 40/);
  });

  test("tells entries that are out of order", async () => {
    const damage = await damageAfter("data", (contents) => {
      const at = contents.findIndex((byte, position) => byte === 0x30 && contents[position - 1] === 0x2d);
      contents[at] = 0x39;
    });
    assert.match(damage.join(), /is out of order/);
  });

  test("tells an index that leads past a key", async () => {
    const damage = await damageAfter("index", (contents) => {
      contents[contents.length - 1] = (contents.at(-1) ?? 0) - 1;
    });
    assert.match(damage.join(), /the index looks for .* elsewhere/);
  });

  test("goes on behind a damaged block", async () => {
    const bytes = sound.slice();
    bytes[5] = (bytes[5] ?? 0) ^ 1;
    const { damage, findings } = inspect(await diskWith(bytes), meta);
    assert.equal(damage.length, 1);
    const blocks = findings.filter((finding) => finding.kind === "block");
    assert.equal(blocks[0]?.entries, 0);
    assert.ok(blocks.slice(1).every((block) => block.entries > 0));
  });
});
