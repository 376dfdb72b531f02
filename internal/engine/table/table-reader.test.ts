// How an open table gets at its blocks: the budget, loads, readahead, pins, and what happens when the
// cache is too small for what stands in it.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  buildTable,
  copyEntry,
  HeldTurns,
  lookupOf,
  makeCell,
  makeDisk,
  makeMemory,
  openBuilt,
  plainEntries,
  settled,
} from "../../../test/engine/table-fixture.ts";
import type { MemoryOptions } from "../../../test/engine/table-fixture.ts";
import { Holds } from "../../../test/engine/holds.ts";
import { emptySlot } from "../cursor.ts";

const blockBytes = 512;
const entries = plainEntries(400, 40);
const any = Number.MAX_SAFE_INTEGER;

function entryAt(at: number) {
  const entry = entries[at];
  assert.ok(entry !== undefined);
  return entry;
}

async function openHeld(options: MemoryOptions = {}) {
  const holds = new Holds();
  const disk = await makeDisk(holds.disk);
  const meta = buildTable(disk, entries, { blockBytes });
  const memory = makeMemory({ blockBytes, readsNow: 0, ...options });
  const reader = await openBuilt(disk, meta, memory);
  return { holds, disk, memory, reader, stats: memory.stats };
}

describe("a lookup", () => {
  test("reads a missing block at once while the budget lasts, and asks for a load behind it", async () => {
    const turns = new HeldTurns();
    const { reader, stats } = await openHeld({ readsNow: 2, turns });
    const slot = emptySlot();
    const keys = [0, 100, 200].map((at) => lookupOf(entryAt(at).key));
    const outcomes = () => keys.map((key) => reader.find(key, any, slot));
    assert.deepEqual(outcomes(), ["found", "found", "need_io"]);
    assert.deepEqual(outcomes(), ["found", "found", "need_io"]);
    turns.end();
    assert.deepEqual(outcomes(), ["found", "found", "found"]);
    assert.deepEqual([stats.readsNow, stats.readsPooled, stats.blocksRead], [3, 0, 3]);
    await reader.close();
  });

  test("that waits shares its read with others for the block", async () => {
    const { reader, stats, holds } = await openHeld();
    const slot = emptySlot();
    const key = lookupOf(entryAt(0).key);
    assert.equal(reader.find(key, any, slot), "need_io");
    holds.start("read");
    const loads = [reader.load(key, any), reader.load(key, any), reader.load(lookupOf(entryAt(1).key), any)];
    assert.equal(holds.waiting, 1);
    holds.release();
    await Promise.all(loads);
    assert.equal(reader.find(key, any, slot), "found");
    assert.deepEqual(copyEntry(slot), entryAt(0));
    assert.equal(stats.readsPooled, 1);
    await reader.load(key, any);
    assert.equal(stats.readsPooled, 1);
    await reader.close();
  });

  test("may have its key reused while it loads", async () => {
    const { reader } = await openHeld();
    const key = lookupOf(entryAt(7).key);
    const load = reader.load(key, any);
    key.bytes.fill(0xff);
    await load;
    assert.equal(reader.find(lookupOf(entryAt(7).key), any, emptySlot()), "found");
    await reader.close();
  });

  test("counts what the filter avoided, and what it let pass in vain", async () => {
    const { reader, stats } = await openHeld({ readsNow: 100_000 });
    const slot = emptySlot();
    let passed = 0;
    for (let at = 0; at < 5000; at++) {
      const key = lookupOf(Uint8Array.from([...entryAt(at % 400).key, at >>> 8, at & 0xff]));
      if (reader.mayContain(key.hash)) passed++;
      assert.equal(reader.find(key, any, slot), "absent");
    }
    for (const entry of entries) assert.equal(reader.find(lookupOf(entry.key), any, slot), "found");
    assert.equal(stats.filterChecks, 5400);
    assert.equal(stats.filterFalsePositives, passed);
    assert.equal(stats.filterAvoided, 5000 - passed);
    assert.ok(passed <= 50, `${passed} of 5000 passed`);
    await reader.close();
  });

  test("of a cell larger than a frame works with and without budget, and stays within the bound", async () => {
    const huge = entries
      .slice(0, 20)
      .map((entry, at) => ({ ...entry, cell: makeCell({ payload: new Uint8Array(20_000 + at).fill(at) }) }));
    for (const readsNow of [0, 1000]) {
      const disk = await makeDisk();
      const meta = buildTable(disk, huge, { blockBytes });
      const memory = makeMemory({ blockBytes, blockCacheBytes: 64 * 1024, readsNow });
      const reader = await openBuilt(disk, meta, memory);
      for (const entry of huge) {
        const slot = emptySlot();
        const key = lookupOf(entry.key);
        if (reader.find(key, any, slot) === "need_io") await reader.load(key, any);
        assert.equal(reader.find(key, any, slot), "found");
        assert.deepEqual(copyEntry(slot), entry);
        assert.ok(memory.loose.bytesHeld <= 22_000);
      }
      await reader.close();
    }
  });

  test("never reads a block of more than 64 KiB on the event loop", async () => {
    const disk = await makeDisk();
    const [first] = entries;
    assert.ok(first !== undefined);
    const meta = buildTable(disk, [{ ...first, cell: makeCell({ payload: new Uint8Array(100_000) }) }], { blockBytes });
    const memory = makeMemory({ blockBytes, readsNow: 1000 });
    const reader = await openBuilt(disk, meta, memory);
    const key = lookupOf(first.key);
    assert.equal(reader.find(key, any, emptySlot()), "need_io");
    await reader.load(key, any);
    assert.equal(reader.find(key, any, emptySlot()), "found");
    assert.equal(memory.stats.readsNow, 0);
    await reader.close();
  });

  test("fails with what the disk says, and works again when the disk does", async () => {
    const { reader, holds, memory } = await openHeld();
    const key = lookupOf(entryAt(3).key);
    holds.start("read");
    const load = reader.load(key, any);
    holds.fail(new Error("the cable is out"));
    await assert.rejects(load, /the cable is out/);
    assert.equal(memory.cache.pinned, 0);
    await reader.load(key, any);
    assert.equal(reader.find(key, any, emptySlot()), "found");
    await reader.close();
  });
});

describe("a cursor", () => {
  test("that goes on into missing blocks reads more of them in one go, both ways", async () => {
    for (const backward of [false, true]) {
      for (const readsNow of [0, 1000]) {
        const { reader, stats } = await openHeld({ readsNow });
        const cursor = reader.cursor();
        let count = 0;
        if (backward) cursor.seekToLast();
        else cursor.seekToFirst();
        for (await settled(cursor); cursor.valid; await settled(cursor)) {
          count++;
          if (backward) cursor.previous();
          else cursor.next();
        }
        assert.equal(count, entries.length);
        const { blocks } = reader.blocks.index;
        assert.ok(blocks > 40);
        assert.equal(stats.blocksRead, blocks, "each block is read once");
        assert.ok(stats.readsNow + stats.readsPooled <= 8, `${stats.readsNow + stats.readsPooled} reads`);
        cursor.close();
        await reader.close();
      }
    }
  });

  test("keeps its bytes while others push everything else out of the cache", async () => {
    const { reader, memory } = await openHeld({ readsNow: 1_000_000, blockCacheBytes: 5 * blockBytes });
    const standing = reader.cursor();
    standing.seek(entryAt(200).key, entryAt(200).key.length);
    const view = { ...standing, keyBytes: standing.keyBytes, cellBytes: standing.cellBytes };
    for (const entry of entries) assert.equal(reader.find(lookupOf(entry.key), any, emptySlot()), "found");
    assert.deepEqual(copyEntry(view), entryAt(200));
    standing.next();
    assert.deepEqual(copyEntry(standing), entryAt(201));
    standing.close();
    standing.close();
    assert.equal(memory.cache.pinned, 0);
    await reader.close();
  });

  test("walks past the cache when every frame is pinned", async () => {
    for (const readsNow of [0, 1_000_000]) {
      const { reader, memory } = await openHeld({ readsNow, blockCacheBytes: 3 * blockBytes });
      const cursors = [];
      for (let at = 0; at < 12; at++) {
        const cursor = reader.cursor();
        cursor.seek(entryAt(at * 30).key, entryAt(at * 30).key.length);
        await settled(cursor);
        cursors.push(cursor);
      }
      assert.equal(memory.cache.pinned, memory.cache.frames);
      for (let step = 0; step < 30; step++) {
        for (const [at, cursor] of cursors.entries()) {
          assert.deepEqual(copyEntry(cursor), entryAt(at * 30 + step));
          cursor.next();
          await settled(cursor);
        }
      }
      assert.equal(reader.find(lookupOf(entryAt(399).key), any, emptySlot()) === "absent", false);
      for (const cursor of cursors) cursor.close();
      assert.equal(memory.cache.pinned, 0);
      memory.cache.checkInvariants();
      await reader.close();
    }
  });

  test("gets its block even when it is pushed out before the cursor looks", async () => {
    const { reader, holds, stats } = await openHeld({ blockCacheBytes: blockBytes });
    // One frame, many walkers at the same time: each load pushes out what the one before brought.
    const cursors = Array.from({ length: 10 }, () => reader.cursor());
    holds.start("read");
    const walks = cursors.map(async (cursor, at) => {
      cursor.seek(entryAt(at * 40).key, entryAt(at * 40).key.length);
      for (let step = 0; step < 40; step++) {
        await settled(cursor);
        assert.deepEqual(copyEntry(cursor), entryAt(at * 40 + step));
        if (step < 39) cursor.next();
      }
      cursor.close();
    });
    holds.release();
    await Promise.all(walks);
    assert.ok(stats.readsPooled > 0);
    await reader.close();
  });

  test("may be closed while it loads", async () => {
    const { reader, holds, memory } = await openHeld();
    const cursor = reader.cursor();
    cursor.seekToFirst();
    holds.start("read");
    const load = cursor.load();
    cursor.close();
    holds.release();
    await load;
    assert.equal(cursor.valid, false);
    assert.equal(reader.handles, 0);
    assert.equal(memory.cache.pinned, 0);
    await reader.close();
  });

  test("can try again after a load that failed", async () => {
    const { reader, holds } = await openHeld();
    const cursor = reader.cursor();
    cursor.seek(entryAt(50).key, entryAt(50).key.length);
    holds.start("read");
    const load = cursor.load();
    holds.fail(new Error("no"));
    await assert.rejects(load, /no/);
    assert.equal(cursor.needsLoad, true);
    await settled(cursor);
    assert.deepEqual(copyEntry(cursor), entryAt(50));
    cursor.close();
    await reader.close();
  });
});

describe("closing", () => {
  test("waits for pending reads before it gives the descriptor up", async () => {
    const { reader, holds, disk } = await openHeld();
    holds.start("read");
    const load = reader.load(lookupOf(entryAt(3).key), any);
    const cursor = reader.cursor();
    cursor.seekToLast();
    const walk = cursor.load();
    let closed = false;
    const closing = reader.close().then(() => (closed = true));
    await Promise.resolve();
    await new Promise(setImmediate);
    assert.equal(closed, false);
    assert.equal(disk.openFileCount, 1);
    holds.release();
    await Promise.all([load, walk, closing]);
    assert.equal(disk.openFileCount, 0);
    cursor.close();
  });

  test("ends reading: what is not in memory is refused", async () => {
    const { reader, memory } = await openHeld({ readsNow: 10 });
    const slot = emptySlot();
    assert.equal(reader.find(lookupOf(entryAt(3).key), any, slot), "found");
    await reader.close();
    assert.throws(() => reader.find(lookupOf(entryAt(300).key), any, slot), { code: "stopping" });
    await assert.rejects(reader.load(lookupOf(entryAt(300).key), any), { code: "stopping" });
    assert.equal(memory.cache.pinned, 0);
  });
});
