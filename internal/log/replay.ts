// Applies the batches of a log, in order, to the state of its groups. Every batch has passed its checksum;
// what is checked here is that the records make sense one after the other. They must, since the log was
// written by the same rules: where they do not, bytes were changed by something that mends checksums, or
// the program was wrong, and in neither case may anything be guessed.

import { readU32, readU64 } from "../base/codec.ts";
import { corruption } from "../base/errors.ts";
import { groupId } from "../base/ids.ts";
import { AnchorTable, absent } from "./anchors.ts";
import { checkpointEndFlag, checkpointFlag } from "./format.ts";
import { GroupState } from "./group-state.ts";
import * as record from "./record.ts";
import { recordType } from "./record.ts";
import { decodeRunMark } from "./run-mark.ts";
import type { RunMark } from "./run-mark.ts";

/** Where a batch was read from. */
export interface ReplayBatch {
  readonly bytes: Uint8Array;
  /** The records are bytes[start, end). */
  readonly start: number;
  readonly end: number;
  /** Of the first record. */
  readonly position: number;
  readonly flags: number;
}

interface CarriedRun {
  readonly state: GroupState;
  readonly first: number;
  last: number;
  readonly anchors: AnchorTable;
}

export class Replay {
  readonly groups = new Map<number, GroupState>();
  /** What was said last. */
  run: RunMark | undefined;
  records = 0;
  entries = 0;

  /** For messages. */
  private path = "";
  private segmentStart = 0;
  /** The first segment's checkpoint is the ground of everything; later ones must agree with what was read. */
  private isGround = true;
  private carried: CarriedRun[] = [];
  private latest: GroupState | undefined;
  private batch: ReplayBatch = { bytes: new Uint8Array(0), start: 0, end: 0, position: 0, flags: 0 };

  beginSegment(path: string, start: number, isFirst: boolean): void {
    this.path = path;
    this.segmentStart = start;
    this.isGround = isFirst;
    this.carried = [];
  }

  apply(batch: ReplayBatch): void {
    this.batch = batch;
    const { bytes, end } = batch;
    for (let at = batch.start; at < end;) {
      const length = end - at < record.recordHeaderBytes ? 0 : readU32(bytes, at);
      if (length < record.recordHeaderBytes || length > end - at) throw this.bad(at, `a record of ${length} bytes`);
      this.records++;
      if (bytes[at + 8] === recordType.entry) this.entry(at, length);
      else this.other(at, length);
      at += length;
    }
    if ((batch.flags & checkpointEndFlag) !== 0) this.endCheckpoint();
  }

  private entry(at: number, length: number): void {
    const { bytes } = this.batch;
    if (length < record.entryHeaderBytes) throw this.bad(at, `an entry of ${length} bytes`);
    const group = readU32(bytes, at + 12);
    let state = this.latest;
    if (state === undefined || state.group !== group) state = this.stateOf(group);
    const index = readU64(bytes, at + 24);
    const term = readU64(bytes, at + 16);
    if (index !== state.lastIndex + 1) {
      throw this.bad(at, `entry ${index} of group ${group} follows entry ${state.lastIndex}`);
    }
    if (!Number.isSafeInteger(index) || !Number.isSafeInteger(term)) throw this.bad(at, "a number above 2^53");
    if (term < state.lastTerm) {
      throw this.bad(at, `entry ${index} of group ${group} has term ${term}, the one before it ${state.lastTerm}`);
    }
    this.entries++;
    state.noteEntry(index, term, this.positionOf(at), this.segmentStart);
  }

  private other(at: number, length: number): void {
    const { bytes } = this.batch;
    const type = record.typeOf(bytes, at) as record.RecordType;
    if (length < record.recordBytesMin(type)) throw this.bad(at, `a record of type ${type} with ${length} bytes`);
    const isInCheckpoint = (this.batch.flags & checkpointFlag) !== 0;
    switch (type) {
      case recordType.entry:
        return this.entry(at, length);
      case recordType.hardState:
        return this.hardState(at);
      case recordType.truncation:
        return this.truncation(at);
      case recordType.salvage:
        return this.salvage(at, length);
      case recordType.salvageDropped:
        return this.known(at).dropSalvage(this.number(at, 0), this.number(at, 1));
      case recordType.mark:
        return this.mark(at);
      case recordType.groupRemoved:
        this.groups.delete(record.groupOf(bytes, at));
        this.latest = undefined;
        return;
      case recordType.run:
        this.run = decodeRunMark(bytes, at, length, record.flagsOf(bytes, at));
        if (this.run === undefined) throw this.bad(at, `a word on the run of ${length} bytes`);
        return;
      case recordType.checkpoint:
        if (isInCheckpoint) return this.checkpoint(at);
        break;
      case recordType.groupState:
        if (isInCheckpoint) return this.groupState(at, length);
        break;
      case recordType.carried:
        if (isInCheckpoint) return this.carriedEntry(at, length);
        break;
      default:
        throw this.bad(at, `a record of the unknown type ${String(type)}`);
    }
    throw this.bad(at, `a record of type ${type} outside of a checkpoint`);
  }

  private hardState(at: number): void {
    const state = this.known(at);
    const [term, vote, commit] = [this.number(at, 0), this.number(at, 1), this.number(at, 2)];
    if (term < state.term) throw this.bad(at, `term ${term} of group ${state.group} after term ${state.term}`);
    if (commit > state.lastIndex)
      throw this.bad(at, `a commit index ${commit} behind the last entry ${state.lastIndex}`);
    state.noteHardState(term, vote, Math.max(state.commit, commit));
  }

  private truncation(at: number): void {
    const state = this.known(at);
    const from = this.number(at, 0);
    if (from <= state.baseIndex || from > state.lastIndex) {
      throw this.bad(at, `a truncation from ${from} of a log from ${state.firstIndex} to ${state.lastIndex}`);
    }
    state.truncateFrom(from);
  }

  private mark(at: number): void {
    const { bytes } = this.batch;
    const state = this.known(at);
    const index = this.number(at, 0);
    const dropsRest = (record.flagsOf(bytes, at) & record.dropsRestFlag) !== 0;
    if (index < state.baseIndex || (!dropsRest && index > state.lastIndex)) {
      throw this.bad(at, `a mark at ${index} of a log from ${state.firstIndex} to ${state.lastIndex}`);
    }
    const term = this.number(at, 1);
    if (!dropsRest && term !== state.termOf(index)) throw this.bad(at, `a mark at ${index} with term ${term}`);
    state.mark(index, term, dropsRest);
    state.baseStaged = index;
  }

  private salvage(at: number, length: number): void {
    const { bytes } = this.batch;
    const state = this.known(at);
    const kept = bytes.slice(at + record.nestedAt, at + length);
    record.checkEntry(kept, 0, kept.length, `${this.path}: salvage at offset ${this.offsetOf(at)}`);
    state.keepSalvage({ term: record.termOf(kept, 0), index: record.indexOf(kept, 0), bytes: kept });
  }

  private checkpoint(at: number): void {
    const groups = this.number(at, 0);
    if (this.isGround) return;
    const staged = [...this.groups.values()].filter((state) => state.isStaged).length;
    if (staged !== groups) throw this.bad(at, `a checkpoint of ${groups} groups, and the log before it has ${staged}`);
  }

  private groupState(at: number, length: number): void {
    const { bytes } = this.batch;
    const saved = record.decodeGroupState(bytes, at, length);
    if (saved === undefined) throw this.bad(at, "a group's state that contradicts itself");
    const state = this.stateOf(saved.group);
    if (this.isGround) {
      if (state.isStaged) throw this.bad(at, `group ${saved.group} twice in one checkpoint`);
      state.baseIndex = saved.baseIndex;
      state.baseTerm = saved.baseTerm;
      state.lastIndex = saved.lastIndex;
      for (const run of saved.runs) state.runs.push(run.index, run.term);
      if (saved.lastIndex > saved.baseIndex) state.anchors.push(saved.baseIndex + 1, absent);
    } else {
      const agrees = state.term === saved.term && state.vote === saved.vote && state.lastIndex === saved.lastIndex;
      const hasBase = saved.baseIndex >= state.baseIndex && state.termOf(saved.baseIndex) === saved.baseTerm;
      if (!agrees || !hasBase || state.lastTerm !== saved.lastTerm) {
        throw this.bad(at, `the checkpoint of group ${saved.group} disagrees with the log before it`);
      }
      state.mark(saved.baseIndex, saved.baseTerm, false);
    }
    state.baseStaged = saved.baseIndex;
    state.noteHardState(saved.term, saved.vote, Math.max(saved.commit, state.commit));
  }

  private carriedEntry(at: number, length: number): void {
    const { bytes } = this.batch;
    const inner = at + record.nestedAt;
    record.checkEntry(bytes, inner, at + length, `${this.path}: carried entry at offset ${this.offsetOf(at)}`);
    const state = this.known(inner);
    const index = record.indexOf(bytes, inner);
    if (index <= state.baseIndex || state.termOf(index) !== record.termOf(bytes, inner)) {
      throw this.bad(at, `a carried entry ${index} that is not in the log of group ${state.group}`);
    }
    let run = this.carried.at(-1);
    if (run === undefined || run.state !== state || run.last + 1 !== index) {
      run = { state, first: index, last: index, anchors: new AnchorTable() };
      this.carried.push(run);
    }
    run.last = index;
    run.anchors.note(index, this.positionOf(inner), this.segmentStart);
    this.entries++;
  }

  private endCheckpoint(): void {
    for (const run of this.carried) {
      if (!run.state.relocate(run.first, run.last, run.anchors)) {
        throw corruption(
          `${this.path}: the carried entries ${run.first} to ${run.last} of group ${run.state.group} do not join on to the others`,
        );
      }
    }
    this.carried = [];
  }

  /** The body's number `which` of the record at `at`. */
  private number(at: number, which: number): number {
    const value = record.numberOf(this.batch.bytes, which, at);
    if (!Number.isSafeInteger(value)) throw this.bad(at, "a number above 2^53");
    return value;
  }

  private known(at: number): GroupState {
    return this.stateOf(record.groupOf(this.batch.bytes, at));
  }

  private stateOf(group: number): GroupState {
    let state = this.groups.get(group);
    if (state === undefined) {
      state = new GroupState(groupId(group));
      this.groups.set(group, state);
    }
    this.latest = state;
    return state;
  }

  private positionOf(at: number): number {
    return this.batch.position + at - this.batch.start;
  }

  private offsetOf(at: number): number {
    return this.positionOf(at) - this.segmentStart;
  }

  private bad(at: number, what: string): Error {
    return corruption(`${this.path}: ${what} at offset ${this.offsetOf(at)}`);
  }
}
