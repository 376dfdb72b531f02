import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compareBytes, hex, utf8 } from "../../base/bytes.ts";
import { hashBytes } from "../../base/hash.ts";
import type { Cursor, EntryView } from "../cursor.ts";
import { emptySlot } from "../cursor.ts";
import { LookupKey } from "../lookup-key.ts";
import { MemtableArena } from "./arena.ts";
import { checkInvariants } from "./invariants.ts";
import { Memtable } from "./memtable.ts";
import { cursorOverSealed } from "./memtable-cursor.ts";

/** One entry of the model. */
interface Entry {
  readonly key: Uint8Array;
  readonly cell: Uint8Array;
  readonly sequence: number;
}

/** The plain thing that a memtable must be indistinguishable from: entries in order. */
class Model {
  readonly entries: Entry[] = [];

  add(entry: Entry): void {
    this.entries.splice(this.rank(entry), 0, entry);
  }

  find(key: Uint8Array, limit: number): Entry | undefined {
    return this.entries.find((entry) => compareBytes(entry.key, key) === 0 && entry.sequence <= limit);
  }

  /** How many entries sort before one. */
  rank(entry: Entry): number {
    const at = this.entries.findIndex((other) => compareEntries(other, entry) >= 0);
    return at < 0 ? this.entries.length : at;
  }

  firstAtOrAbove(key: Uint8Array): number {
    return this.rank({ key, cell: key, sequence: Infinity });
  }
}

function compareEntries(a: Entry, b: Entry): number {
  return compareBytes(a.key, b.key) || b.sequence - a.sequence;
}

function viewOf(entry: Entry, padding = 0): EntryView {
  const keyBytes = padded(entry.key, padding);
  const cellBytes = padded(entry.cell, padding + 1);
  return {
    keyBytes,
    keyStart: padding,
    keyEnd: padding + entry.key.length,
    cellBytes,
    cellStart: padding + 1,
    cellEnd: padding + 1 + entry.cell.length,
    sequence: entry.sequence,
  };
}

function padded(bytes: Uint8Array, padding: number): Uint8Array {
  const wide = new Uint8Array(bytes.length + padding * 2).fill(0xee);
  wide.set(bytes, padding);
  return wide;
}

function entryOf(view: EntryView): Entry {
  return {
    key: view.keyBytes.slice(view.keyStart, view.keyEnd),
    cell: view.cellBytes.slice(view.cellStart, view.cellEnd),
    sequence: view.sequence,
  };
}

function show(entry: Entry | undefined): string {
  return entry === undefined ? "nothing" : `${hex(entry.key)}@${entry.sequence}=${hex(entry.cell)}`;
}

function lookup(key: Uint8Array): LookupKey {
  const found = new LookupKey();
  found.bytes.set(key);
  found.length = key.length;
  found.hash = hashBytes(key, 0, key.length);
  return found;
}

function cellOf(text: string, tombstone = false): Uint8Array {
  const payload = utf8(text);
  const cell = new Uint8Array(10 + payload.length);
  cell[0] = tombstone ? 1 : 0;
  cell.set(payload, 10);
  return cell;
}

function walk(cursor: Cursor, forward: boolean): string[] {
  const seen: string[] = [];
  if (forward) cursor.seekToFirst();
  else cursor.seekToLast();
  while (cursor.valid) {
    seen.push(show(entryOf(cursor)));
    if (forward) cursor.next();
    else cursor.previous();
  }
  return seen;
}

/** Keys made to collide: few letters, prefixes of each other, extremes, a few long ones with a long common part. */
const keys = fc
  .oneof(
    { weight: 6, arbitrary: fc.array(fc.constantFrom(0, 1, 97, 128, 255), { maxLength: 6 }) },
    { weight: 2, arbitrary: fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 20 }) },
    {
      weight: 2,
      arbitrary: fc
        .array(fc.constantFrom(0, 97, 255), { maxLength: 4 })
        .map((tail) => [...Array<number>(30).fill(97), ...tail]),
    },
  )
  .map((tail) => Uint8Array.from([0, 0, 0, tail.length % 3, ...tail]));

type Step =
  | {
      readonly kind: "add";
      readonly key: Uint8Array;
      readonly length: number;
      readonly tombstone: boolean;
      readonly gap: number;
    }
  | { readonly kind: "find"; readonly key: Uint8Array; readonly limit: number }
  | { readonly kind: "seek" | "seekBefore"; readonly key: Uint8Array }
  | { readonly kind: "first" | "last" | "next" | "previous" };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("add" as const),
      key: keys,
      length: fc.integer({ min: 0, max: 40 }),
      tombstone: fc.boolean(),
      gap: fc.constantFrom(1, 1, 1, 7, 2 ** 32 - 1),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("find" as const), key: keys, limit: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("seek" as const, "seekBefore" as const), key: keys }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("first" as const, "last" as const) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constantFrom("next" as const, "previous" as const) }) },
);

/** Runs one step on both, and compares. */
class Pair {
  readonly memtable: Memtable;
  readonly model = new Model();
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
        this.add(step.key, cellOf("x".repeat(step.length), step.tombstone), step.gap);
        return;
      case "find":
        this.find(step.key, step.limit % (this.sequence + 2));
        return;
      case "seek":
        this.cursor.seek(padded(step.key, 0), step.key.length);
        this.at = this.model.entries[this.model.firstAtOrAbove(step.key)];
        break;
      case "seekBefore":
        this.cursor.seekBefore(step.key, step.key.length);
        this.at = this.model.entries[this.model.firstAtOrAbove(step.key) - 1];
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
    assert.equal(this.cursor.valid ? show(entryOf(this.cursor)) : "nothing", show(this.at), step.kind);
  }

  add(key: Uint8Array, cell: Uint8Array, gap = 1): void {
    if (!this.memtable.roomFor(1, key.length + cell.length)) return;
    this.sequence += gap;
    const entry = { key, cell, sequence: this.sequence };
    this.memtable.add(viewOf(entry, this.sequence % 4));
    this.model.add(entry);
  }

  find(key: Uint8Array, limit: number): void {
    const slot = emptySlot();
    const found = this.memtable.find(lookup(key), limit, slot);
    assert.equal(found ? show(entryOf(slot)) : "nothing", show(this.model.find(key, limit)), `find at ${limit}`);
  }

  compareWhole(): void {
    checkInvariants(this.memtable);
    const expected = this.model.entries.map(show);
    assert.deepEqual(walk(this.memtable.cursor(), true), expected);
    assert.deepEqual(walk(this.memtable.cursor(), false), expected.toReversed());
    const sealed = this.memtable.sealed();
    assert.deepEqual(walk(cursorOverSealed(sealed), true), expected);
    assert.deepEqual(walk(cursorOverSealed(sealed), false), expected.toReversed());
    assert.equal(sealed.entries, this.model.entries.length);
  }
}

test("a memtable and a sorted list of versions cannot be told apart", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 400, size: "max" }), (run) => {
      const pair = new Pair(new MemtableArena(64 * 1024));
      for (const step of run) pair.run(step);
      for (const entry of pair.model.entries) pair.find(entry.key, entry.sequence);
      pair.compareWhole();
    }),
    { numRuns: 150 },
  );
});
