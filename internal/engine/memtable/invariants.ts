// What must hold in a memtable at any time between two adds, checked at the price of a walk over all of
// it: for tests and for the simulator. Each finding is a bug, so each is an assertion.

import { assert } from "../../base/assert.ts";
import { compareRanges } from "../../base/bytes.ts";
import { hashBytes } from "../../base/hash.ts";
import {
  childrenAt,
  countAt,
  nextLeafAt,
  prefixesAt,
  prefixOf,
  previousLeafAt,
  refsAt,
  sharedKeyBytes,
  skipAt,
  skipOf,
} from "./key-tree.ts";
import type { KeyTree } from "./key-tree.ts";
import type { Memtable } from "./memtable.ts";
import {
  cellLengthOf,
  cellStartOf,
  keyLengthOf,
  keyStartOf,
  newerAt,
  newestAt,
  nextInBucketAt,
  olderAt,
  oldestVersionOf,
  sequenceOf,
  tagOf,
  tagOfRecord,
} from "./record.ts";
import { isTombstone } from "../cell.ts";

/** What a subtree may hold: refs of the first key that it may and of the first that it may not; 0: unbounded. */
interface Fences {
  readonly low: number;
  readonly high: number;
  /** Of the subtree: 0 for a leaf. */
  readonly height: number;
}

interface Totals {
  entries: number;
  tombstones: number;
  contentBytes: number;
  sequenceLeast: number;
  sequenceGreatest: number;
}

export function checkInvariants(memtable: Memtable): void {
  const records: number[] = [];
  const leaves: number[] = [];
  checkNode(memtable.tree, memtable.tree.root, { low: 0, high: 0, height: memtable.tree.height }, { records, leaves });
  checkLeafLinks(memtable.tree, leaves);
  assert(records.length === memtable.keys, "keys in the tree", { found: records.length, counted: memtable.keys });
  checkIndex(memtable, records);
  checkVersions(memtable, records);
}

function checkNode(tree: KeyTree, node: number, fences: Fences, seen: { records: number[]; leaves: number[] }): void {
  const words = tree.words;
  const count = words[node + countAt] as number;
  const skip = skipOf(words, node);
  const { low, high, height } = fences;
  const fenced = low !== 0 && high !== 0;
  assert(words[node + skipAt] === (fenced ? skip : ~skip), "a node that is wrong about its fences", { node });
  const shared = fenced ? sharedKeyBytes(words, tree.bytes, low, high) : bytesSharedInside(tree, node);
  assert(skip <= shared, "a node skips bytes that its keys may not share", { node, skip, shared });
  let before = low;
  for (let slot = 0; slot < count; slot++) {
    const record = words[node + refsAt + slot] as number;
    const start = keyStartOf(record);
    const prefix = prefixOf(tree.bytes, start + skip, start + keyLengthOf(words, record));
    assert(words[node + prefixesAt + slot] === prefix, "a prefix that is not its key's", { node, slot });
    const mayEqual = slot === 0 && height === 0;
    assert(before === 0 || inOrder(tree, before, record, mayEqual), "keys of a node out of order", { node, slot });
    before = record;
  }
  assert(count === 0 || high === 0 || inOrder(tree, before, high, false), "a key above its fence", { node });
  if (height === 0) {
    seen.leaves.push(node);
    for (let slot = 0; slot < count; slot++) seen.records.push(words[node + refsAt + slot] as number);
    return;
  }
  assert(count > 0, "an inner node without a separator", { node });
  for (let slot = 0; slot <= count; slot++) {
    const child = words[node + childrenAt + slot] as number;
    const childLow = slot === 0 ? low : (words[node + refsAt + slot - 1] as number);
    const childHigh = slot === count ? high : (words[node + refsAt + slot] as number);
    checkNode(tree, child, { low: childLow, high: childHigh, height: height - 1 }, seen);
  }
}

function bytesSharedInside(tree: KeyTree, node: number): number {
  const words = tree.words;
  const count = words[node + countAt] as number;
  if (count === 0) return 0;
  const first = words[node + refsAt] as number;
  return sharedKeyBytes(words, tree.bytes, first, words[node + refsAt + count - 1] as number);
}

function inOrder(tree: KeyTree, one: number, other: number, mayEqual: boolean): boolean {
  const { words, bytes } = tree;
  const oneStart = keyStartOf(one);
  const otherStart = keyStartOf(other);
  const oneEnd = oneStart + keyLengthOf(words, one);
  const otherEnd = otherStart + keyLengthOf(words, other);
  const order = compareRanges(bytes, oneStart, oneEnd, bytes, otherStart, otherEnd);
  return order < 0 || (mayEqual && order === 0);
}

function checkLeafLinks(tree: KeyTree, leaves: readonly number[]): void {
  const words = tree.words;
  assert(tree.firstLeaf === leaves[0], "first leaf", { firstLeaf: tree.firstLeaf });
  assert(tree.lastLeaf === leaves[leaves.length - 1], "last leaf", { lastLeaf: tree.lastLeaf });
  leaves.forEach((leaf, at) => {
    const empty = (words[leaf + countAt] as number) === 0;
    assert(!empty || leaves.length === 1, "an empty leaf", { leaf });
    assert(words[leaf + previousLeafAt] === (leaves[at - 1] ?? 0), "previous leaf", { leaf });
    assert(words[leaf + nextLeafAt] === (leaves[at + 1] ?? 0), "next leaf", { leaf });
  });
}

function checkIndex(memtable: Memtable, records: readonly number[]): void {
  const { words, bytes, bucketCount } = memtable.arena;
  const indexed = new Set<number>();
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    for (let record = words[bucket] as number; record !== 0; record = words[record + nextInBucketAt] as number) {
      assert(!indexed.has(record), "a record twice in the hash index", { record });
      indexed.add(record);
      const start = keyStartOf(record);
      const length = keyLengthOf(words, record);
      const hash = hashBytes(bytes, start, start + length);
      assert((hash & (bucketCount - 1)) === bucket, "a record in the wrong bucket", { record, bucket });
      assert(tagOfRecord(words, record) === tagOf(hash, length), "a tag that is not its key's", { record });
    }
  }
  assert(indexed.size === records.length, "keys in the hash index", { index: indexed.size, tree: records.length });
  for (const record of records) assert(indexed.has(record), "a key of the tree is not in the hash index", { record });
}

function checkVersions(memtable: Memtable, records: readonly number[]): void {
  const words = memtable.arena.words;
  const totals = { entries: 0, tombstones: 0, contentBytes: 0, sequenceLeast: Infinity, sequenceGreatest: 0 };
  for (const record of records) {
    totals.contentBytes += keyLengthOf(words, record);
    checkChain(memtable, record, totals);
  }
  const least = totals.entries === 0 ? 0 : totals.sequenceLeast;
  assert(totals.entries === memtable.entries, "count of entries", { found: totals.entries });
  assert(totals.tombstones === memtable.tombstones, "count of tombstones", { found: totals.tombstones });
  assert(totals.contentBytes === memtable.contentBytes, "bytes of content", { found: totals.contentBytes });
  assert(least === memtable.sequenceLeast, "least sequence", { least });
  assert(totals.sequenceGreatest === memtable.sequenceGreatest, "greatest sequence", {
    found: totals.sequenceGreatest,
  });
}

function checkChain(memtable: Memtable, record: number, totals: Totals): void {
  const { words, bytes } = memtable.arena;
  let newer = 0;
  let bound = Infinity;
  for (let at = words[record + newestAt] as number; at !== 0; at = words[at + olderAt] as number) {
    const sequence = sequenceOf(words, at);
    assert(sequence < bound, "versions of a key out of order", { record, sequence, bound });
    assert(words[at + newerAt] === newer, "a version does not point back to the newer one", { record, sequence });
    totals.entries++;
    totals.contentBytes += cellLengthOf(words, at);
    if (isTombstone(bytes, cellStartOf(at))) totals.tombstones++;
    totals.sequenceLeast = Math.min(totals.sequenceLeast, sequence);
    totals.sequenceGreatest = Math.max(totals.sequenceGreatest, sequence);
    bound = sequence;
    newer = at;
  }
  assert(newer === oldestVersionOf(words, record), "the oldest version does not lie behind its key", { record });
}
