// The writes that no table holds yet. A hash index answers point reads with one or two touches of memory; a
// tree keeps the distinct keys in order for cursors and for the flush. Both lie with the records in
// one arena, so that a write makes no garbage and a sealed memtable goes to the worker by reference.
//
// Sequences only grow from one add to the next. That makes the version that comes with a new key its
// oldest for ever, and every further one the newest: one ref is swung, the tree is not touched.
// What a memtable shows (slots, cursors) are views of the arena: they end with its `reset`.

import { assert } from "../../base/assert.ts";
import { hashBytesSigned } from "../../base/hash.ts";
import { sequence } from "../../base/ids.ts";
import type { Sequence } from "../../base/ids.ts";
import { engineKeyBytesMax } from "../../base/limits.ts";
import { isTombstone } from "../cell.ts";
import type { Cursor, EntrySlot, EntryView } from "../cursor.ts";
import type { LookupKey } from "../lookup-key.ts";
import { ArenaWriter } from "./arena-writer.ts";
import type { MemtableArena } from "./arena.ts";
import { KeyTree } from "./key-tree.ts";
import type { TreeRoots } from "./key-tree.ts";
import { MemtableCursor } from "./memtable-cursor.ts";
import {
  cellAt,
  cellLengthOf,
  cellStartOf,
  initKeyRecord,
  initVersion,
  keyAt,
  keyRecordWords,
  keyStartOf,
  newerAt,
  newestAt,
  nextInBucketAt,
  olderAt,
  recordWordsMax,
  sequenceOf,
  tagOf,
  tagOfRecord,
  versionWords,
} from "./record.ts";

/** A memtable that takes no more writes, as plain data that crosses to the worker without a copy. */
export interface SealedMemtable extends TreeRoots {
  readonly buffer: SharedArrayBuffer;
  readonly entries: number;
  readonly tombstones: number;
  /** Of keys and cells, once per distinct key and once per version. */
  readonly contentBytes: number;
  readonly sequenceLeast: Sequence;
  readonly sequenceGreatest: Sequence;
}

export class Memtable {
  readonly arena: MemtableArena;
  /** Versions of all keys, tombstones included. */
  entries = 0;
  tombstones = 0;
  /** Bytes of keys and cells, once per distinct key and once per version. */
  contentBytes = 0;
  /** 0 while there is no entry. */
  sequenceLeast: Sequence = sequence(0);
  sequenceGreatest: Sequence = sequence(0);
  isSealed = false;
  readonly tree: KeyTree;
  private readonly keyWriter: ArenaWriter;
  private readonly cellWriter: ArenaWriter;
  private readonly words: Int32Array;
  private readonly bytes: Uint8Array;
  private readonly bucketMask: number;
  private readonly generation: number;

  /** REQUIRES: a fresh arena, or one just reset. */
  constructor(arena: MemtableArena) {
    assert(!arena.taken, "an arena serves one memtable between resets");
    arena.taken = true;
    this.arena = arena;
    this.keyWriter = new ArenaWriter(arena);
    this.cellWriter = new ArenaWriter(arena);
    this.words = arena.words;
    this.bytes = arena.bytes;
    this.bucketMask = arena.bucketCount - 1;
    this.generation = arena.generation;
    this.tree = KeyTree.plant(arena);
  }

  /** Distinct keys: what a Bloom filter has to be sized for. */
  get keys(): number {
    return this.tree.keys;
  }

  /** Bytes of the arena that records and tree nodes take. */
  get bytesUsed(): number {
    return this.arena.bytesUsed;
  }

  /** Whether so many operations with so many bytes of keys and cells together surely fit. */
  roomFor(operations: number, bytes: number): boolean {
    const words = recordWordsMax(operations, bytes) + this.tree.wordsForMore(operations);
    return words * 4 <= this.arena.bytesFree;
  }

  /**
   * Copies an entry in. REQUIRES: room for it (roomFor), and a sequence above those of all entries
   * before it.
   */
  add(view: EntryView): void {
    const keyLength = view.keyEnd - view.keyStart;
    const cellLength = view.cellEnd - view.cellStart;
    if (this.arena.generation !== this.generation) this.refuse("a memtable outlived its arena's content");
    if (this.isSealed) this.refuse("a sealed memtable takes no entry");
    if (view.sequence <= this.sequenceGreatest) this.refuse("sequences only grow");
    if (keyLength > engineKeyBytesMax || keyLength < 0) this.refuse("length of a key");
    const hash = hashBytesSigned(view.keyBytes, view.keyStart, view.keyEnd);
    const record = this.recordOf(view.keyBytes, view.keyStart, keyLength, hash);
    const version = record === 0 ? this.addKey(view, hash) : this.addVersion(record, view);
    this.cellWriter.copy(version + cellAt, view.cellBytes, view.cellStart, view.cellEnd);
    if (isTombstone(view.cellBytes, view.cellStart)) this.tombstones++;
    if (this.entries === 0) this.sequenceLeast = sequence(view.sequence);
    this.sequenceGreatest = sequence(view.sequence);
    this.contentBytes += cellLength;
    this.entries++;
  }

  /** Fills `into` with the newest entry of a key whose sequence is at most `limit`; a tombstone counts. */
  find(key: LookupKey, limit: number, into: EntrySlot): boolean {
    if (this.arena.generation !== this.generation) this.refuse("a memtable outlived its arena's content");
    const words = this.words;
    const record = this.recordOf(key.bytes, 0, key.length, key.hash);
    if (record === 0) return false;
    let version = words[record + newestAt] as number;
    let found = sequenceOf(words, version);
    while (found > limit) {
      version = words[version + olderAt] as number;
      if (version === 0) return false;
      found = sequenceOf(words, version);
    }
    into.keyBytes = this.bytes;
    into.keyStart = keyStartOf(record);
    into.keyEnd = into.keyStart + key.length;
    into.cellBytes = this.bytes;
    into.cellStart = cellStartOf(version);
    into.cellEnd = into.cellStart + cellLengthOf(words, version);
    into.sequence = found;
    return true;
  }

  /** Stays correct while the memtable grows: it neither skips nor repeats what was there when it was positioned. */
  cursor(): Cursor {
    return new MemtableCursor(this.tree, this.arena);
  }

  /** Ends writing. May be asked again. */
  sealed(): SealedMemtable {
    this.isSealed = true;
    return {
      ...this.tree.roots(),
      buffer: this.arena.buffer,
      entries: this.entries,
      tombstones: this.tombstones,
      contentBytes: this.contentBytes,
      sequenceLeast: this.sequenceLeast,
      sequenceGreatest: this.sequenceGreatest,
    };
  }

  /** The record of key[start, start + length), or 0. */
  private recordOf(key: Uint8Array, start: number, length: number, hash: number): number {
    const { words, bytes } = this;
    const tag = tagOf(hash, length);
    let record = words[hash & this.bucketMask] as number;
    while (record !== 0) {
      if (tagOfRecord(words, record) === tag) {
        const from = keyStartOf(record);
        let at = 0;
        while (at < length && bytes[from + at] === key[start + at]) at++;
        if (at === length) return record;
      }
      record = words[record + nextInBucketAt] as number;
    }
    return 0;
  }

  /** Makes a record for a new key with its first version behind it, which it returns without the cell. */
  private addKey(view: EntryView, hash: number): number {
    const words = this.words;
    const keyLength = view.keyEnd - view.keyStart;
    const cellLength = view.cellEnd - view.cellStart;
    const keyWords = keyRecordWords(keyLength);
    const record = this.arena.claimRecord(keyWords + versionWords(cellLength));
    const version = record + keyWords;
    const bucket = hash & this.bucketMask;
    initKeyRecord(words, record, tagOf(hash, keyLength), words[bucket] as number);
    initVersion(words, version, view.sequence, cellLength);
    this.keyWriter.copy(record + keyAt, view.keyBytes, view.keyStart, view.keyEnd);
    words[record + newestAt] = version;
    words[bucket] = record;
    this.tree.insert(this.arena, record);
    this.contentBytes += keyLength;
    return version;
  }

  /** Makes a version that is the newest of its key, without the cell. */
  private addVersion(record: number, view: EntryView): number {
    const words = this.words;
    const cellLength = view.cellEnd - view.cellStart;
    const version = this.arena.claimRecord(versionWords(cellLength));
    const older = words[record + newestAt] as number;
    initVersion(words, version, view.sequence, cellLength);
    words[version + olderAt] = older;
    words[older + newerAt] = version;
    words[record + newestAt] = version;
    return version;
  }

  private refuse(reason: string): never {
    assert(false, reason, { sealed: this.isSealed, sequenceGreatest: this.sequenceGreatest });
  }
}
