// Walks that read ahead past the block cache.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Holds } from "../../../test/engine/holds.ts";
import {
  buildTable,
  copyEntry,
  HeldTurns,
  makeDisk,
  makeMemory,
  openBuilt,
  plainEntries,
  settled,
  tableFolder,
} from "../../../test/engine/table-fixture.ts";
import type { MemoryOptions } from "../../../test/engine/table-fixture.ts";
import { fileNumber } from "../../base/ids.ts";
import { tablePath } from "../file-names.ts";
import { SpanPool, spanBytes } from "./span-pool.ts";
import type { TableMemory } from "./table-memory.ts";

const blockBytes = 512;
const entries = plainEntries(8000, 40);
const foreignFile = 1e6;

/** As after long use: a claim takes a frame from somebody. */
function fillCache({ cache }: TableMemory): void {
  for (let at = 0; !cache.isFull; at++) {
    const frame = cache.claim();
    cache.publish(frame, foreignFile, at, 1);
    cache.unpin(frame);
  }
}

async function openFull(options: MemoryOptions = {}) {
  const holds = new Holds();
  const disk = await makeDisk(holds.disk);
  const meta = buildTable(disk, entries, { blockBytes });
  // One buffer to read ahead into.
  const memory = makeMemory({ blockBytes, blockCacheBytes: 16 * spanBytes, ...options });
  fillCache(memory);
  const reader = await openBuilt(disk, meta, memory);
  return { holds, disk, memory, reader, stats: memory.stats };
}

describe("a walk over a table with a full cache", () => {
  for (const backward of [false, true]) {
    for (const readsNow of [0, 3, 1000]) {
      const way = `${backward ? "backward" : "forward"}, with ${readsNow} reads at once`;
      test(`reads each block once, in few reads, and leaves the cache alone: ${way}`, async () => {
        const turns = new HeldTurns();
        const { reader, memory, stats } = await openFull({ readsNow, turns });
        const evicted = memory.cache.stats.evictions;
        const cursor = reader.cursor();
        if (backward) cursor.seekToLast();
        else cursor.seekToFirst();
        const expected = backward ? entries.toReversed() : entries;
        for (const entry of expected) {
          await settled(cursor);
          assert.ok(cursor.valid);
          assert.deepEqual(copyEntry(cursor), entry);
          if (backward) cursor.previous();
          else cursor.next();
        }
        await settled(cursor);
        assert.equal(cursor.valid, false);
        const { blocks } = reader.blocks.index;
        assert.ok(blocks > 500);
        assert.equal(stats.blocksRead, blocks);
        assert.ok(stats.readsNow + stats.readsPooled < blocks / 30, `${stats.readsNow + stats.readsPooled} reads`);
        assert.ok(memory.cache.stats.evictions - evicted < 16);
        assert.equal(memory.spans.taken, 1);
        cursor.close();
        assert.equal(memory.spans.taken, 0);
        await reader.close();
      });
    }
  }

  test("goes through the cache when all memory for reading ahead is taken", async () => {
    const { reader, memory } = await openFull({ readsNow: 1_000_000 });
    const cursors = [reader.cursor(), reader.cursor(), reader.cursor()];
    for (const cursor of cursors) cursor.seekToFirst();
    for (const entry of entries) {
      for (const cursor of cursors) {
        assert.deepEqual(copyEntry(cursor), entry);
        cursor.next();
      }
    }
    assert.equal(memory.spans.taken, 1);
    for (const cursor of cursors) cursor.close();
    assert.equal(memory.spans.taken, 0);
    assert.equal(memory.cache.pinned, 0);
    memory.cache.checkInvariants();
    await reader.close();
  });

  test("keeps its buffer from others until a read that is under way ends", async () => {
    const { reader, memory, holds } = await openFull({ readsNow: 0 });
    const cursor = reader.cursor();
    cursor.seekToFirst();
    while (memory.spans.taken === 0) {
      await settled(cursor);
      cursor.next();
    }
    assert.equal(cursor.needsLoad, true);
    holds.start("read");
    const load = cursor.load();
    cursor.close();
    assert.equal(memory.spans.taken, 1);
    holds.release();
    await load;
    assert.equal(memory.spans.taken, 0);
    assert.equal(cursor.valid, false);
    assert.equal(reader.handles, 0);
    await reader.close();
  });

  test("can try again after a read ahead that failed", async () => {
    const { reader, memory, holds } = await openFull({ readsNow: 0 });
    const cursor = reader.cursor();
    cursor.seekToFirst();
    let at = 0;
    for (; memory.spans.taken === 0; at++) {
      await settled(cursor);
      cursor.next();
    }
    holds.start("read");
    const load = cursor.load();
    holds.fail(new Error("no"));
    await assert.rejects(load, /no/);
    assert.equal(cursor.needsLoad, true);
    await settled(cursor);
    assert.deepEqual(copyEntry(cursor), entries[at]);
    cursor.close();
    assert.equal(memory.spans.taken, 0);
    await reader.close();
  });

  test("tells of damage when it comes to the damaged block, not before", async () => {
    for (const readsNow of [0, 1_000_000]) {
      const { reader, memory, disk } = await openFull({ readsNow });
      const { index } = reader.blocks;
      const damaged = index.blocks >> 1;
      const file = await disk.openFile(tablePath(tableFolder, fileNumber(1)), { access: "write" });
      const byte = new Uint8Array(1);
      await file.read(byte, index.offsetOf(damaged) + 9);
      byte[0] = (byte[0] as number) ^ 1;
      await file.write(byte, index.offsetOf(damaged) + 9);
      await file.close();
      const cursor = reader.cursor();
      cursor.seekToFirst();
      let seen = 0;
      const walk = async (): Promise<void> => {
        for (await settled(cursor); cursor.valid; await settled(cursor)) {
          seen++;
          cursor.next();
        }
      };
      await assert.rejects(walk(), { code: "corruption", message: /checksum/ });
      assert.ok(seen > 0.45 * entries.length && seen < 0.55 * entries.length, `${seen} entries`);
      cursor.close();
      assert.equal(memory.spans.taken, 0);
      await reader.close();
    }
  });
});

describe("the memory for reading ahead", () => {
  test("is bounded, and used again", () => {
    const pool = new SpanPool(3 * spanBytes - 1);
    const first = pool.take();
    const second = pool.take();
    assert.ok(first !== undefined && second !== undefined && first !== second);
    assert.equal(pool.take(), undefined);
    pool.give(first);
    assert.throws(() => pool.give(first), /twice/);
    assert.equal(pool.take(), first);
  });

  test("is none when the cache is small", () => {
    assert.equal(new SpanPool(spanBytes - 1).take(), undefined);
  });
});
