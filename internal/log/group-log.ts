// The log of one group: what a Raft replica, or the small store, works with.
//
// Whatever changes the log is staged at once and answers with the number of the batch that will carry it;
// what is read back reflects it from then on. It is on the disk when Log.written or Log.durable has
// reached that number, and nothing may be promised to anybody before. Order is kept: what was staged
// first is durable first. So a new term goes in before the entries of that term, and the salvage of
// discarded entries before the entries that replace them.
//
// REQUIRES, for all that stages: Log.hasRoom, once per turn and group. (One turn's work may overshoot.)

import { assert } from "../base/assert.ts";
import { logIndex, term } from "../base/ids.ts";
import type { GroupId, LogIndex, Term } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import type { BatchNumber, BatchStager } from "./batch-stager.ts";
import { stageNested } from "./checkpoint.ts";
import { offsetOfAddress } from "./chunk-cache.ts";
import type { ChunkCache } from "./chunk-cache.ts";
import type { EntryReader } from "./entry-reader.ts";
import type { GroupState } from "./group-state.ts";
import type { LogCounters } from "./log-stats.ts";
import * as record from "./record.ts";
import { recordType } from "./record.ts";
import type { RecordSlot, RecordView } from "./record.ts";

export interface HardState {
  readonly term: Term;
  /** Id of the replica that has this one's vote in this term; 0: none. */
  readonly vote: number;
  readonly commit: LogIndex;
}

export interface NewEntry {
  readonly term: Term;
  readonly index: LogIndex;
  readonly stamp: Stamp;
  readonly flags: number;
  readonly kind: number;
}

export interface KeptEntry {
  readonly term: Term;
  readonly index: LogIndex;
  /** The entry's whole record. */
  readonly bytes: Uint8Array;
}

export interface TermRun {
  /** The index of the first entry there is of the run. */
  readonly start: LogIndex;
  readonly term: Term;
}

export type EntriesRead =
  /** At least one entry, from the first that was asked for on. */
  | { readonly kind: "entries"; readonly entries: readonly RecordView[] }
  /** What was asked for is not in the log any more: it begins at firstIndex. */
  | { readonly kind: "compacted"; readonly firstIndex: LogIndex }
  /** The log ends before what was asked for, or was truncated while it was read. */
  | { readonly kind: "beyond"; readonly lastIndex: LogIndex };

export interface Pin {
  release(): void;
}

export interface GroupLogParts {
  readonly state: GroupState;
  readonly stager: BatchStager;
  readonly cache: ChunkCache;
  readonly reader: EntryReader;
  readonly counters: LogCounters;
  /** Throws when nothing may be staged. */
  readonly beforeStaging: (state: GroupState) => void;
  /** Something was staged. */
  readonly afterStaging: () => void;
  /** Entries may have become dispensable. */
  readonly onSettled: () => void;
}

export class GroupLog {
  private readonly parts: GroupLogParts;
  private readonly state: GroupState;

  constructor(parts: GroupLogParts) {
    this.parts = parts;
    this.state = parts.state;
  }

  get group(): GroupId {
    return this.state.group;
  }

  get hardState(): HardState {
    return { term: term(this.state.term), vote: this.state.vote, commit: logIndex(this.state.commit) };
  }

  /** The index of the first entry; lastIndex + 1 when there is none. */
  get firstIndex(): LogIndex {
    return logIndex(this.state.firstIndex);
  }

  /** The index of the last entry; of the base when there is none. */
  get lastIndex(): LogIndex {
    return logIndex(this.state.lastIndex);
  }

  get lastTerm(): Term {
    return term(this.state.lastTerm);
  }

  /** What lies before the first entry: compacted, or in a snapshot. Its term is known. */
  get base(): { readonly index: LogIndex; readonly term: Term } {
    return { index: logIndex(this.state.baseIndex), term: term(this.state.baseTerm) };
  }

  get flushedIndex(): LogIndex {
    return logIndex(this.state.flushed);
  }

  /** Entries that were discarded and have no fate yet, oldest first. */
  get salvage(): readonly KeptEntry[] {
    return Array.from(this.state.salvage.values(), (kept) => {
      return { ...kept, term: term(kept.term), index: logIndex(kept.index) };
    });
  }

  isKept(entryTerm: Term, index: LogIndex): boolean {
    return this.state.salvage.has(`${entryTerm}.${index}`);
  }

  /** Memory and log that `salvage` takes. Nothing here bounds it: see README.md. */
  get salvageBytes(): number {
    return this.state.salvageBytes;
  }

  /** The terms of the entries from firstIndex to lastIndex, ascending; a run ends where the next one starts. */
  get termRuns(): readonly TermRun[] {
    const { runs, firstIndex } = this.state;
    return Array.from({ length: runs.count }, (_, slot) => {
      return { start: logIndex(Math.max(runs.indexAt(slot), firstIndex)), term: term(runs.termAt(slot)) };
    });
  }

  /** Of an entry that is there, or of the base. */
  termOf(index: LogIndex): Term | undefined {
    const known = this.state.termOf(index);
    return known === undefined ? undefined : term(known);
  }

  /** Stages term and vote, which are synced whatever the mode. The same again is not written again. */
  setHardState(hardState: HardState): BatchNumber {
    const { state } = this;
    const { term: newTerm, vote } = hardState;
    assert(newTerm >= state.term, "a term that falls", { term: newTerm, before: state.term });
    const isSecondVote = newTerm === state.term && state.vote !== 0 && vote !== state.vote;
    assert(!isSecondVote, "a second vote in one term", { term: newTerm, vote, before: state.vote });
    this.noteCommit(hardState.commit);
    if (newTerm === state.term && vote === state.vote) return this.parts.stager.number;
    this.parts.beforeStaging(this.state);
    this.stageHardState(newTerm, vote);
    this.parts.stager.demandSync();
    this.parts.afterStaging();
    return this.parts.stager.number;
  }

  /** Remembers how far the log is committed. Written along with whatever is written next; never alone. */
  noteCommit(commit: LogIndex): void {
    assert(commit <= this.state.lastIndex, "a commit index behind the log", { commit, last: this.state.lastIndex });
    if (commit > this.state.commit) this.state.commit = commit;
  }

  /**
   * Stages an entry. An index that is taken is a conflict: the entries from there on are truncated first.
   * The payload is payload[start, end).
   */
  append(entry: NewEntry, payload: Uint8Array, start = 0, end = payload.length): BatchNumber {
    this.parts.beforeStaging(this.state);
    const { state } = this;
    const { stager } = this.parts;
    this.beginEntry(entry.index, entry.term, record.entryHeaderBytes + end - start);
    const fields = {
      group: state.group,
      term: entry.term,
      index: entry.index,
      stamp: entry.stamp,
      flags: entry.flags,
      kind: entry.kind,
    };
    record.encodeEntry(stager.bytes, stager.at, fields, payload, start, end);
    return this.endEntry(entry.index, entry.term);
  }

  /** As append, of an entry's record as another replica encoded it; bytes[start, end) was checked by checkEntry. */
  appendRecord(bytes: Uint8Array, start: number, end: number): BatchNumber {
    this.parts.beforeStaging(this.state);
    const { stager } = this.parts;
    const index = record.indexOf(bytes, start);
    const entryTerm = record.termOf(bytes, start);
    assert(record.groupOf(bytes, start) === this.state.group, "an entry of another group", { group: this.state.group });
    this.beginEntry(index, entryTerm, end - start);
    stager.bytes.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), stager.at);
    return this.endEntry(index, entryTerm);
  }

  /** Stages that the entries from `index` on are gone. Synced whatever the mode. */
  truncateFrom(index: LogIndex): BatchNumber {
    this.parts.beforeStaging(this.state);
    const { state } = this;
    const { stager } = this.parts;
    assert(index > state.commit && index > state.flushed, "a truncation of committed entries", {
      group: state.group,
      index,
      commit: state.commit,
      flushed: state.flushed,
    });
    this.stageNumbers(recordType.truncation, record.truncationBytes, [index]);
    stager.demandSync();
    state.truncateFrom(index);
    this.parts.counters.truncations++;
    this.parts.afterStaging();
    return stager.number;
  }

  /** Keeps an entry (its whole record, which is copied) that is about to be discarded. Stage it before what discards it. */
  keepSalvage(bytes: Uint8Array, start = 0, end = bytes.length): BatchNumber {
    this.parts.beforeStaging(this.state);
    const { state } = this;
    const { stager } = this.parts;
    const kept = bytes.slice(start, end);
    stageNested(stager, kept, recordType.salvage, state.group);
    stager.demandSync();
    state.keepSalvage({ term: record.termOf(kept, 0), index: record.indexOf(kept, 0), bytes: kept });
    this.parts.afterStaging();
    return stager.number;
  }

  /** The salvaged entry has its fate: it is kept no longer. */
  dropSalvage(entryTerm: Term, index: LogIndex): BatchNumber {
    this.parts.beforeStaging(this.state);
    this.stageNumbers(recordType.salvageDropped, record.salvageDroppedBytes, [entryTerm, index]);
    this.state.dropSalvage(entryTerm, index);
    this.parts.afterStaging();
    return this.parts.stager.number;
  }

  /**
   * Stages that a snapshot which covers everything up to `index`, of `snapshotTerm`, was installed. Entries
   * behind it stay when the log agrees with it there, otherwise they go. Synced whatever the mode.
   */
  installSnapshot(index: LogIndex, snapshotTerm: Term): BatchNumber {
    this.parts.beforeStaging(this.state);
    const { state } = this;
    assert(index > 0 && index >= state.commit, "a snapshot over newer state", { index, commit: state.commit });
    this.stageMark(index, snapshotTerm, state.termOf(index) !== snapshotTerm, true);
    this.parts.stager.demandSync();
    state.commit = Math.max(state.commit, index);
    state.flushed = Math.max(state.flushed, index);
    this.parts.afterStaging();
    this.parts.onSettled();
    return this.parts.stager.number;
  }

  /** The engine has entries up to `index` durably; so they are committed. */
  flushed(index: LogIndex): void {
    const { state } = this;
    if (index <= state.flushed) return;
    assert(index <= state.lastIndex, "a flush of what is not in the log", { index, last: state.lastIndex });
    state.flushed = index;
    state.commit = Math.max(state.commit, index);
    this.parts.onSettled();
  }

  /** No follower needs entries up to `index`. They go when they are flushed and not pinned. */
  compact(index: LogIndex): void {
    if (index <= this.state.compactable) return;
    const before = this.state.firstPosition();
    this.state.compactable = index;
    this.state.settleBase();
    // Only now and then can that have freed a segment.
    if (this.state.firstPosition() !== before) this.parts.onSettled();
  }

  /** Keeps the entries above `index`, whatever else is said, until it is released. */
  pin(index: LogIndex): Pin {
    const { pins } = this.state;
    pins.push(index);
    let isHeld = true;
    return {
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        pins.splice(pins.indexOf(index), 1);
        this.parts.onSettled();
      },
    };
  }

  /** Fills `slot` with an entry's record if it is in memory; the bytes are good until something is staged. */
  find(index: LogIndex, slot: RecordSlot): boolean {
    const { state } = this;
    const { cache, counters } = this.parts;
    if (index > state.lastIndex || index <= state.baseIndex) return false;
    const address = state.tail.find(index, cache.oldest);
    if (address < 0) return false;
    const { bytes } = cache.chunkOf(address);
    slot.bytes = bytes;
    slot.start = offsetOfAddress(address);
    slot.end = slot.start + record.recordLengthAt(bytes, slot.start);
    counters.cacheHits++;
    return true;
  }

  /** The entries from..to as far as they are in memory, without a gap, and fit `bytesMax`; at least one, or undefined. */
  readNow(from: LogIndex, to: LogIndex, bytesMax: number): RecordView[] | undefined {
    const entries: RecordView[] = [];
    let taken = 0;
    for (let index: number = from; index <= to; index++) {
      const slot: RecordSlot = { bytes: nothing, start: 0, end: 0 };
      if (!this.find(logIndex(index), slot)) break;
      taken += slot.end - slot.start;
      if (taken > bytesMax && entries.length > 0) break;
      entries.push(slot);
    }
    return entries.length === 0 ? undefined : entries;
  }

  /**
   * Some of the entries from..to, at least the first, up to about `bytesMax`; ask again for the rest. Their
   * bytes belong to the caller.
   */
  async read(from: LogIndex, to: LogIndex, bytesMax: number): Promise<EntriesRead> {
    const { state } = this;
    const outside = this.outside(from);
    if (outside !== undefined) return outside;
    const present = this.readNow(from, to, bytesMax);
    if (present !== undefined) return { kind: "entries", entries: present.map(record.copyOfRecord) };
    // What has left memory is on the disk; what has not may not be there yet.
    state.tail.trim(this.parts.cache.oldest);
    const last = Math.min(to, state.tail.size > 0 ? state.tail.firstIndex - 1 : state.lastIndex);
    const entries = await this.parts.reader.read(state, from, last, bytesMax);
    this.parts.counters.cacheMisses += entries.length;
    // The log may have changed meanwhile: what was truncated is not returned as if it were there.
    const kept = entries.findIndex((view) => {
      return state.termOf(record.indexOf(view.bytes, view.start)) !== record.termOf(view.bytes, view.start);
    });
    if (kept < 0 && entries.length > 0) return { kind: "entries", entries };
    if (kept > 0) return { kind: "entries", entries: entries.slice(0, kept) };
    return this.outside(from) ?? { kind: "beyond", lastIndex: this.lastIndex };
  }

  private outside(index: LogIndex): EntriesRead | undefined {
    if (index <= this.state.baseIndex) return { kind: "compacted", firstIndex: this.firstIndex };
    if (index > this.state.lastIndex) return { kind: "beyond", lastIndex: this.lastIndex };
    return undefined;
  }

  private beginEntry(index: number, entryTerm: number, length: number): void {
    const { state } = this;
    const { stager } = this.parts;
    assert(length <= record.entryBytesMax, "an entry above the limit", { length });
    if (index <= state.lastIndex) this.truncateFrom(logIndex(index));
    assert(index === state.lastIndex + 1, "an entry that leaves a gap", { index, last: state.lastIndex });
    assert(entryTerm >= state.lastTerm, "an entry of an older term", { term: entryTerm, before: state.lastTerm });
    if (state.commitStaged < state.commit) this.stageHardState(state.term, state.vote);
    stager.claim(length);
  }

  private endEntry(index: number, entryTerm: number): BatchNumber {
    const { state } = this;
    const { stager, cache, counters } = this.parts;
    state.noteEntry(index, entryTerm, stager.position, stager.segment.start);
    state.tail.push(index, stager.address, cache.oldest);
    counters.entries++;
    this.parts.afterStaging();
    return stager.number;
  }

  private stageHardState(newTerm: number, vote: number): void {
    const { commit } = this.state;
    this.stageNumbers(recordType.hardState, record.hardStateBytes, [newTerm, vote, commit]);
    this.state.noteHardState(newTerm, vote, commit);
  }

  stageMark(index: number, markTerm: number, dropsRest: boolean, isSnapshot: boolean): void {
    const { state } = this;
    const flags = (isSnapshot ? record.snapshotFlag : 0) | (dropsRest ? record.dropsRestFlag : 0);
    this.stageNumbers(recordType.mark, record.markBytes, [index, markTerm], flags);
    state.mark(index, markTerm, dropsRest);
    state.baseStaged = index;
  }

  private stageNumbers(type: record.RecordType, length: number, numbers: readonly number[], flags = 0): void {
    const { stager } = this.parts;
    stager.claim(length);
    numbers.forEach((value, which) => record.writeNumber(stager.bytes, stager.at, which, value));
    record.sealRecord(stager.bytes, stager.at, length, { type, group: this.state.group, flags });
  }
}

const nothing = new Uint8Array(0);
