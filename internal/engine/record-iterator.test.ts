import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { compareBytes, hex } from "../base/bytes.ts";
import { incarnation, logIndex, term } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import { neverExpires, stamp } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import { ArrayCursor, compareEntries } from "../../test/engine/array-cursor.ts";
import type { Entry } from "../../test/engine/array-cursor.ts";
import { LookupKey } from "./lookup-key.ts";
import { cellHeaderBytesMax, expiryOfCell, isTombstone, writeCellHeader } from "./cell.ts";
import { MergingCursor } from "./merging-cursor.ts";
import { RecordIterator } from "./record-iterator.ts";
import type { IterationBounds } from "./record-iterator.ts";
import type { Cursor } from "./cursor.ts";

const group = incarnation(7);

function engineKey(userKey: Uint8Array): Uint8Array {
  const key = new LookupKey().set(group, userKey);
  return key.bytes.slice(0, key.length);
}

function cell(tombstone: boolean, expiry: Stamp): Uint8Array {
  const bytes = new Uint8Array(cellHeaderBytesMax);
  const header = { tombstone, expiry, stamp: stamp(1), term: term(1), index: logIndex(1) };
  return bytes.subarray(0, writeCellHeader(bytes, 0, header));
}

interface Question {
  readonly lower: Uint8Array;
  readonly upper: Uint8Array;
  readonly limit: number;
  readonly now: Stamp | undefined;
  readonly tombstones: boolean;
}

const turns = { afterTurn: (action: () => void) => void setImmediate(action) };

function iterate(sources: readonly Cursor[], bounds: IterationBounds, onClose: () => void = () => {}): RecordIterator {
  return new RecordIterator(new MergingCursor(sources, bounds.backward), bounds, {
    scheduler: turns,
    told: (failure) => failure,
    onClose,
  });
}

/** What an iterator should see, worked out the slow way. */
function visible(entries: readonly Entry[], question: Question): string[] {
  const seen = new Set<string>();
  const answer: string[] = [];
  for (const entry of entries.toSorted(compareEntries)) {
    if (compareBytes(entry.key, question.lower) < 0 || compareBytes(entry.key, question.upper) >= 0) continue;
    const name = hex(entry.key);
    if (entry.sequence > question.limit || seen.has(name)) continue;
    seen.add(name);
    const expiry = expiryOfCell(entry.cell, 0);
    const expired = question.now !== undefined && expiry !== neverExpires && expiry <= question.now;
    if ((question.tombstones || !isTombstone(entry.cell, 0)) && !expired) answer.push(`${name}@${entry.sequence}`);
  }
  return answer;
}

async function walk(sources: readonly ArrayCursor[], question: Question, backward: boolean, from?: Uint8Array) {
  let closed = 0;
  const iterator = iterate(sources, { ...question, backward }, () => closed++);
  if (from !== undefined) iterator.seek(from);
  const answer: string[] = [];
  while (await iterator.nextLoaded()) {
    const { keyBytes, keyStart, keyEnd, sequence } = iterator.entry;
    answer.push(`${hex(keyBytes.subarray(keyStart, keyEnd))}@${sequence}`);
  }
  iterator.close();
  iterator.close();
  assert.equal(closed, 1, "closing is told once");
  assert.ok(sources.every((source) => source.closed));
  return answer;
}

const keyArbitrary = fc.uint8Array({ maxLength: 3, max: 255 }).map((bytes) => bytes.map((byte) => (byte % 3) * 127));
const operationArbitrary = fc.record({
  key: keyArbitrary,
  source: fc.nat(3),
  tombstone: fc.boolean(),
  expiry: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
});

const caseArbitrary = fc.record({
  operations: fc.array(operationArbitrary, { maxLength: 60 }),
  lower: keyArbitrary,
  upper: keyArbitrary,
  from: fc.option(keyArbitrary, { nil: undefined }),
  limit: fc.nat(60),
  now: fc.option(fc.integer({ min: 1, max: 20 }), { nil: undefined }),
  backward: fc.boolean(),
  tombstones: fc.boolean(),
  seed: fc.nat(),
});

test("a walk over any merge of sources sees what a plain sorted list says, both ways, from any place", async () => {
  await fc.assert(
    fc.asyncProperty(caseArbitrary, async (given) => {
      const entries = given.operations.map(({ key, tombstone, expiry }, at) => ({
        key: engineKey(key),
        sequence: at + 1,
        cell: cell(tombstone, tombstone || expiry === undefined ? neverExpires : stamp(expiry)),
      }));
      const absence = new Prng(given.seed);
      const sources = [0, 1, 2, 3].map(
        (number) =>
          new ArrayCursor(
            entries.filter((_, at) => given.operations[at]?.source === number),
            absence.split(String(number)),
          ),
      );
      const question: Question = {
        lower: engineKey(given.lower),
        upper: engineKey(given.upper),
        limit: given.limit,
        now: given.now === undefined ? undefined : stamp(given.now),
        tombstones: given.tombstones,
      };
      let expected = visible(entries, question);
      const from = given.from === undefined ? undefined : engineKey(given.from);
      if (from !== undefined) {
        const mark = hex(from);
        const keyOf = (line: string) => line.slice(0, line.indexOf("@"));
        expected = expected.filter((line) => (given.backward ? keyOf(line) <= mark : keyOf(line) >= mark));
      }
      if (given.backward) expected.reverse();
      assert.deepEqual(await walk(sources, question, given.backward, from), expected);
    }),
    { numRuns: 1500 },
  );
});

test("a record that hides an older one by having expired does not uncover it", async () => {
  const key = engineKey(new Uint8Array([1]));
  const entries = [
    { key, sequence: 1, cell: cell(false, neverExpires) },
    { key, sequence: 2, cell: cell(false, stamp(5)) },
  ];
  const question = {
    lower: engineKey(new Uint8Array()),
    upper: engineKey(new Uint8Array([9])),
    limit: 10,
    now: stamp(5),
    tombstones: false,
  };
  assert.deepEqual(await walk([new ArrayCursor(entries)], question, false), []);
  assert.deepEqual(await walk([new ArrayCursor(entries)], question, true), []);
  const before = { ...question, now: stamp(4) };
  assert.deepEqual(await walk([new ArrayCursor(entries)], before, false), [`${hex(key)}@2`]);
});

const everything = {
  lower: engineKey(new Uint8Array()),
  upper: engineKey(new Uint8Array([255])),
  limit: 1_000_000,
  now: undefined,
  tombstones: false,
  backward: false,
};

const record = (byte: number, sequence: number): Entry => {
  return { key: engineKey(new Uint8Array([byte])), sequence, cell: cell(false, neverExpires) };
};

/** A source that lacks every entry that it comes to. */
class AbsentCursor extends ArrayCursor {
  loads = 0;
  /** Loads that have not ended. */
  pending = 0;
  failure: Error | undefined;
  turnsPerLoad = 1;

  constructor(entries: readonly Entry[]) {
    super(entries, { chance: () => true } as unknown as Prng);
  }

  override async load(): Promise<void> {
    this.loads++;
    this.pending++;
    for (let turn = 0; turn < this.turnsPerLoad; turn++) await new Promise(setImmediate);
    this.pending--;
    if (this.failure !== undefined) throw this.failure;
    await super.load();
  }
}

test("while a wait of a walk is pending it refuses to move, to seek and to wait again, and then goes on as if nothing was", async () => {
  const whileWaiting = /a load, or a next, of it was pending/;
  for (const begin of [
    (iterator: RecordIterator) => (iterator.next(), iterator.load()),
    (iterator: RecordIterator) => iterator.nextLoaded(),
  ]) {
    const source = new AbsentCursor([record(1, 1), record(2, 2), record(3, 3)]);
    const iterator = iterate([source], everything);
    const pending = begin(iterator);
    assert.throws(() => iterator.next(), whileWaiting);
    assert.throws(() => iterator.seek(engineKey(new Uint8Array([3]))), whileWaiting);
    await assert.rejects(iterator.load(), whileWaiting);
    await assert.rejects(iterator.nextLoaded(), whileWaiting);
    assert.equal(source.loads, 1);
    const wasNext = (await pending) === true;
    const rest: number[] = wasNext ? [iterator.entry.sequence] : [];
    while (await iterator.nextLoaded()) rest.push(iterator.entry.sequence);
    assert.deepEqual(rest, [1, 2, 3]);
    iterator.close();
  }
});

test("a walk may be closed under a pending wait, which then changes nothing any more", async () => {
  const source = new AbsentCursor([record(1, 1)]);
  const iterator = iterate([source, new ArrayCursor([record(2, 2)])], everything);
  assert.equal(iterator.next(), "load");
  const load = iterator.load();
  iterator.close();
  await load;
  assert.throws(() => iterator.next(), /after it was closed/);
  const other = iterate([new AbsentCursor([record(1, 1)])], everything);
  const next = other.nextLoaded();
  other.close();
  await assert.rejects(next, /after it was closed/);
});

test("a walk that a failure has met says so again, and leaves out nothing, until it seeks", async () => {
  const source = new AbsentCursor([record(1, 1), record(2, 2)]);
  const sound = new AbsentCursor([record(3, 3)]);
  const iterator = iterate([source, sound], everything);
  source.failure = new Error("the disk says no");
  sound.turnsPerLoad = 3;
  await assert.rejects(iterator.nextLoaded(), /the disk says no/);
  assert.equal(sound.pending, 0, "a seek would meet a load that is still at work");
  source.failure = undefined;
  assert.throws(() => iterator.next(), /the disk says no/);
  await assert.rejects(iterator.load(), /the disk says no/);
  iterator.seek(everything.lower);
  const found: number[] = [];
  while (await iterator.nextLoaded()) found.push(iterator.entry.sequence);
  assert.deepEqual(found, [1, 2, 3]);
  iterator.close();
});

/** Counts its movements. */
class CountingCursor extends ArrayCursor {
  moves = 0;

  override next(): void {
    this.moves++;
    super.next();
  }

  override previous(): void {
    this.moves++;
    super.previous();
  }
}

test("one step passes over a bounded number of tombstones, expired records and hidden versions, and others get their turns", async () => {
  const hidden = 10_000;
  const name = (at: number) => engineKey(new Uint8Array([1 + (at >> 8), at & 255]));
  const kinds: Record<string, (at: number) => Entry> = {
    tombstones: (at) => ({ key: name(at), sequence: 1, cell: cell(true, neverExpires) }),
    expired: (at) => ({ key: name(at), sequence: 1, cell: cell(false, stamp(1)) }),
    "newer than the limit": (at) => ({ key: name(0), sequence: 20 + at, cell: cell(false, neverExpires) }),
  };
  for (const [kind, make] of Object.entries(kinds)) {
    const entries = [record(0, 1), ...Array.from({ length: hidden }, (_, at) => make(at)), record(200, 1)];
    for (const backward of [false, true]) {
      const bounds = { ...everything, limit: 10, now: stamp(5), backward };
      const source = new CountingCursor(entries);
      const iterator = iterate([source], bounds);
      const steps: string[] = [];
      let greatest = 0;
      for (let step = iterator.next(); ; step = iterator.next()) {
        steps.push(step);
        greatest = Math.max(greatest, source.moves);
        source.moves = 0;
        if (step === "end") break;
        if (step === "load") await iterator.load();
      }
      assert.equal(steps.filter((step) => step === "record").length, 2, kind);
      assert.equal(steps.filter((step) => step === "load").length, 4, kind);
      assert.ok(greatest <= 2048, `${kind}: ${greatest} entries in one step`);
      iterator.close();
      let turnsOfOthers = 0;
      const other = iterate([new ArrayCursor(entries)], bounds);
      setImmediate(function count() {
        turnsOfOthers++;
        if (turnsOfOthers < 4) setImmediate(count);
      });
      let found = 0;
      while (await other.nextLoaded()) found++;
      assert.deepEqual([found, turnsOfOthers], [2, 4], kind);
      other.close();
    }
  }
});
