// The ordered part of a memtable: a B+tree of key records, in the arena's words. Keys are only ever
// added, so records and separators never move or go, and a separator is simply the ref of a key.
//
//   leaf    count | skip | previous leaf | next leaf | prefixes[32] | key refs[32]
//   inner   count | skip |       -       |     -     | prefixes[32] | key refs[32] | children[33]
//
// children[i] of an inner node holds the keys from refs[i-1] on and below refs[i]. A prefix is four bytes of
// its key, those behind the first `skip`, which all keys of the node share: so most comparisons cost one
// word of the node, whatever long beginning the keys have in common.
// Every key that can reach a node between two separators (its fences) begins with the bytes that those
// share; there `skip` is their count. A node at either end of its level lacks a fence; it skips what the keys
// in it happen to share, says so by storing ~skip, and compares those bytes first.

import { compareRanges } from "../../base/bytes.ts";
import type { MemtableArena } from "./arena.ts";
import { keyLengthOf, keyStartOf } from "./record.ts";

export const nodeEntriesMax = 32;
const half = nodeEntriesMax / 2;

export const countAt = 0;
export const skipAt = 1;
export const previousLeafAt = 2;
export const nextLeafAt = 3;
export const prefixesAt = 4;
export const refsAt = prefixesAt + nodeEntriesMax;
export const childrenAt = refsAt + nodeEntriesMax;
const leafWords = childrenAt;
const innerWords = childrenAt + nodeEntriesMax + 1;

/** More than any arena can hold: every level has at least 16 children to a node. */
const levelsMax = 12;

/** Where a tree begins, as plain data. */
export interface TreeRoots {
  readonly root: number;
  /** Levels of inner nodes above the leaves. */
  readonly height: number;
  readonly firstLeaf: number;
  readonly lastLeaf: number;
  readonly keys: number;
}

/** What a tree needs of its arena when it is only read. */
export type TreeMemory = Pick<MemtableArena, "words" | "bytes">;

export class KeyTree {
  readonly words: Int32Array;
  readonly bytes: Uint8Array;
  root: number;
  height: number;
  readonly firstLeaf: number;
  lastLeaf: number;
  keys: number;
  /** Where the last `locate` ended: the first key at or above the one it looked for lies here, or after the leaf. */
  foundLeaf = 0;
  foundSlot = 0;
  private nodeWords = 0;
  private probe: Uint8Array;
  private probeStart = 0;
  private probeEnd = 0;
  private readonly pathNodes = new Int32Array(levelsMax);
  private readonly pathSlots = new Int32Array(levelsMax);

  constructor(memory: TreeMemory, roots: TreeRoots) {
    this.words = memory.words;
    this.bytes = memory.bytes;
    this.probe = memory.bytes;
    this.root = roots.root;
    this.height = roots.height;
    this.firstLeaf = roots.firstLeaf;
    this.lastLeaf = roots.lastLeaf;
    this.keys = roots.keys;
  }

  /** An empty tree in an arena. */
  static plant(arena: MemtableArena): KeyTree {
    const root = arena.claimNode(leafWords);
    clearHeader(arena.words, root);
    const tree = new KeyTree(arena, { root, height: 0, firstLeaf: root, lastLeaf: root, keys: 0 });
    tree.nodeWords = leafWords;
    return tree;
  }

  roots(): TreeRoots {
    const { root, height, firstLeaf, lastLeaf, keys } = this;
    return { root, height, firstLeaf, lastLeaf, keys };
  }

  /** Most words that so many further keys can take from the arena for nodes. */
  wordsForMore(keys: number): number {
    const whenAllSplit = keys * (leafWords + (this.height + 1) * innerWords);
    const whenHalfFull = nodeWordsMax(this.keys + keys) - this.nodeWords;
    return Math.min(whenAllSplit, whenHalfFull);
  }

  /** Finds the place of key[start, end): see foundLeaf. */
  locate(key: Uint8Array, start: number, end: number): void {
    this.aim(key, start, end);
    const words = this.words;
    let node = this.root;
    for (let level = this.height; level > 0; level--) {
      node = words[node + childrenAt + this.rank(node, true)] as number;
    }
    this.foundLeaf = node;
    this.foundSlot = this.rank(node, false);
  }

  /** Adds a key record. REQUIRES: its key is not in the tree, and the arena has room (wordsForMore(1)). */
  insert(arena: MemtableArena, record: number): void {
    const words = this.words;
    this.descend(record);
    this.keys++;
    let ref = record;
    let child = 0;
    for (let level = this.height; level >= 0; level--) {
      const node = this.pathNodes[level] as number;
      const slot = this.pathSlots[level] as number;
      if ((words[node + countAt] as number) < nodeEntriesMax) {
        this.place(node, slot, ref, child);
        return;
      }
      const right = child === 0 ? this.splitLeaf(arena, level, ref) : this.splitInner(arena, level, ref, child);
      ref = this.separator;
      child = right;
    }
    this.growRoot(arena, ref, child);
  }

  /** What the last split passes up: the least key of the right-hand node, or of the subtrees under it. */
  private separator = 0;

  private descend(record: number): void {
    const words = this.words;
    const start = keyStartOf(record);
    this.aim(this.bytes, start, start + keyLengthOf(words, record));
    let node = this.root;
    for (let level = 0; ; level++) {
      const slot = this.rank(node, true);
      this.pathNodes[level] = node;
      this.pathSlots[level] = slot;
      if (level === this.height) return;
      node = words[node + childrenAt + slot] as number;
    }
  }

  /** The separator below (or above) all that the node at a level of the path may hold; 0: there is none. */
  private fence(level: number, below: boolean): number {
    const words = this.words;
    for (let above = level - 1; above >= 0; above--) {
      const node = this.pathNodes[above] as number;
      const slot = this.pathSlots[above] as number;
      if (below && slot > 0) return words[node + refsAt + slot - 1] as number;
      if (!below && slot < (words[node + countAt] as number)) return words[node + refsAt + slot] as number;
    }
    return 0;
  }

  private aim(key: Uint8Array, start: number, end: number): void {
    this.probe = key;
    this.probeStart = start;
    this.probeEnd = end;
  }

  /** How many of a node's keys are below the probe, or, when `inclusive`, at most the probe. */
  private rank(node: number, inclusive: boolean): number {
    const { words, probe, probeEnd } = this;
    let skip = words[node + skipAt] as number;
    if (skip < 0) {
      skip = ~skip;
      const order = this.compareBeginning(node, skip);
      if (order !== 0) return order < 0 ? 0 : (words[node + countAt] as number);
    }
    const prefix = prefixOf(probe, this.probeStart + skip, probeEnd);
    const first = node + prefixesAt;
    const count = words[node + countAt] as number;
    if (count === 0) return 0;
    let at = first;
    // Without a branch on what is compared: a difference of prefixes is negative, so -1 when shifted, or 0.
    for (let left = count; left > 1;) {
      const step = left >>> 1;
      at += step & (((words[at + step - 1] as number) - prefix) >> 31);
      left -= step;
    }
    at -= ((words[at] as number) - prefix) >> 31;
    const slot = at - first;
    if (slot < count && words[at] === prefix) return this.rankAmongEquals(node, slot, inclusive);
    return slot;
  }

  /** Goes on for rank where prefixes equal the probe's, from `slot` on. */
  private rankAmongEquals(node: number, slot: number, inclusive: boolean): number {
    const { words, bytes, probe, probeEnd } = this;
    const skip = skipOf(words, node);
    const from = this.probeStart + skip;
    const prefix = words[node + prefixesAt + slot] as number;
    let low = slot;
    let high = words[node + countAt] as number;
    while (low < high) {
      const middle = (low + high) >>> 1;
      let below = false;
      if (words[node + prefixesAt + middle] === prefix) {
        const record = words[node + refsAt + middle] as number;
        const start = keyStartOf(record);
        const order = compareRanges(bytes, start + skip, start + keyLengthOf(words, record), probe, from, probeEnd);
        below = order < 0 || (inclusive && order === 0);
      }
      if (below) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Orders the probe against the first bytes, `length` of them, that the keys of a node share. */
  private compareBeginning(node: number, length: number): number {
    const start = keyStartOf(this.words[node + refsAt] as number);
    const end = Math.min(this.probeEnd, this.probeStart + length);
    return compareRanges(this.probe, this.probeStart, end, this.bytes, start, start + length);
  }

  /** Puts a key, and in an inner node the child right of it, at a slot of a node that has room. */
  private place(node: number, slot: number, ref: number, child: number): void {
    const words = this.words;
    const count = words[node + countAt] as number;
    if ((words[node + skipAt] as number) < 0) this.admit(node, ref);
    for (let at = node + prefixesAt + count; at > node + prefixesAt + slot; at--) {
      words[at] = words[at - 1] as number;
      words[at + nodeEntriesMax] = words[at + nodeEntriesMax - 1] as number;
    }
    words[node + prefixesAt + slot] = this.prefixOfRecord(ref, skipOf(words, node));
    words[node + refsAt + slot] = ref;
    words[node + countAt] = count + 1;
    if (child === 0) return;
    const children = node + childrenAt;
    for (let at = children + count + 1; at > children + slot + 1; at--) words[at] = words[at - 1] as number;
    words[children + slot + 1] = child;
  }

  private splitLeaf(arena: MemtableArena, level: number, ref: number): number {
    const words = this.words;
    const left = this.pathNodes[level] as number;
    const slot = this.pathSlots[level] as number;
    // Keys that arrive in ascending order leave full leaves behind.
    const kept = slot === nodeEntriesMax && this.fence(level, false) === 0 ? nodeEntriesMax : half;
    const right = this.claim(arena, leafWords);
    this.moveEntries(left, right, kept);
    words[left + countAt] = kept;
    if (slot <= kept && kept !== nodeEntriesMax) this.place(left, slot, ref, 0);
    else this.place(right, slot - kept, ref, 0);
    const after = words[left + nextLeafAt] as number;
    words[right + previousLeafAt] = left;
    words[right + nextLeafAt] = after;
    words[left + nextLeafAt] = right;
    if (after === 0) this.lastLeaf = right;
    else words[after + previousLeafAt] = right;
    this.separator = words[right + refsAt] as number;
    this.settleBoth(level, right);
    return right;
  }

  private splitInner(arena: MemtableArena, level: number, ref: number, child: number): number {
    const words = this.words;
    const left = this.pathNodes[level] as number;
    const slot = this.pathSlots[level] as number;
    const kept = slot === nodeEntriesMax && this.fence(level, false) === 0 ? nodeEntriesMax - 1 : half;
    const right = this.claim(arena, innerWords);
    this.moveEntries(left, right, kept + 1);
    const children = left + childrenAt;
    words.copyWithin(right + childrenAt, children + kept + 1, children + nodeEntriesMax + 1);
    words[left + countAt] = kept;
    this.separator = words[left + refsAt + kept] as number;
    if (slot <= kept) this.place(left, slot, ref, child);
    else this.place(right, slot - kept - 1, ref, child);
    this.settleBoth(level, right);
    return right;
  }

  /** Copies the entries of `left` from `from` on to the new node `right`. */
  private moveEntries(left: number, right: number, from: number): void {
    const words = this.words;
    words.copyWithin(right + prefixesAt, left + prefixesAt + from, left + refsAt);
    words.copyWithin(right + refsAt, left + refsAt + from, left + childrenAt);
    words[right + countAt] = nodeEntriesMax - from;
    words[right + skipAt] = words[left + skipAt] as number;
    words[right + previousLeafAt] = 0;
    words[right + nextLeafAt] = 0;
  }

  private growRoot(arena: MemtableArena, ref: number, child: number): void {
    const words = this.words;
    const root = this.claim(arena, innerWords);
    clearHeader(words, root);
    words[root + childrenAt] = this.root;
    this.place(root, 0, ref, child);
    this.root = root;
    this.height++;
  }

  /** After a split the fences are closer together, and may share more. */
  private settleBoth(level: number, right: number): void {
    this.settle(this.pathNodes[level] as number, this.fence(level, true), this.separator);
    this.settle(right, this.separator, this.fence(level, false));
  }

  private settle(node: number, low: number, high: number): void {
    const words = this.words;
    if (low !== 0 && high !== 0) {
      this.setSkip(node, sharedKeyBytes(words, this.bytes, low, high));
      return;
    }
    const first = words[node + refsAt] as number;
    const last = words[node + refsAt + (words[node + countAt] as number) - 1] as number;
    this.setSkip(node, ~sharedKeyBytes(words, this.bytes, first, last));
  }

  /** Lets a node without a fence skip no more than a key to come shares. */
  private admit(node: number, ref: number): void {
    const words = this.words;
    const first = (words[node + countAt] as number) === 0 ? ref : (words[node + refsAt] as number);
    const shared = sharedKeyBytes(words, this.bytes, first, ref);
    if (first === ref || shared < skipOf(words, node)) this.setSkip(node, ~shared);
  }

  private setSkip(node: number, skip: number): void {
    const words = this.words;
    const before = skipOf(words, node);
    words[node + skipAt] = skip;
    if (skipOf(words, node) === before) return;
    const count = words[node + countAt] as number;
    for (let slot = 0; slot < count; slot++) {
      const record = words[node + refsAt + slot] as number;
      words[node + prefixesAt + slot] = this.prefixOfRecord(record, skipOf(words, node));
    }
  }

  private prefixOfRecord(record: number, skip: number): number {
    const start = keyStartOf(record);
    return prefixOf(this.bytes, start + skip, start + keyLengthOf(this.words, record));
  }

  private claim(arena: MemtableArena, words: number): number {
    this.nodeWords += words;
    return arena.claimNode(words);
  }
}

/** How many bytes the prefixes of a node leave out. */
export function skipOf(words: Int32Array, node: number): number {
  const skip = words[node + skipAt] as number;
  return skip < 0 ? ~skip : skip;
}

/** An empty node without fences. */
function clearHeader(words: Int32Array, node: number): void {
  words[node + countAt] = 0;
  words[node + skipAt] = ~0;
  words[node + previousLeafAt] = 0;
  words[node + nextLeafAt] = 0;
}

/** Most words that the nodes of a tree of so many keys take: all but the last node of a level are half full. */
export function nodeWordsMax(keys: number): number {
  let nodes = Math.floor(keys / half) + 1;
  let words = nodes * leafWords;
  while (nodes > 1) {
    nodes = Math.floor(nodes / half) + 1;
    words += nodes * innerWords;
  }
  return words;
}

/**
 * Four bytes as a number that orders like them, but for their last bit, so that the difference of two is a
 * signed 32-bit number. Bytes behind the end count as 0. Equal prefixes decide nothing.
 */
export function prefixOf(bytes: Uint8Array, at: number, end: number): number {
  if (at + 4 <= end) {
    return (
      ((bytes[at] as number) << 23) |
      ((bytes[at + 1] as number) << 15) |
      ((bytes[at + 2] as number) << 7) |
      ((bytes[at + 3] as number) >>> 1)
    );
  }
  let word = 0;
  for (let shift = 23; at < end; at++, shift -= 8) word |= (bytes[at] as number) << shift;
  return word;
}

/** How many leading bytes two keys share. */
export function sharedKeyBytes(words: Int32Array, bytes: Uint8Array, one: number, other: number): number {
  const most = Math.min(keyLengthOf(words, one), keyLengthOf(words, other));
  const oneStart = keyStartOf(one);
  const otherStart = keyStartOf(other);
  let shared = 0;
  while (shared < most && bytes[oneStart + shared] === bytes[otherStart + shared]) shared++;
  return shared;
}
