// Tables as a whole: whatever goes in comes out, by scan, lookup and cursor, against a plain sorted array.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ArrayCursor } from "../../../test/engine/array-cursor.ts";
import type { Entry } from "../../../test/engine/array-cursor.ts";
import { anyKey, blockSizes, entriesOf } from "../../../test/engine/table-arbitraries.ts";
import {
  buildTable,
  copyEntry,
  inspect,
  lookupOf,
  makeDisk,
  makeMemory,
  openBuilt,
  plainEntries,
  scanTable,
  settled,
} from "../../../test/engine/table-fixture.ts";
import { compareBytes, equalBytes, hex } from "../../base/bytes.ts";
import { emptySlot } from "../cursor.ts";
import type { Cursor } from "../cursor.ts";
import type { TableReader } from "./table-reader.ts";

const anySettings = fc.record({
  blockBytes: blockSizes,
  cacheBlocks: fc.constantFrom(1, 4, 1000),
  readsNow: fc.constantFrom(0, 1_000_000),
});

type Move =
  | { readonly to: "first" | "last" | "next" | "previous" }
  | { readonly to: "at" | "before"; readonly key: Uint8Array };

const anyMove: fc.Arbitrary<Move> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom<Move>({ to: "first" }, { to: "last" }) },
  { weight: 2, arbitrary: fc.record({ to: fc.constantFrom("at" as const, "before" as const), key: anyKey }) },
  { weight: 6, arbitrary: fc.constantFrom<Move>({ to: "next" }, { to: "previous" }) },
);

function apply(cursor: Cursor, move: Move): void {
  switch (move.to) {
    case "first":
      return cursor.seekToFirst();
    case "last":
      return cursor.seekToLast();
    case "next":
      return cursor.valid ? cursor.next() : cursor.seekToFirst();
    case "previous":
      return cursor.valid ? cursor.previous() : cursor.seekToLast();
    case "at":
      return cursor.seek(move.key, move.key.length);
    case "before":
      return cursor.seekBefore(move.key, move.key.length);
  }
}

async function find(reader: TableReader, key: Uint8Array, limit: number): Promise<Entry | undefined> {
  const slot = emptySlot();
  const lookup = lookupOf(key);
  for (;;) {
    const outcome = reader.find(lookup, limit, slot);
    if (outcome !== "need_io") return outcome === "found" ? copyEntry(slot) : undefined;
    await reader.load(lookup, limit);
  }
}

describe("a table", () => {
  test("gives back random entries by scan, lookup and inspection, and denies others", async () => {
    const property = fc.asyncProperty(
      entriesOf(300),
      anySettings,
      fc.array(anyKey),
      async (entries, settings, others) => {
        const { blockBytes, cacheBlocks, readsNow } = settings;
        const disk = await makeDisk();
        const meta = buildTable(disk, entries, { blockBytes });
        assert.equal(meta.entries, entries.length);
        assert.deepEqual(scanTable(disk, meta), entries);
        assert.deepEqual(inspect(disk, meta).damage, []);
        assert.deepEqual(inspect(disk, meta).entries, entries);
        const memory = makeMemory({ blockBytes, blockCacheBytes: cacheBlocks * blockBytes, readsNow });
        const reader = await openBuilt(disk, meta, memory);
        for (const [at, entry] of entries.entries()) {
          assert.deepEqual(await find(reader, entry.key, entry.sequence), entry);
          const older = entries[at + 1];
          const next = older !== undefined && equalBytes(older.key, entry.key) ? older : undefined;
          if (entry.sequence > 0) assert.deepEqual(await find(reader, entry.key, entry.sequence - 1), next);
        }
        for (const key of others) {
          const newest = entries.find((entry) => equalBytes(entry.key, key));
          assert.deepEqual(await find(reader, key, Number.MAX_SAFE_INTEGER), newest);
        }
        memory.cache.checkInvariants();
        await reader.close();
        assert.equal(disk.openFileCount, 0);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  test("is walked both ways as a sorted array is", async () => {
    const moves = fc.array(anyMove, { minLength: 1, maxLength: 120, size: "max" });
    const property = fc.asyncProperty(entriesOf(200), anySettings, moves, async (entries, settings, plan) => {
      const { blockBytes, cacheBlocks, readsNow } = settings;
      const disk = await makeDisk();
      const meta = buildTable(disk, entries, { blockBytes });
      const memory = makeMemory({ blockBytes, blockCacheBytes: cacheBlocks * blockBytes, readsNow });
      const reader = await openBuilt(disk, meta, memory);
      const model = new ArrayCursor(entries);
      const cursor = reader.cursor();
      for (const move of plan) {
        apply(model, move);
        apply(cursor, move);
        await settled(cursor);
        assert.equal(cursor.valid, model.valid);
        if (cursor.valid) assert.deepEqual(copyEntry(cursor), copyEntry(model));
      }
      cursor.close();
      memory.cache.checkInvariants();
      assert.equal(memory.cache.pinned, 0);
      await reader.close();
    });
    await fc.assert(property, { numRuns: 100 });
  });

  test("is read backward across many blocks", async () => {
    const disk = await makeDisk();
    const entries = plainEntries(2000, 60);
    const meta = buildTable(disk, entries, { blockBytes: 512 });
    for (const readsNow of [0, 1_000_000]) {
      const reader = await openBuilt(disk, meta, makeMemory({ blockBytes: 512, blockCacheBytes: 8192, readsNow }));
      const cursor = reader.cursor();
      const backward: Entry[] = [];
      cursor.seekToLast();
      for (await settled(cursor); cursor.valid; await settled(cursor)) {
        backward.push(copyEntry(cursor));
        cursor.previous();
      }
      assert.deepEqual(backward, entries.toReversed());
      cursor.close();
      await reader.close();
    }
  });

  test("finds every key at and beside its restart points", async () => {
    // Keys of one length share all but their last bytes, so that a wrong prefix at a restart shows.
    const entries = plainEntries(200, 0);
    for (const count of [1, 2, 15, 16, 17, 31, 32, 33, 48, 200]) {
      const disk = await makeDisk();
      const some = entries.slice(0, count);
      const meta = buildTable(disk, some, { blockBytes: 16 * 1024 });
      const reader = await openBuilt(disk, meta);
      const cursor = reader.cursor();
      for (const [at, entry] of some.entries()) {
        assert.deepEqual(await find(reader, entry.key, entry.sequence), entry);
        cursor.seek(entry.key, entry.key.length);
        assert.deepEqual(copyEntry(cursor), entry);
        cursor.previous();
        assert.deepEqual(cursor.valid ? copyEntry(cursor) : undefined, some[at - 1]);
        cursor.seekBefore(entry.key, entry.key.length);
        assert.deepEqual(cursor.valid ? copyEntry(cursor) : undefined, some[at - 1]);
        if (cursor.valid) cursor.next();
        else cursor.seekToFirst();
        assert.deepEqual(copyEntry(cursor), entry);
      }
      cursor.close();
      await reader.close();
    }
  });

  test("keeps versions of one key that fill several blocks apart", async () => {
    const disk = await makeDisk();
    const [first, last] = plainEntries(2);
    assert.ok(first !== undefined && last !== undefined);
    const versions = Array.from({ length: 300 }, (_, at) => ({ ...first, sequence: 3 * (300 - at) }));
    const entries = [...versions, { ...last, sequence: 7 }];
    const meta = buildTable(disk, entries, { blockBytes: 512 });
    const memory = makeMemory({ blockBytes: 512, readsNow: 0 });
    const reader = await openBuilt(disk, meta, memory);
    for (let limit = 0; limit <= 901; limit++) {
      const expected = versions.find((entry) => entry.sequence <= limit);
      assert.deepEqual(await find(reader, first.key, limit), expected);
    }
    const cursor = await settled(seekTo(reader.cursor(), first.key));
    assert.deepEqual(copyEntry(cursor), versions[0]);
    cursor.close();
    await reader.close();
  });

  test("counts and ranges of what is in it are what its metadata says", async () => {
    const property = fc.asyncProperty(entriesOf(100), async (entries) => {
      const disk = await makeDisk();
      const meta = buildTable(disk, entries);
      const found = inspect(disk, meta).entryFindings;
      const sequences = found.map((entry) => entry.sequence);
      const stamps = found.map((entry) => entry.cell.stamp);
      const expiries = found.map((entry) => entry.cell.expiry).filter((expiry) => expiry !== 0);
      const versions = found
        .map((entry) => ({ term: entry.cell.term as number, index: entry.cell.index as number }))
        .toSorted((a, b) => a.term - b.term || a.index - b.index);
      assert.deepEqual(meta, {
        number: 1,
        bytes: await disk.sizeOf("/tables/000001.table"),
        entries: entries.length,
        keys: new Set(entries.map((entry) => hex(entry.key))).size,
        tombstones: found.filter((entry) => entry.cell.tombstone).length,
        smallest: entries[0]?.key,
        largest: entries.at(-1)?.key,
        sequenceLeast: Math.min(...sequences),
        sequenceGreatest: Math.max(...sequences),
        stampGreatest: Math.max(...stamps),
        expiryLeast: expiries.length === 0 ? 0 : Math.min(...expiries),
        expiryGreatest: expiries.length === 0 ? 0 : Math.max(...expiries),
        expiring: expiries.length,
        versionLeast: versions[0],
        versionGreatest: versions.at(-1),
      });
    });
    await fc.assert(property, { numRuns: 50 });
  });

  test("that was ingested counts all entries with the sequence it was given", async () => {
    const disk = await makeDisk();
    const entries = plainEntries(100);
    const meta = { ...buildTable(disk, entries), sequenceOverride: 500 as never };
    const expected = entries.map((entry) => ({ ...entry, sequence: 500 }));
    assert.deepEqual(scanTable(disk, meta), expected);
    const reader = await openBuilt(disk, meta);
    for (const entry of expected) {
      assert.deepEqual(await find(reader, entry.key, 500), entry);
      assert.equal(await find(reader, entry.key, 499), undefined);
    }
    const cursor = reader.cursor();
    const backward: Entry[] = [];
    for (cursor.seekToLast(); cursor.valid; cursor.previous()) backward.push(copyEntry(cursor));
    assert.deepEqual(backward, expected.toReversed());
    cursor.close();
    await reader.close();
  });

  test("with several versions of a key cannot be ingested", async () => {
    const disk = await makeDisk();
    const [first] = plainEntries(1);
    assert.ok(first !== undefined);
    const meta = { ...buildTable(disk, [first, { ...first, sequence: 0 }]), sequenceOverride: 500 as never };
    await assert.rejects(openBuilt(disk, meta), { code: "corruption", message: /1 keys in 2 entries/ });
  });

  test("orders keys as bytes, not as text", async () => {
    const disk = await makeDisk();
    // As UTF-16, U+FF5E sorts behind the surrogates of U+10000; as UTF-8 bytes it sorts before.
    const keys = ["\u{ff5e}", "\u{10000}", "a", "B"].map((text) => new TextEncoder().encode(text));
    const entries = keys.map((key, at) => ({ key, sequence: at, cell: plainEntries(1)[0]?.cell ?? new Uint8Array(9) }));
    const meta = buildTable(disk, entries);
    const scanned = scanTable(disk, meta).map((entry) => entry.key);
    assert.deepEqual(scanned, keys.toSorted(compareBytes));
    assert.deepEqual(scanned, [keys[3], keys[2], keys[0], keys[1]]);
  });
});

function seekTo(cursor: Cursor, key: Uint8Array): Cursor {
  cursor.seek(key, key.length);
  return cursor;
}
