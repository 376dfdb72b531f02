import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareEntries, type Entry } from "../../../test/engine/array-cursor.ts";
import {
  cellOf,
  entryOf,
  lookupOf,
  MemtableModel,
  show,
  showCursor,
  showFound,
  viewOf,
  walk,
} from "../../../test/engine/memtable-model.ts";
import { AssertionFailure } from "../../base/assert.ts";
import { equalBytes, utf8 } from "../../base/bytes.ts";
import { hashBytes } from "../../base/hash.ts";
import { engineKeyBytesMax, valueBytesMax } from "../../base/limits.ts";
import { Prng } from "../../base/prng.ts";
import { emptySlot, type Cursor } from "../cursor.ts";
import { arenaBytesFor, MemtableArena } from "./arena.ts";
import { checkInvariants } from "./invariants.ts";
import { Memtable } from "./memtable.ts";
import { cursorOverSealed } from "./memtable-cursor.ts";

/** Keys made to collide: few letters, prefixes of each other, extremes, a few long ones with a long common part. */
const keys = fc
  .oneof(
    { weight: 6, arbitrary: fc.array(fc.constantFrom(0, 1, 97, 128, 255), { maxLength: 6 }) },
    { weight: 3, arbitrary: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 20 }) },
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.constantFrom(30, 300, 1015), fc.array(fc.constantFrom(0, 97, 255), { maxLength: 8 }))
        .map(([shared, tail]) => [...Array<number>(shared).fill(97), ...tail]),
    },
  )
  .map((tail) => Uint8Array.from([0, 0, 0, tail.length % 3, ...tail]));

type Step =
  | { readonly kind: "add"; readonly key: Uint8Array; readonly cell: Uint8Array; readonly gap: number }
  | { readonly kind: "find"; readonly key: Uint8Array; readonly limit: number }
  | { readonly kind: "seek" | "seekBefore"; readonly key: Uint8Array }
  | { readonly kind: "first" | "last" | "next" | "previous" };

const cells = fc
  .tuple(fc.integer({ min: 0, max: 40 }), fc.boolean())
  .map(([length, tombstone]) => cellOf("x".repeat(length), tombstone));

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant("add" as const),
      key: keys,
      cell: cells,
      gap: fc.constantFrom(1, 1, 1, 7, 2 ** 32 - 1),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("find" as const), key: keys, limit: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("seek" as const, "seekBefore" as const), key: keys }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("first" as const, "last" as const) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("next" as const, "previous" as const) }) },
);

/** Runs each step on memtable and model, and compares. */
class Pair {
  readonly memtable: Memtable;
  readonly model = new MemtableModel();
  private readonly cursor: Cursor;
  /** Where the model's cursor stands. */
  private at: Entry | undefined;
  private sequence = 0;

  constructor(arena: MemtableArena) {
    this.memtable = new Memtable(arena);
    this.cursor = this.memtable.cursor();
  }

  run(step: Step): void {
    switch (step.kind) {
      case "add":
        this.add(step.key, step.cell, step.gap);
        return;
      case "find":
        this.find(step.key, step.limit % (this.sequence + 2));
        return;
      case "seek":
        this.cursor.seek(step.key, step.key.length);
        this.at = this.model.entries[this.model.lowerBound(step.key)];
        break;
      case "seekBefore":
        this.cursor.seekBefore(step.key, step.key.length);
        this.at = this.model.entries[this.model.lowerBound(step.key) - 1];
        break;
      case "first":
        this.cursor.seekToFirst();
        this.at = this.model.entries[0];
        break;
      case "last":
        this.cursor.seekToLast();
        this.at = this.model.entries.at(-1);
        break;
      case "next":
        if (this.at === undefined) return;
        this.cursor.next();
        this.at = this.model.entries[this.model.rank(this.at) + 1];
        break;
      case "previous":
        if (this.at === undefined) return;
        this.cursor.previous();
        this.at = this.model.entries[this.model.rank(this.at) - 1];
        break;
    }
    assert.equal(showCursor(this.cursor), show(this.at), step.kind);
  }

  /** Whether there was room. */
  add(key: Uint8Array, cell: Uint8Array, gap = 1): boolean {
    if (!this.memtable.roomFor(1, key.length + cell.length)) return false;
    this.sequence += gap;
    const entry = { key, cell, sequence: this.sequence };
    this.memtable.add(viewOf(entry, this.sequence % 4));
    this.model.add(entry);
    return true;
  }

  find(key: Uint8Array, limit: number): void {
    assert.equal(showFound(this.memtable, key, limit), show(this.model.find(key, limit)), `find at ${limit}`);
  }

  compareWhole(): void {
    checkInvariants(this.memtable);
    for (const entry of this.model.entries) this.find(entry.key, entry.sequence);
    const expected = this.model.entries.map(show);
    assert.deepEqual(walk(this.memtable.cursor(), "forward"), expected);
    assert.deepEqual(walk(this.memtable.cursor(), "backward"), expected.toReversed());
    const sealed = this.memtable.sealed();
    assert.deepEqual(walk(cursorOverSealed(sealed), "forward"), expected);
    assert.deepEqual(walk(cursorOverSealed(sealed), "backward"), expected.toReversed());
    this.compareCounts();
  }

  private compareCounts(): void {
    const { entries } = this.model;
    const sequences = entries.map((entry) => entry.sequence);
    const distinct = entries.filter((entry, at) => entries[at - 1] === undefined || !sameKey(entry, entries[at - 1]));
    const counted = {
      entries: entries.length,
      keys: distinct.length,
      tombstones: entries.filter((entry) => entry.cell[0] === 1).length,
      contentBytes: sum(distinct.map((entry) => entry.key.length)) + sum(entries.map((entry) => entry.cell.length)),
      sequenceLeast: entries.length === 0 ? 0 : Math.min(...sequences),
      sequenceGreatest: Math.max(0, ...sequences),
    };
    const { keys, tombstones, contentBytes, sequenceLeast, sequenceGreatest, ...sealed } = this.memtable.sealed();
    const told = { entries: sealed.entries, keys, tombstones, contentBytes, sequenceLeast, sequenceGreatest };
    assert.deepEqual(told, counted);
  }
}

function sameKey(one: Entry, other: Entry | undefined): boolean {
  return other !== undefined && compareEntries({ ...one, sequence: 0 }, { ...other, sequence: 0 }) === 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** Not a fresh arena: what claims memory must not rely on finding zeros there. */
function usedArena(bytes: number): MemtableArena {
  const arena = new MemtableArena(bytes);
  arena.bytes.fill(0xa5);
  arena.reset();
  return arena;
}

test("a memtable and a sorted list of versions cannot be told apart", () => {
  const run = fc.array(steps, { maxLength: 600, size: "max" });
  fc.assert(
    fc.property(run, fc.constantFrom(4096, 16 * 1024 + 3, 64 * 1024), (stepsOfRun, arenaBytes) => {
      const pair = new Pair(usedArena(arenaBytes));
      for (const step of stepsOfRun) pair.run(step);
      pair.compareWhole();
    }),
    { numRuns: 80 },
  );
});

test("long runs over small arenas, recycled when full, leave no trace of what was there before", () => {
  const random = new Prng(20_240_611);
  const arena = usedArena(256 * 1024);
  for (let round = 0; round < 8; round++) {
    const pair = new Pair(arena);
    const letters = random.pick([2, 16, 256]);
    for (;;) {
      const key = new Uint8Array(random.between(4, 4 + random.pick([1, 4, 30])));
      for (let at = 4; at < key.length; at++) key[at] = random.below(letters);
      const cell = cellOf("v".repeat(random.below(random.pick([1, 20, 200]))), random.chance(1, 5));
      if (!pair.add(key, cell)) break;
      pair.find(key, random.below(pair.memtable.sequenceGreatest + 2));
    }
    pair.compareWhole();
    const old = pair.model.entries;
    const stale = pair.memtable.cursor();
    arena.reset();
    const next = new Memtable(arena);
    for (const entry of old) assert.equal(showFound(next, entry.key, Number.MAX_SAFE_INTEGER), "nothing");
    assert.deepEqual(walk(next.cursor(), "forward"), []);
    assert.equal(next.bytesUsed, new Memtable(new MemtableArena(4096)).bytesUsed);
    assert.throws(() => stale.seekToFirst(), AssertionFailure);
    assert.throws(() => showFound(pair.memtable, utf8("key"), 1), AssertionFailure);
    arena.reset();
  }
});

test("two memtables over two arenas do not see each other", () => {
  const one = new Pair(usedArena(16 * 1024));
  const other = new Pair(usedArena(16 * 1024));
  const random = new Prng(5);
  for (let count = 0; count < 200; count++) {
    const key = utf8(`key ${random.below(100)}`);
    random.pick([one, other]).add(key, cellOf(`value ${count}`));
  }
  assert.notDeepEqual(walk(one.memtable.cursor(), "forward"), walk(other.memtable.cursor(), "forward"));
  one.compareWhole();
  other.compareWhole();
});

test("keys of one length whose whole hashes are equal are told apart", () => {
  const pairs = [
    ["aaaakey 10289 ", "aaaakey 90353 "],
    ["aaaakey 9222  ", "aaaakey 167850"],
  ];
  for (const names of pairs) {
    const pair = new Pair(usedArena(4096));
    const [one, other] = names.map(utf8) as [Uint8Array, Uint8Array];
    assert.equal(hashBytes(one, 0, one.length), hashBytes(other, 0, other.length));
    pair.add(one, cellOf("one"));
    pair.find(other, 10);
    pair.add(other, cellOf("other"));
    pair.add(one, cellOf("one again"));
    pair.compareWhole();
  }
});

test("an arena serves one memtable until it is reset", () => {
  const arena = new MemtableArena(4096);
  assert.equal(new Memtable(arena).isSealed, false);
  assert.throws(() => new Memtable(arena), AssertionFailure);
  arena.reset();
  assert.equal(new Memtable(arena).entries, 0);
});

test("the arena can be filled to its last byte, and not beyond", () => {
  const arena = usedArena(8192);
  const pair = new Pair(arena);
  const key = utf8("the key");
  while (pair.add(key, cellOf("x".repeat(90))));
  const versionHeaderBytes = 20;
  const cell = cellOf("y".repeat(arena.bytesFree - versionHeaderBytes - cellOf("").length));
  const entry = { key, cell, sequence: 1_000_000 };
  pair.memtable.add(viewOf(entry));
  pair.model.add(entry);
  assert.equal(arena.bytesFree, 0);
  assert.equal(pair.memtable.roomFor(1, 0), false);
  pair.compareWhole();
  arena.reset();
  const full = new Memtable(arena);
  arena.claimRecord(arena.bytesFree / 4);
  assert.throws(() => full.add(viewOf({ key, cell: cellOf(""), sequence: 1 })), AssertionFailure);
});

test("what roomFor promised always fits, however a batch falls", () => {
  const batches = fc.array(fc.record({ operations: fc.integer({ min: 1, max: 120 }), seed: fc.nat() }), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(batches, fc.constantFrom("random", "rising", "falling", "inwards"), (run, order) => {
      const memtable = new Memtable(usedArena(24 * 1024));
      let sequence = 0;
      for (const { operations, seed } of run) {
        const random = new Prng(seed);
        const batch = Array.from({ length: operations }, () => {
          sequence++;
          const key = new Uint8Array(4 + 8 + random.below(3));
          new DataView(key.buffer).setUint32(4, placeOf(order, sequence, random));
          return { key, cell: cellOf("z".repeat(random.below(5))), sequence };
        });
        const bytes = sum(batch.map((entry) => entry.key.length + entry.cell.length));
        if (!memtable.roomFor(operations, bytes)) break;
        for (const entry of batch) memtable.add(viewOf(entry));
      }
      checkInvariants(memtable);
    }),
    { numRuns: 80 },
  );
});

function placeOf(order: string, count: number, random: Prng): number {
  if (order === "rising") return count;
  if (order === "falling") return 1_000_000 - count;
  if (order === "inwards") return count % 2 === 0 ? count : 1_000_000 - count;
  return random.next();
}

test("an arena made to measure takes exactly the batch that it was made for, in any order", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 2000 }),
      fc.integer({ min: 0, max: 60 }),
      fc.constantFrom("random", "rising", "falling", "inwards"),
      (operations, cellBytes, order) => {
        const random = new Prng(operations, cellBytes);
        const entries = Array.from({ length: operations }, (_, at) => {
          const key = new Uint8Array(9 + random.below(4));
          new DataView(key.buffer).setUint32(4, placeOf(order, at, random));
          return { key, cell: cellOf("c".repeat(cellBytes)), sequence: at + 1 };
        });
        const bytes = sum(entries.map((entry) => entry.key.length + entry.cell.length));
        const arena = new MemtableArena(arenaBytesFor(operations, bytes));
        const memtable = new Memtable(arena);
        assert.ok(memtable.roomFor(operations, bytes));
        for (const entry of entries) memtable.add(viewOf(entry));
        checkInvariants(memtable);
      },
    ),
    { numRuns: 30 },
  );
});

test("the largest record fits the default arena, and any arena made to measure for it", () => {
  const key = new Uint8Array(engineKeyBytesMax).fill(255);
  const cell = new Uint8Array(valueBytesMax + 300).fill(7);
  cell[0] = 0;
  const entry = { key, cell, sequence: Number.MAX_SAFE_INTEGER };
  for (const arena of [new MemtableArena(), new MemtableArena(arenaBytesFor(1, key.length + cell.length))]) {
    const memtable = new Memtable(arena);
    assert.ok(memtable.roomFor(1, key.length + cell.length));
    memtable.add(viewOf(entry, 3));
    const slot = emptySlot();
    assert.ok(memtable.find(lookupOf(key), Number.MAX_SAFE_INTEGER, slot));
    assert.ok(compareEntries(entryOf(slot), entry) === 0 && equalBytes(entryOf(slot).cell, cell));
    checkInvariants(memtable);
  }
  assert.equal(new Memtable(new MemtableArena(1024 * 1024)).roomFor(1, key.length + cell.length), false);
});

test("misuse is refused: a sequence that does not grow, a key too long, a write after the seal", () => {
  const memtable = new Memtable(new MemtableArena(16 * 1024));
  const cell = cellOf("v");
  memtable.add(viewOf({ key: utf8("a"), cell, sequence: 5 }));
  assert.throws(() => memtable.add(viewOf({ key: utf8("b"), cell, sequence: 5 })), /sequences only grow/);
  const long = new Uint8Array(engineKeyBytesMax + 1);
  assert.throws(() => memtable.add(viewOf({ key: long, cell, sequence: 6 })), /length of a key/);
  assert.equal(memtable.sealed().entries, 1);
  assert.throws(() => memtable.add(viewOf({ key: utf8("c"), cell, sequence: 7 })), /sealed/);
  assert.equal(memtable.sealed().entries, 1);
  checkInvariants(memtable);
});
