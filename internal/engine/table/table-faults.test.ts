// Tables on a disk whose reads go wrong (short, from elsewhere, with a wrong bit, failed, late), with many
// lookups and walks at the same time over a cache that is far too small: what comes back is right, or a failure.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Entry } from "../../../test/engine/array-cursor.ts";
import {
  buildTable,
  copyEntry,
  lookupOf,
  makeDisk,
  makeMemory,
  plainEntries,
  tableFolder,
} from "../../../test/engine/table-fixture.ts";
import { FaultDisk } from "../../../test/disk/fault-disk.ts";
import { MemoryDisk } from "../../../test/disk/memory-disk.ts";
import { Prng } from "../../base/prng.ts";
import { TrefoilError } from "../../base/errors.ts";
import { DiskFailure } from "../../platform/disk.ts";
import { emptySlot } from "../cursor.ts";
import type { TableMeta } from "../table-meta.ts";
import { TableCache } from "./table-cache.ts";

const blockBytes = 512;
const tablesCount = 4;
const entries = plainEntries(150, 60);

/** Undefined for a failure that the faults explain. */
async function orFailure<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await work();
  } catch (failure) {
    const explained =
      failure instanceof DiskFailure || (failure instanceof TrefoilError && failure.code === "corruption");
    if (!explained) throw failure;
    return undefined;
  }
}

async function lookUp(cache: TableCache, meta: TableMeta, entry: Entry): Promise<void> {
  const reader = await cache.acquire(meta);
  try {
    const slot = emptySlot();
    const key = lookupOf(entry.key);
    let outcome = reader.find(key, entry.sequence, slot);
    for (; outcome === "need_io"; outcome = reader.find(key, entry.sequence, slot))
      await reader.load(key, entry.sequence);
    assert.equal(outcome, "found");
    assert.deepEqual(copyEntry(slot), entry);
  } finally {
    reader.release();
  }
}

async function walk(cache: TableCache, meta: TableMeta, from: number, backward: boolean): Promise<void> {
  const cursor = await cache.openCursor(meta);
  try {
    const start = expectedOf(meta)[from] as Entry;
    cursor.seek(start.key, start.key.length);
    for (let at = from, steps = 0; steps < 60; steps++, at += backward ? -1 : 1) {
      while (cursor.needsLoad) await cursor.load();
      const expected = expectedOf(meta)[at];
      assert.deepEqual(cursor.valid ? copyEntry(cursor) : undefined, expected);
      if (expected === undefined) return;
      if (backward) cursor.previous();
      else cursor.next();
    }
  } finally {
    cursor.close();
  }
}

/** Each table has the same keys and other sequences, so that a block of another one would show. */
function expectedOf(meta: TableMeta): Entry[] {
  return entries.map((entry) => ({ ...entry, sequence: entry.sequence + 1000 * meta.number }));
}

interface Plan {
  readonly seed: number;
  readonly frames: number;
  readonly readsNow: number;
  readonly faulty: boolean;
}

async function run({ seed, frames, readsNow, faulty }: Plan): Promise<number> {
  const chance = new Prng(seed);
  const memoryDisk = new MemoryDisk({
    delay: (name) => (name === "read" && chance.chance(1, 2) ? new Promise(setImmediate) : undefined),
  });
  const disk = new FaultDisk(await makeDisk(memoryDisk), { random: chance.split("faults") });
  const metas = Array.from({ length: tablesCount }, (_, at) => at + 1).map((number) => {
    const own = entries.map((entry) => ({ ...entry, sequence: entry.sequence + 1000 * number }));
    return buildTable(disk, own, { number, blockBytes });
  });
  if (faulty) {
    const rule = { calls: ["read"] as const, when: { chance: [1, 12] as const }, times: 1000 };
    disk.arm({ ...rule, fault: { kind: "short" } });
    disk.arm({ ...rule, fault: { kind: "flip" } });
    disk.arm({ ...rule, fault: { kind: "misdirect", bytes: blockBytes } });
    disk.arm({ ...rule, fault: { kind: "fail", failure: "failed" } });
  }
  const memory = makeMemory({ blockBytes, blockCacheBytes: frames * blockBytes, readsNow });
  const cache = new TableCache(disk, tableFolder, { openTablesMax: 2, tableCacheBytes: 1_000_000 }, memory);
  let failures = 0;
  const work = Array.from({ length: 40 }, async () => {
    const meta = chance.pick(metas);
    const at = chance.below(entries.length);
    const kind = chance.below(3);
    const done = await orFailure(async () => {
      if (kind === 0) await walk(cache, meta, at, chance.chance(1, 2));
      else await lookUp(cache, meta, expectedOf(meta)[at] as Entry);
      return true;
    });
    if (done === undefined) failures++;
  });
  await Promise.all(work);
  assert.equal(memory.cache.pinned, 0);
  memory.cache.checkInvariants();
  await cache.close();
  assert.equal(memoryDisk.openFileCount, 0);
  return failures;
}

describe("tables under concurrent use", () => {
  const frames = fc.constantFrom(1, 3, 8, 1000);
  const readsNow = fc.constantFrom(0, 10, 1_000_000);

  test("answer rightly however small the cache and whatever is late", async () => {
    const property = fc.asyncProperty(fc.nat(), frames, readsNow, async (seed, frameCount, now) => {
      assert.equal(await run({ seed, frames: frameCount, readsNow: now, faulty: false }), 0);
    });
    await fc.assert(property, { numRuns: 30 });
  });

  test("answer rightly or fail when reads go wrong, and let go of everything", async () => {
    let failures = 0;
    const property = fc.asyncProperty(fc.nat(), frames, readsNow, async (seed, frameCount, now) => {
      failures += await run({ seed, frames: frameCount, readsNow: now, faulty: true });
    });
    // Two bits of one footer, one of them in the number of its format: that is damage, not a newer format.
    await fc.assert(property, { seed: -1479282630, path: "21", numRuns: 1 });
    await fc.assert(property, { numRuns: 40 });
    assert.ok(failures > 100, `only ${failures} failures: the faults did not strike`);
  });
});
