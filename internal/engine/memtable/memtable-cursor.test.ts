import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import fc from "fast-check";
import type { Entry } from "../../../test/engine/array-cursor.ts";
import { cellOf, entryOf, MemtableModel, show, showCursor, viewOf, walk } from "../../../test/engine/memtable-model.ts";
import { AssertionFailure } from "../../base/assert.ts";
import { utf8 } from "../../base/bytes.ts";
import { Prng } from "../../base/prng.ts";
import type { Cursor } from "../cursor.ts";
import { MemtableArena } from "./arena.ts";
import { Memtable } from "./memtable.ts";

/** A memtable and what it must show. */
class Growing {
  readonly memtable = new Memtable(new MemtableArena(4 * 1024 * 1024));
  readonly model = new MemtableModel();
  private sequence = 0;

  add(key: Uint8Array): void {
    const entry = { key, cell: cellOf(""), sequence: ++this.sequence };
    this.memtable.add(viewOf(entry));
    this.model.add(entry);
  }
}

function keyOf(number: number): Uint8Array {
  return utf8(`aaaa${String(number).padStart(8, "0")}`);
}

test("several cursors keep their places in a tree that grows to three levels under them", () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(50, 2000, 1_000_000), (seed, range) => {
      const random = new Prng(seed);
      const growing = new Growing();
      const walkers: { cursor: Cursor; at: Entry | undefined }[] = [];
      for (let count = 0; count < 6; count++) walkers.push({ cursor: growing.memtable.cursor(), at: undefined });
      for (let turn = 0; turn < 700; turn++) {
        for (let count = random.below(8); count > 0; count--) growing.add(keyOf(random.below(range)));
        const walker = random.pick(walkers);
        step(walker, growing.model, random);
        assert.equal(showCursor(walker.cursor), show(walker.at));
      }
    }),
    { numRuns: 12 },
  );
});

function step(walker: { cursor: Cursor; at: Entry | undefined }, model: MemtableModel, random: Prng): void {
  const { cursor, at } = walker;
  if (at === undefined || random.chance(1, 20)) {
    const key = keyOf(random.below(1_000_000));
    cursor.seek(key, key.length);
    walker.at = model.entries[model.lowerBound(key)];
  } else if (random.chance(1, 2)) {
    cursor.next();
    walker.at = model.entries[model.rank(at) + 1];
  } else {
    cursor.previous();
    walker.at = model.entries[model.rank(at) - 1];
  }
}

test("a walk over a memtable that doubles meanwhile neither skips nor repeats what was there", () => {
  for (const forward of [true, false]) {
    const growing = new Growing();
    const random = new Prng(31);
    for (let count = 0; count < 6000; count++) growing.add(keyOf(random.below(5000)));
    const before = growing.model.entries.map(show);
    const cursor = growing.memtable.cursor();
    const seen: string[] = [];
    if (forward) cursor.seekToFirst();
    else cursor.seekToLast();
    while (cursor.valid) {
      seen.push(show(entryOf(cursor)));
      growing.add(keyOf(random.below(5000)));
      if (forward) cursor.next();
      else cursor.previous();
    }
    assert.equal(new Set(seen).size, seen.length, "an entry came twice");
    const old = new Set(before);
    assert.deepEqual(
      seen.filter((entry) => old.has(entry)),
      forward ? before : before.toReversed(),
    );
  }
});

test("a key with very many versions is walked both ways without starting over at each step", () => {
  const growing = new Growing();
  const versions = 100_000;
  const entry = { key: keyOf(1), cell: cellOf(""), sequence: 0 };
  for (let sequence = 1; sequence <= versions; sequence++) growing.memtable.add(viewOf({ ...entry, sequence }));
  const cursor = growing.memtable.cursor();
  let steps = 0;
  for (cursor.seekToLast(); cursor.valid; cursor.previous()) assert.equal(cursor.sequence, ++steps);
  for (cursor.seekToFirst(); cursor.valid; cursor.next()) assert.equal(cursor.sequence, steps--);
  assert.equal(steps, 0);
});

test("an empty memtable has no place to stand", () => {
  const cursor = new Memtable(new MemtableArena(4096)).cursor();
  const movements: (() => void)[] = [
    () => cursor.seekToFirst(),
    () => cursor.seekToLast(),
    () => cursor.seek(keyOf(1), 12),
    () => cursor.seekBefore(keyOf(1), 12),
  ];
  for (const move of movements) {
    move();
    assert.equal(cursor.valid, false);
  }
  assert.throws(() => cursor.next(), AssertionFailure);
  assert.throws(() => cursor.previous(), AssertionFailure);
});

test("a cursor that was closed stands nowhere, and may be closed again", async () => {
  const growing = new Growing();
  growing.add(keyOf(1));
  const cursor = growing.memtable.cursor();
  cursor.seekToFirst();
  await cursor.load();
  assert.ok(cursor.valid && !cursor.needsLoad);
  cursor.close();
  cursor.close();
  assert.equal(cursor.valid, false);
  assert.throws(() => cursor.next(), AssertionFailure);
});

test("a worker reads a sealed memtable where it lies, while this thread reads it too", async () => {
  const growing = new Growing();
  const random = new Prng(77);
  for (let count = 0; count < 10_000; count++) growing.add(keyOf(random.below(4000)));
  const worker = new Worker(new URL("../../../test/engine/sealed-memtable.worker.js", import.meta.url));
  try {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker's port has no origin
    worker.postMessage(growing.memtable.sealed());
    const expected = growing.model.entries.map(show);
    assert.deepEqual(walk(growing.memtable.cursor(), "forward"), expected);
    const [answer] = (await once(worker, "message")) as [{ forward: string[]; backward: string[] }];
    assert.deepEqual(answer.forward, expected);
    assert.deepEqual(answer.backward, expected.toReversed());
  } finally {
    await worker.terminate();
  }
});
