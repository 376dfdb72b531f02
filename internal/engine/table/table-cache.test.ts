import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  buildTable,
  copyEntry,
  lookupOf,
  makeDisk,
  makeMemory,
  plainEntries,
  settled,
  tableFolder,
} from "../../../test/engine/table-fixture.ts";
import { Holds } from "../../../test/engine/holds.ts";
import { emptySlot } from "../cursor.ts";
import type { TableMeta } from "../table-meta.ts";
import { TableCache } from "./table-cache.ts";

const any = Number.MAX_SAFE_INTEGER;
const entries = plainEntries(100);

async function setUp(
  options: { tables?: number; openTablesMax?: number; tableCacheBytes?: number; readsNow?: number } = {},
) {
  const { tables = 3, openTablesMax = 100, tableCacheBytes = 1_000_000, readsNow = 1000 } = options;
  const holds = new Holds();
  const { disk } = holds;
  await makeDisk(disk);
  const metas = Array.from({ length: tables }, (_, at) =>
    buildTable(disk, entries, { number: at + 1, blockBytes: 512 }),
  );
  const memory = makeMemory({ blockBytes: 512, readsNow });
  const cache = new TableCache(disk, tableFolder, { openTablesMax, tableCacheBytes }, memory);
  const meta = (at: number): TableMeta => {
    const found = metas[at];
    assert.ok(found !== undefined);
    return found;
  };
  return { holds, disk, memory, cache, metas, meta };
}

describe("the table cache", () => {
  test("opens a table once for all who ask, and gives it at once from then on", async () => {
    const { cache, meta, holds, disk } = await setUp();
    assert.equal(cache.acquireNow(meta(0)), undefined);
    holds.start("open");
    const asked = [1, 2, 3].map(async () => cache.acquire(meta(0)));
    holds.release();
    const readers = await Promise.all(asked);
    assert.equal(new Set(readers).size, 1);
    assert.equal(readers[0]?.handles, 3);
    assert.equal(cache.acquireNow(meta(0)), readers[0]);
    assert.equal(cache.stats.opened, 1);
    for (let at = 0; at < 4; at++) readers[0]?.release();
    assert.equal(cache.openTables, 1);
    await cache.close();
    assert.equal(disk.openFileCount, 0);
  });

  test("tells everyone who waits that a table cannot be opened, and tries again later", async () => {
    const { cache, meta, holds } = await setUp();
    holds.start("open");
    const asked = [cache.acquire(meta(0)), cache.acquire(meta(0))];
    holds.fail(new Error("no descriptor left"));
    for (const each of asked) await assert.rejects(Promise.resolve(each), /no descriptor left/);
    const reader = await cache.acquire(meta(0));
    assert.equal(reader.handles, 1);
    reader.release();
    const missing = { ...meta(0), number: 77 as never };
    await assert.rejects(Promise.resolve(cache.acquire(missing)), { name: "DiskFailure", kind: "not_found" });
    await cache.close();
  });

  test("closes the least used tables above its bound of files, never one in use", async () => {
    const { cache, metas, meta, disk } = await setUp({ tables: 8, openTablesMax: 3 });
    const kept = await cache.acquire(meta(0));
    for (const each of metas.slice(1)) (await cache.acquire(each)).release();
    assert.equal(cache.openTables, 3);
    assert.equal(cache.acquireNow(meta(0)), kept);
    kept.release();
    const all = await Promise.all(metas.map(async (each) => cache.acquire(each)));
    assert.equal(cache.openTables, 8);
    for (const reader of all) {
      assert.equal(reader.find(lookupOf(entries[5]?.key ?? new Uint8Array(1)), any, emptySlot()), "found");
      reader.release();
    }
    kept.release();
    assert.equal(cache.openTables, 3);
    await cache.close();
    assert.equal(disk.openFileCount, 0);
    assert.equal(cache.stats.opened, cache.stats.closed);
  });

  test("closes tables above its bound of memory", async () => {
    const first = await setUp({ tables: 1 });
    const reader = await first.cache.acquire(first.meta(0));
    const each = reader.bytesInMemory;
    assert.equal(first.cache.bytesInMemory, each);
    const { cache, metas } = await setUp({ tables: 6, tableCacheBytes: 2 * each });
    for (const meta of metas) (await cache.acquire(meta)).release();
    assert.equal(cache.openTables, 2);
    assert.equal(cache.bytesInMemory, 2 * each);
    reader.release();
    await first.cache.close();
    await cache.close();
    assert.equal(cache.bytesInMemory, 0);
  });

  test("keeps the blocks of a table that it closed for want of room", async () => {
    const { cache, meta, memory } = await setUp({ tables: 3, openTablesMax: 1 });
    const key = lookupOf(entries[5]?.key ?? new Uint8Array(1));
    const first = await cache.acquire(meta(0));
    assert.equal(first.find(key, any, emptySlot()), "found");
    first.release();
    (await cache.acquire(meta(1))).release();
    (await cache.acquire(meta(2))).release();
    assert.equal(cache.acquireNow(meta(0)), undefined);
    const again = await cache.acquire(meta(0));
    const { blocksRead } = memory.stats;
    assert.equal(again.find(key, any, emptySlot()), "found");
    assert.equal(memory.stats.blocksRead, blocksRead);
    again.release();
    await cache.close();
  });

  test("closes an evicted table with its last handle, after a cursor has read it to the end", async () => {
    const { cache, meta, disk, memory } = await setUp({ readsNow: 0 });
    const reader = await cache.acquire(meta(0));
    const cursor = reader.cursor();
    reader.release();
    cursor.seekToFirst();
    await settled(cursor);
    let gone = false;
    const evicted = cache.evict(meta(0).number).then(() => (gone = true));
    await disk.remove("/tables/000001.table");
    assert.equal(cache.acquireNow(meta(0)), undefined);
    const read = [];
    for (; cursor.valid; await settled(cursor)) {
      read.push(copyEntry(cursor));
      cursor.next();
    }
    assert.deepEqual(read, entries);
    assert.equal(gone, false);
    cursor.close();
    await evicted;
    assert.equal(disk.openFileCount, 0);
    for (let block = 0; block < reader.blocks.index.blocks; block++) {
      assert.ok(!memory.cache.has(1, reader.blocks.index.offsetOf(block)));
    }
    await cache.close();
  });

  test("shows nothing of an evicted table in a new one of the same number", async () => {
    const { cache, meta, disk, memory } = await setUp();
    const key = lookupOf(entries[5]?.key ?? new Uint8Array(1));
    const before = await cache.acquire(meta(0));
    const slot = emptySlot();
    assert.equal(before.find(key, any, slot), "found");
    before.release();
    await cache.evict(meta(0).number);
    assert.equal(memory.cache.has(1, 0), false);
    await disk.remove("/tables/000001.table");
    const changed = entries.map((entry) => ({ ...entry, sequence: entry.sequence + 1000 }));
    const remade = buildTable(disk, changed, { number: 1, blockBytes: 512 });
    const after = await cache.acquire(remade);
    assert.equal(after.find(key, any, slot), "found");
    assert.deepEqual(copyEntry(slot), changed[5]);
    after.release();
    await cache.close();
  });

  test("purges an evicted table's blocks even while a load of it is on its way", async () => {
    const { cache, meta, holds, memory, disk } = await setUp({ readsNow: 0 });
    const reader = await cache.acquire(meta(0));
    const key = lookupOf(entries[5]?.key ?? new Uint8Array(1));
    holds.start("read");
    const load = reader.load(key, any);
    reader.release();
    const evicted = cache.evict(meta(0).number);
    assert.equal(disk.openFileCount, 1);
    holds.release();
    await Promise.all([load, evicted]);
    assert.equal(disk.openFileCount, 0);
    assert.equal(memory.cache.has(1, 0), false);
    memory.cache.checkInvariants();
    await cache.close();
  });

  test("evicts a table that is just being opened, or closed, or was never open", async () => {
    const { cache, meta, holds, disk } = await setUp({ openTablesMax: 1 });
    holds.start("open");
    const asked = cache.acquire(meta(0));
    const evicted = cache.evict(meta(0).number);
    holds.release();
    const reader = await asked;
    assert.equal(cache.acquireNow(meta(0)), undefined);
    reader.release();
    await evicted;
    assert.equal(disk.openFileCount, 0);
    await cache.evict(meta(1).number);
    (await cache.acquire(meta(1))).release();
    holds.start("close");
    (await cache.acquire(meta(2))).release();
    let gone = false;
    const leaving = cache.evict(meta(1).number).then(() => (gone = true));
    await new Promise(setImmediate);
    assert.equal(gone, false);
    holds.release();
    await leaving;
    assert.equal(disk.openFileCount, 1);
    await cache.close();
  });

  test("closes everything at the end, whoever still holds a handle, but no file with a read pending", async () => {
    const { cache, meta, holds, disk } = await setUp({ readsNow: 0 });
    const reader = await cache.acquire(meta(0));
    (await cache.acquire(meta(1))).release();
    holds.start("read");
    const load = reader.load(lookupOf(entries[5]?.key ?? new Uint8Array(1)), any);
    let closed = false;
    const closing = cache.close().then(() => (closed = true));
    await new Promise(setImmediate);
    assert.equal(closed, false);
    assert.equal(disk.openFileCount, 1);
    holds.release();
    await Promise.all([load, closing]);
    assert.equal(disk.openFileCount, 0);
    await assert.rejects(reader.load(lookupOf(entries[90]?.key ?? new Uint8Array(1)), any), { code: "stopping" });
    await assert.rejects(Promise.resolve(cache.acquire(meta(2))), { code: "stopping" });
    reader.release();
  });

  test("gives cursors that hold their table", async () => {
    const { cache, meta } = await setUp({ openTablesMax: 1 });
    assert.equal(cache.cursorNow(meta(0)), undefined);
    const cursor = await cache.openCursor(meta(0));
    assert.equal(cache.acquireNow(meta(0))?.handles, 2);
    cache.acquireNow(meta(0))?.release();
    const second = cache.cursorNow(meta(0));
    second?.seekToFirst();
    assert.equal(second?.valid, true);
    second.close();
    cursor.close();
    await cache.close();
  });
});
