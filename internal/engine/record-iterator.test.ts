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
    if (!isTombstone(entry.cell, 0) && !expired) answer.push(`${name}@${entry.sequence}`);
  }
  return answer;
}

async function walk(sources: readonly ArrayCursor[], question: Question, backward: boolean, from?: Uint8Array) {
  let closed = 0;
  const iterator = new RecordIterator(new MergingCursor(sources, backward), { ...question, backward }, () => closed++);
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
  seed: fc.nat(),
});

test("a walk over any merge of sources sees what a plain sorted list says, both ways, from any place", async () => {
  await fc.assert(
    fc.asyncProperty(caseArbitrary, async (given) => {
      const entries = given.operations.map(({ key, tombstone, expiry }, at) => ({
        key: engineKey(key),
        sequence: at + 1,
        cell: cell(tombstone, expiry === undefined ? neverExpires : stamp(expiry)),
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
  };
  assert.deepEqual(await walk([new ArrayCursor(entries)], question, false), []);
  assert.deepEqual(await walk([new ArrayCursor(entries)], question, true), []);
  const before = { ...question, now: stamp(4) };
  assert.deepEqual(await walk([new ArrayCursor(entries)], before, false), [`${hex(key)}@2`]);
});
