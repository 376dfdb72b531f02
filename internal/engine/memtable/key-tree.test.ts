import assert from "node:assert/strict";
import { test } from "node:test";
import { cellOf, lookupOf, viewOf } from "../../../test/engine/memtable-model.ts";
import { compareBytes, utf8 } from "../../base/bytes.ts";
import { Prng } from "../../base/prng.ts";
import { emptySlot, type Cursor } from "../cursor.ts";
import { MemtableArena } from "./arena.ts";
import { checkInvariants } from "./invariants.ts";
import { countAt, nodeEntriesMax, nodeWordsMax, skipAt } from "./key-tree.ts";
import { Memtable } from "./memtable.ts";

const cell = cellOf("");

function memtableOf(keys: readonly Uint8Array[], arenaBytes = 8 * 1024 * 1024): Memtable {
  const memtable = new Memtable(new MemtableArena(arenaBytes));
  keys.forEach((key, at) => memtable.add(viewOf({ key, cell, sequence: at + 1 })));
  return memtable;
}

/** One character to a byte: quick, and in the order of the bytes. */
function name(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("latin1");
}

function keyAt(cursor: Cursor): string {
  return cursor.valid ? name(cursor.keyBytes.subarray(cursor.keyStart, cursor.keyEnd)) : "";
}

function keysForward(memtable: Memtable): string[] {
  const cursor = memtable.cursor();
  const seen: string[] = [];
  for (cursor.seekToFirst(); cursor.valid; cursor.next()) {
    seen.push(keyAt(cursor));
  }
  return seen;
}

/** Ways in which keys come to a store: what they look like, and in which order they arrive. */
const shapes: ReadonlyMap<string, (at: number, random: Prng) => Uint8Array> = new Map([
  ["random bytes", (_, random) => randomKey(random, 20)],
  ["random, of a few groups", (_, random) => inGroup(random.below(5) * 0x01_00_00_01, randomKey(random, 12))],
  ["numbered, rising", (at) => utf8(`aaaauser:${String(at).padStart(12, "0")}`)],
  ["numbered, falling", (at) => utf8(`aaaauser:${String(999_999 - at).padStart(12, "0")}`)],
  ["rising in several groups at once", (at) => inGroup(at % 7, utf8(`event/${String(at).padStart(9, "0")}`))],
  [
    "each a prefix of the next",
    (at) => utf8("aaaa".padEnd(4 + (at % 1000), String.fromCharCode(97 + Math.floor(at / 1000)))),
  ],
  ["long, differing at the end", (at) => utf8(`aaaa${"x".repeat(400)}${String((at * 7919) % 1000)}`)],
  ["outermost first", (at) => utf8(`aaaa${String(at % 2 === 0 ? at : 1_000_000 - at).padStart(7, "0")}`)],
  [
    "zeros of many lengths, then a byte",
    (at) => Uint8Array.from([...Array<number>(4 + (at % 40)).fill(0), at >>> 8, at]),
  ],
]);

function randomKey(random: Prng, bytes: number): Uint8Array {
  const key = new Uint8Array(bytes);
  random.fill(key);
  return key;
}

function inGroup(group: number, key: Uint8Array): Uint8Array {
  return Uint8Array.from([group >>> 24, group >>> 16, group >>> 8, group, ...key]);
}

for (const [shape, make] of shapes) {
  test(`keys come out in order, and are found, when they are ${shape}`, () => {
    const random = new Prng(11);
    const drawn = Array.from({ length: 20_000 }, (_, at) => make(at, random));
    const distinct = [...new Map(drawn.map((key) => [name(key), key])).values()];
    const memtable = memtableOf(distinct, 32 * 1024 * 1024);
    checkInvariants(memtable);
    assert.deepEqual(keysForward(memtable), distinct.toSorted(compareBytes).map(name));
    const slot = emptySlot();
    for (const key of distinct) assert.ok(memtable.find(lookupOf(key), Number.MAX_SAFE_INTEGER, slot));
  });
}

test("seek and seekBefore part the keys at any probe, present or not, of any length", () => {
  const random = new Prng(12);
  const keys = Array.from({ length: 700 }, () => {
    const key = new Uint8Array(random.between(4, 9));
    for (let at = 3; at < key.length; at++) key[at] = random.pick([0, 1, 127, 128, 255]);
    return key;
  });
  const distinct = [...new Map(keys.map((key) => [name(key), key])).values()];
  const sorted = distinct.toSorted(compareBytes);
  const cursor = memtableOf(distinct).cursor();
  const nothing = new Uint8Array(0);
  const probes = [nothing, ...distinct, ...distinct.map((key) => key.subarray(0, random.below(key.length + 1)))];
  for (const key of distinct) probes.push(Uint8Array.from([...key, 0]), Uint8Array.from([...key.subarray(0, -1), 200]));
  for (const probe of probes) {
    const rank = sorted.filter((key) => compareBytes(key, probe) < 0).length;
    cursor.seek(probe, probe.length);
    assert.equal(keyAt(cursor), nameAt(sorted, rank));
    cursor.seekBefore(probe, probe.length);
    assert.equal(keyAt(cursor), nameAt(sorted, rank - 1));
  }
});

function nameAt(keys: readonly Uint8Array[], at: number): string {
  const key = keys[at];
  return key === undefined ? "" : name(key);
}

test("keys that arrive in order leave full leaves", () => {
  const keys = Array.from({ length: 32_000 }, (_, at) => utf8(`aaaa${String(at).padStart(8, "0")}`));
  const memtable = memtableOf(keys);
  const { words, firstLeaf } = memtable.tree;
  assert.equal(words[firstLeaf + countAt], nodeEntriesMax);
});

test("a deep tree skips what all keys share, at its ends as well as inside", () => {
  const keys = Array.from({ length: 5000 }, (_, at) => utf8(`aaaa/one/long/common/beginning/${(at * 7919) % 5000}`));
  const memtable = memtableOf(keys);
  const { words } = memtable.tree;
  assert.ok(memtable.tree.height >= 2);
  assert.equal(words[memtable.tree.root + skipAt], ~"aaaa/one/long/common/beginning/".length);
});

test("nodes never take more words than nodeWordsMax says", () => {
  for (const order of ["numbered, rising", "numbered, falling", "random bytes", "outermost first"]) {
    const make = shapes.get(order) as (at: number, random: Prng) => Uint8Array;
    const arena = new MemtableArena(8 * 1024 * 1024);
    const memtable = new Memtable(arena);
    const random = new Prng(13);
    let recordBytes = 0;
    for (let at = 0; at < 20_000; at++) {
      const key = make(at, random);
      memtable.add(viewOf({ key, cell, sequence: at + 1 }));
      recordBytes += 4 * (3 + Math.ceil(key.length / 4) + 5 + Math.ceil(cell.length / 4));
      const nodeWords = (memtable.bytesUsed - recordBytes) / 4;
      assert.ok(nodeWords <= nodeWordsMax(memtable.keys), `${nodeWords} words of nodes for ${memtable.keys} keys`);
    }
  }
});
