// Every class of damage to a table's file: whoever reads it gets the right entries or `corruption` that
// names the file and an offset; never a wrong entry, an assertion, an endless loop.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Entry } from "../../../test/engine/array-cursor.ts";
import {
  buildTable,
  copyEntry,
  diskWith,
  fileOf,
  inspect,
  lookupOf,
  makeDisk,
  makeMemory,
  openBuilt,
  plainEntries,
  scanTable,
  settled,
} from "../../../test/engine/table-fixture.ts";
import type { MemoryDisk } from "../../../test/disk/memory-disk.ts";
import { crc32, maskCrc } from "../../base/checksum.ts";
import { writeU32 } from "../../base/codec.ts";
import { TrefoilError } from "../../base/errors.ts";
import { emptySlot } from "../cursor.ts";
import type { Cursor } from "../cursor.ts";
import type { TableMeta } from "../table-meta.ts";
import { blockKind, blockTrailerBytes, decodeFooter, footerBytes, sealBlock } from "./table-format.ts";
import type { BlockKind } from "./table-format.ts";
import { tailBlockRange } from "./table-tail.ts";
import type { TableReader } from "./table-reader.ts";

/** Eight keys, one of them with versions over two blocks. */
function smallEntries(): Entry[] {
  const plain = plainEntries(8, 8);
  const [first] = plain;
  assert.ok(first !== undefined);
  const versions = Array.from({ length: 6 }, (_, at) => ({ ...first, sequence: 100 - at }));
  return [...versions, ...plain];
}

const entries = smallEntries();
const blockBytes = 128;
const disk = await makeDisk();
const meta = buildTable(disk, entries, { blockBytes });
const sound = fileOf(disk);
const footer = decodeFooter(sound, "sound", sound.length);

/** Undefined when damage was told; anything but `corruption` that names the place is thrown on. */
async function orDamage<Value>(work: () => Value | Promise<Value>): Promise<Value | undefined> {
  try {
    return await work();
  } catch (failure) {
    if (!(failure instanceof TrefoilError) || failure.code !== "corruption") throw failure;
    assert.match(failure.message, /table \/tables\/000001\.table, offset \d+: ./);
    return undefined;
  }
}

async function walk(cursor: Cursor, backward: boolean): Promise<Entry[]> {
  const found: Entry[] = [];
  if (backward) cursor.seekToLast();
  else cursor.seekToFirst();
  for (await settled(cursor); cursor.valid; await settled(cursor)) {
    found.push(copyEntry(cursor));
    assert.ok(found.length < 10_000, "a walk without end");
    if (backward) cursor.previous();
    else cursor.next();
  }
  return found;
}

async function find(reader: TableReader, entry: Entry): Promise<Entry | "absent"> {
  const slot = emptySlot();
  const key = lookupOf(entry.key);
  while (reader.find(key, entry.sequence, slot) === "need_io") await reader.load(key, entry.sequence);
  return reader.find(key, entry.sequence, slot) === "found" ? copyEntry(slot) : "absent";
}

/** Reads in every way; whatever comes back must be right. Returns how many ways told damage. */
async function readEverything(damaged: MemoryDisk, of: TableMeta, expected: readonly Entry[]): Promise<number> {
  let told = 0;
  const scanned = await orDamage(() => scanTable(damaged, of));
  if (scanned === undefined) told++;
  else assert.deepEqual(scanned, expected);
  for (const readsNow of [0, 1000]) {
    const memory = makeMemory({ blockBytes, blockCacheBytes: 2048, readsNow });
    const reader = await orDamage(() => openBuilt(damaged, of, memory));
    told += reader === undefined ? 1 : await readOpen(reader, expected);
  }
  assert.equal(damaged.openFileCount, 0);
  return told;
}

async function readOpen(reader: TableReader, expected: readonly Entry[]): Promise<number> {
  let told = 0;
  for (const backward of [false, true]) {
    const cursor = reader.cursor();
    const walked = await orDamage(() => walk(cursor, backward));
    cursor.close();
    if (walked === undefined) told++;
    else assert.deepEqual(walked, backward ? expected.toReversed() : expected);
  }
  for (const entry of expected) {
    const found = await orDamage(() => find(reader, entry));
    if (found === undefined) told++;
    else assert.deepEqual(found, entry);
  }
  await reader.close();
  return told;
}

function flipped(at: number, bit: number): Uint8Array {
  const bytes = sound.slice();
  bytes[at] = (bytes[at] as number) ^ (1 << bit);
  return bytes;
}

/** Changes the contents of a block and gives it a checksum that fits. */
function resealed(
  kind: BlockKind,
  range: { start: number; end: number },
  change: (contents: Uint8Array) => void,
): Uint8Array {
  const bytes = sound.slice();
  change(bytes.subarray(range.start, range.end - blockTrailerBytes));
  sealBlock(bytes, range.start, range.end - blockTrailerBytes, { kind, salt: footer.salt, offset: range.start });
  return bytes;
}

function dataBlocks(of: MemoryDisk): { start: number; end: number }[] {
  return inspect(of, meta).findings.flatMap((finding) =>
    finding.kind === "block" ? [{ start: finding.offset, end: finding.offset + finding.bytes }] : [],
  );
}

/** Reads in every way; anything may come back, but in bounded time, and no failure but corruption. */
async function survive(bytes: Uint8Array): Promise<void> {
  const damaged = await diskWith(bytes);
  await orDamage(() => scanTable(damaged, meta));
  inspect(damaged, meta);
  const reader = await orDamage(() => openBuilt(damaged, meta, makeMemory({ blockBytes })));
  if (reader === undefined) return;
  for (const entry of entries) {
    await orDamage(() => find(reader, entry));
    const cursor = reader.cursor();
    await orDamage(() => cursor.seek(entry.key, entry.key.length));
    if (cursor.valid) await orDamage(() => cursor.previous());
    await orDamage(() => cursor.seekBefore(entry.key, entry.key.length));
    if (cursor.valid) await orDamage(() => cursor.next());
    cursor.close();
  }
  for (const backward of [false, true]) {
    const cursor = reader.cursor();
    await orDamage(() => walk(cursor, backward));
    cursor.close();
  }
  await reader.close();
}

describe("a damaged table", () => {
  test("has blocks, versions of one key across blocks, and reads well before the damage", async () => {
    assert.ok(dataBlocks(disk).length >= 4);
    assert.equal(await readEverything(disk, meta, entries), 0);
    assert.deepEqual(inspect(disk, meta).damage, []);
  });

  test("with any one bit flipped gives right answers or corruption, and the inspector sees it", async () => {
    for (let at = 0; at < sound.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const damaged = await diskWith(flipped(at, bit));
        assert.notDeepEqual(inspect(damaged, meta).damage, [], `byte ${at}, bit ${bit}`);
        // Reading in every way takes long; one bit of each byte has it all, of the others the scan.
        if (bit === at % 8) assert.ok((await readEverything(damaged, meta, entries)) > 0, `byte ${at}, bit ${bit}`);
        else assert.equal(await orDamage(() => scanTable(damaged, meta)), undefined, `byte ${at}, bit ${bit}`);
      }
    }
  });

  test("cut short at any length is refused", async () => {
    for (let length = 0; length < sound.length; length++) {
      const damaged = await diskWith(sound.slice(0, length));
      assert.equal(await orDamage(() => scanTable(damaged, meta)), undefined, `length ${length}`);
      assert.equal(await orDamage(() => openBuilt(damaged, meta)), undefined, `length ${length}`);
      assert.equal(inspect(damaged, meta).damage.length, 1);
      assert.equal(damaged.openFileCount, 0);
    }
  });

  test("with bytes behind its end, or put in, is refused", async () => {
    for (const at of [0, 1, footer.dataBytes, sound.length - 1, sound.length]) {
      for (const added of [Uint8Array.of(0), sound.slice(-footerBytes), new Uint8Array(4096)]) {
        const damaged = await diskWith(Uint8Array.of(...sound.slice(0, at), ...added, ...sound.slice(at)));
        assert.equal(await orDamage(() => openBuilt(damaged, meta)), undefined);
        const scanned = await orDamage(() => scanTable(damaged, meta));
        assert.equal(scanned, undefined);
      }
    }
  });

  test("whose end was overwritten with zeros is refused", async () => {
    for (let length = 0; length < sound.length; length += 7) {
      const bytes = sound.slice();
      bytes.fill(0, length);
      const damaged = await diskWith(bytes);
      assert.equal(await orDamage(() => openBuilt(damaged, meta)), undefined);
    }
  });

  test("that turns out shorter once it is open tells so", async () => {
    const shrinking = await diskWith(sound);
    const reader = await openBuilt(shrinking, meta, makeMemory({ blockBytes, readsNow: 0 }));
    const file = await shrinking.openFile("/tables/000001.table", { access: "write" });
    await file.truncate(200);
    await file.close();
    const cursor = reader.cursor();
    cursor.seekToLast();
    await assert.rejects(cursor.load(), { code: "corruption", message: /the file ends within its data blocks/ });
    cursor.close();
    await reader.close();
    assert.equal(shrinking.openFileCount, 0);
  });
});

describe("bytes that are no table of ours", () => {
  const foreign: readonly (readonly [string, Uint8Array])[] = [
    ["nothing", new Uint8Array(0)],
    ["zeros", new Uint8Array(5000)],
    ["text", new TextEncoder().encode("name: value\n".repeat(300))],
    ["only a footer", sound.slice(-footerBytes)],
    [
      "a table of another program",
      Uint8Array.of(...new Uint8Array(500), 0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb),
    ],
  ];
  for (const [name, bytes] of foreign) {
    test(`are refused: ${name}`, async () => {
      const other = await diskWith(bytes);
      const own = { ...meta, bytes: bytes.length };
      assert.equal(await orDamage(() => openBuilt(other, own)), undefined);
      assert.equal(await orDamage(() => scanTable(other, own)), undefined);
      assert.equal(inspect(other, own).damage.length, 1);
      assert.deepEqual(fileOf(other), bytes);
    });
  }

  test("of a newer format are told apart from damage", async () => {
    const bytes = sound.slice();
    const at = bytes.length - footerBytes;
    writeU32(bytes, at + 24, 2);
    writeU32(bytes, at + 28, maskCrc(crc32(bytes, at, at + 28)));
    const expected = { code: "bad_request", message: /table \/tables\/000001\.table has format 2.* knows 1/ };
    const newer = await diskWith(bytes);
    await assert.rejects(openBuilt(newer, meta), expected);
    assert.throws(() => scanTable(newer, meta), expected);
    assert.match(inspect(newer, meta).damage.join(), /format 2/);
    // Another layout in front of the last 16 bytes, which no version changes; the checksum covers as many bytes in each.
    bytes.fill(0xee, at, at + 24);
    await assert.rejects(openBuilt(await diskWith(bytes), meta), { code: "corruption" });
    writeU32(bytes, at + 28, maskCrc(crc32(bytes, at, at + 28)));
    await assert.rejects(openBuilt(await diskWith(bytes), meta), expected);
  });

  test("of another table of ours under its name are refused", async () => {
    const others = await makeDisk();
    const [first] = entries;
    assert.ok(first !== undefined);
    const variants = [
      plainEntries(8, 8),
      entries.slice(1),
      entries.slice(0, -1),
      entries.map((entry) => (entry === first ? { ...entry, sequence: 5000 } : entry)),
    ];
    for (const [at, variant] of variants.entries()) {
      const other = buildTable(others, variant, { number: at + 1, blockBytes });
      const renamed = await diskWith(fileOf(others, at + 1));
      const asked = { ...meta, bytes: other.bytes };
      await assert.rejects(openBuilt(renamed, asked), {
        code: "corruption",
        message: /not the table that the manifest names/,
      });
      assert.throws(() => scanTable(renamed, asked), { code: "corruption" });
    }
  });
});

describe("a block that is not the one that was asked for", () => {
  test("does not pass when it is another block of the same table", async () => {
    const even = await makeDisk();
    const evenMeta = buildTable(even, plainEntries(40, 8), { blockBytes });
    const bytes = fileOf(even);
    const blocks = dataBlocks(even);
    for (const [at, block] of blocks.entries()) {
      const next = blocks[at + 1];
      if (next === undefined || next.end - next.start !== block.end - block.start) continue;
      const copied = bytes.slice();
      copied.set(bytes.subarray(block.start, block.end), next.start);
      const damaged = await diskWith(copied);
      assert.equal(await orDamage(() => scanTable(damaged, evenMeta)), undefined);
      assert.match(inspect(damaged, evenMeta).damage.join(), /the checksum does not match/);
      return;
    }
    assert.fail("no two neighbours of one length");
  });

  test("does not pass when it is the same block of another table", async () => {
    const others = await makeDisk();
    buildTable(others, entries, { number: 2, blockBytes });
    const other = fileOf(others, 2);
    for (const { start, end } of dataBlocks(disk)) {
      const bytes = sound.slice();
      bytes.set(other.subarray(start, end), start);
      assert.equal(await orDamage(async () => scanTable(await diskWith(bytes), meta)), undefined);
    }
  });

  test("does not pass when it is of another kind, even with a good checksum", async () => {
    const [block] = dataBlocks(disk);
    assert.ok(block !== undefined);
    for (const kind of ["filter", "properties", "index"] as const) {
      const damaged = await diskWith(resealed(kind, block, () => undefined));
      await assert.rejects(async () => scanTable(damaged, meta), {
        code: "corruption",
        message: new RegExp(`it is of kind ${blockKind[kind]}`),
      });
    }
  });
});

describe("bytes with a good checksum that make no sense", () => {
  const change = fc.oneof(
    // A few bytes changed.
    fc
      .array(fc.tuple(fc.nat(10_000), fc.oneof(fc.constantFrom(0, 1, 127, 128, 255), fc.nat(255))), {
        minLength: 1,
        maxLength: 4,
      })
      .map((edits) => (contents: Uint8Array) => {
        for (const [at, value] of edits) contents[at % contents.length] = value;
      }),
    // All of them.
    fc.uint8Array({ minLength: 200, maxLength: 200 }).map((random) => (contents: Uint8Array) => {
      for (let at = 0; at < contents.length; at++) contents[at] = random[at % random.length] as number;
    }),
    fc.constantFrom(0, 1, 128, 255).map((value) => (contents: Uint8Array) => {
      contents.fill(value);
    }),
  );

  test("in a data block lead nowhere but to corruption", async () => {
    const blocks = dataBlocks(disk);
    const property = fc.asyncProperty(fc.nat(blocks.length - 1), change, async (at, edit) => {
      await survive(resealed("data", blocks[at] as { start: number; end: number }, edit));
    });
    await fc.assert(property, { numRuns: 100 });
  });

  for (const kind of ["filter", "properties", "index"] as const) {
    test(`in the ${kind} block lead nowhere but to corruption`, async () => {
      const property = fc.asyncProperty(change, async (edit) => {
        await survive(resealed(kind, tailBlockRange(footer, kind), edit));
      });
      await fc.assert(property, { numRuns: 80 });
    });
  }

  test("in the footer lead nowhere but to corruption", async () => {
    const at = sound.length - footerBytes;
    const property = fc.asyncProperty(fc.nat(23), fc.nat(255), async (offset, value) => {
      const bytes = sound.slice();
      bytes[at + offset] = value;
      writeU32(bytes, at + 28, maskCrc(crc32(bytes, at, at + 28)));
      await survive(bytes);
    });
    await fc.assert(property, { numRuns: 100 });
  });
});
