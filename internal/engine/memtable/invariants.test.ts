import assert from "node:assert/strict";
import { test } from "node:test";
import { cellOf, viewOf } from "../../../test/engine/memtable-model.ts";
import { AssertionFailure } from "../../base/assert.ts";
import { utf8 } from "../../base/bytes.ts";
import { sequence } from "../../base/ids.ts";
import { MemtableArena } from "./arena.ts";
import { checkInvariants } from "./invariants.ts";
import { childrenAt, countAt, nextLeafAt, prefixesAt, previousLeafAt, refsAt, skipAt } from "./key-tree.ts";
import { Memtable } from "./memtable.ts";
import { keyStartOf, newerAt, newestAt, nextInBucketAt, olderAt } from "./record.ts";

/** A sound memtable with two levels, whose first key has three versions. */
function soundMemtable(): Memtable {
  const memtable = new Memtable(new MemtableArena(64 * 1024));
  let sequence = 0;
  const add = (key: string): void => {
    sequence += 3;
    memtable.add(viewOf({ key: utf8(key), cell: cellOf("value", sequence % 2 === 0), sequence }));
  };
  for (let at = 0; at < 200; at++) add(`aaaa key ${(at * 37) % 200}`);
  add("aaaa key 0");
  add("aaaa key 0");
  return memtable;
}

type Damage = (memtable: Memtable, words: Int32Array, firstRecord: number) => void;

/** Each of them breaks one rule. */
const damages: Readonly<Record<string, Damage>> = {
  "two keys of a leaf exchanged": ({ tree }, words) => {
    const at = tree.firstLeaf + refsAt;
    exchange(words, at + 1, at + 2);
    exchange(words, tree.firstLeaf + prefixesAt + 1, tree.firstLeaf + prefixesAt + 2);
  },
  "a key's bytes changed": ({ arena }, _, record) => (arena.bytes[keyStartOf(record) + 3] = 98),
  "a prefix changed": ({ tree }, words) => add(words, tree.firstLeaf + prefixesAt + 1, 1),
  "a leaf that counts one too few": ({ tree }, words) => add(words, tree.firstLeaf + countAt, -1),
  "a node that skips too much": ({ tree }, words) => add(words, tree.root + skipAt, -1),
  "a node that denies its fences": ({ tree }, words) => {
    const inside = words[tree.root + childrenAt + 1] as number;
    words[inside + skipAt] = ~(words[inside + skipAt] as number);
  },
  "children exchanged": ({ tree }, words) => exchange(words, tree.root + childrenAt, tree.root + childrenAt + 1),
  "a leaf without its follower": ({ tree }, words) => (words[tree.firstLeaf + nextLeafAt] = 0),
  "a leaf without the one before": ({ tree }, words) => (words[tree.lastLeaf + previousLeafAt] = 0),
  "a wrong last leaf": ({ tree }) => (tree.lastLeaf = tree.firstLeaf),
  "a wrong count of keys": ({ tree }) => tree.keys++,
  "a bucket emptied": (_, words) => (words[words.findIndex((word) => word !== 0)] = 0),
  "a record in a wrong bucket": (_, words) => {
    const bucket = words.findIndex((word) => word !== 0);
    words[bucket === 0 ? 1 : bucket - 1] = words[bucket] as number;
    words[bucket] = 0;
  },
  "a bucket that runs in a circle": (_, words, record) => (words[record + nextInBucketAt] = record),
  "a version lost": (_, words, record) => {
    const newest = words[record + newestAt] as number;
    words[record + newestAt] = words[newest + olderAt] as number;
  },
  "a version that does not point back": (_, words, record) => {
    const older = words[(words[record + newestAt] as number) + olderAt] as number;
    words[older + newerAt] = 0;
  },
  "a sequence out of order": (_, words, record) => add(words, (words[record + newestAt] as number) + 2, -600),
  "a wrong count of entries": (memtable) => memtable.entries++,
  "a wrong count of tombstones": (memtable) => memtable.tombstones--,
  "a wrong count of bytes": (memtable) => memtable.contentBytes++,
  "a wrong least sequence": (memtable) => (memtable.sequenceLeast = sequence(1)),
  "a wrong greatest sequence": (memtable) => (memtable.sequenceGreatest = sequence(10_000)),
};

function add(words: Int32Array, at: number, difference: number): void {
  words[at] = (words[at] as number) + difference;
}

function exchange(words: Int32Array, one: number, other: number): void {
  const kept = words[one] as number;
  words[one] = words[other] as number;
  words[other] = kept;
}

test("a sound memtable passes", () => {
  checkInvariants(soundMemtable());
  checkInvariants(new Memtable(new MemtableArena(4096)));
});

for (const [name, damage] of Object.entries(damages)) {
  test(`checkInvariants notices ${name}`, () => {
    const memtable = soundMemtable();
    const first = memtable.tree.words[memtable.tree.firstLeaf + refsAt] as number;
    damage(memtable, memtable.tree.words, first);
    assert.throws(() => checkInvariants(memtable), AssertionFailure);
  });
}
