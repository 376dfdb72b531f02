// What the log knows of one group, in the order of the log: staging a record and replaying it at
// recovery change this state through the same methods, so that both come to the same.
//
//      gone          on disk, perhaps in memory
//   1 ..... base | base+1 ............. lastIndex
//                  ^ firstIndex
//
// base is the greatest of what was compacted and what an installed snapshot covers. Entries up to
// min(compactable, flushed, pins) are needed by nobody and base follows it at once, in memory; on disk it
// is written when a purge depends on it, and in every checkpoint.

import { assert } from "../base/assert.ts";
import type { GroupId } from "../base/ids.ts";
import { AnchorTable, absent } from "./anchors.ts";
import { TailIndex } from "./tail-index.ts";
import { TermRuns } from "./term-runs.ts";

export interface SalvageRecord {
  readonly term: number;
  readonly index: number;
  /** The whole entry record; never changed. */
  readonly bytes: Uint8Array;
}

export interface IndexRange {
  readonly first: number;
  last: number;
}

export class GroupState {
  readonly group: GroupId;
  /** The hard state. */
  term = 0;
  vote = 0;
  commit = 0;
  baseIndex = 0;
  baseTerm = 0;
  lastIndex = 0;
  readonly runs = new TermRuns();
  readonly anchors = new AnchorTable();
  readonly tail = new TailIndex();
  /** By term and index, oldest first. */
  readonly salvage = new Map<string, SalvageRecord>();
  /** Of the records in `salvage`. */
  salvageBytes = 0;

  /** The commit index that the log has, which follows `commit` at leisure. */
  commitStaged = 0;
  /** The base that the log has. */
  baseStaged = 0;
  /** Whether the group has left anything in the log: a fresh one has not. */
  isStaged = false;
  isRemoved = false;

  /** Entries up to here are durable in the engine. */
  flushed = 0;
  /** Entries up to here are needed by no follower. */
  compactable = 0;
  /** Entries above each of these stay. */
  readonly pins: number[] = [];

  constructor(group: GroupId) {
    this.group = group;
  }

  get firstIndex(): number {
    return this.baseIndex + 1;
  }

  get lastTerm(): number {
    return this.lastIndex === this.baseIndex ? this.baseTerm : this.runs.of(this.lastIndex);
  }

  get leastPin(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const pin of this.pins) least = Math.min(least, pin);
    return least;
  }

  /** The term of an entry that is there, or of the base; undefined otherwise. */
  termOf(index: number): number | undefined {
    if (index === this.baseIndex) return this.baseTerm;
    if (index < this.baseIndex || index > this.lastIndex) return undefined;
    return this.runs.of(index);
  }

  noteEntry(index: number, term: number, position: number, segmentStart: number): void {
    this.runs.push(index, term);
    this.anchors.note(index, position, segmentStart);
    this.lastIndex = index;
    this.isStaged = true;
  }

  noteHardState(term: number, vote: number, commit: number): void {
    this.term = term;
    this.vote = vote;
    this.commit = commit;
    this.commitStaged = commit;
    this.isStaged = true;
  }

  truncateFrom(index: number): void {
    assert(index > this.baseIndex && index <= this.lastIndex, "a truncation outside of the log", {
      index,
      base: this.baseIndex,
      last: this.lastIndex,
    });
    this.runs.truncateFrom(index);
    this.anchors.truncateFrom(index);
    this.tail.truncateFrom(index);
    this.lastIndex = index - 1;
    if (this.lastIndex === this.baseIndex) {
      this.runs.clear();
      this.anchors.clear();
    }
  }

  /** Entries up to `index`, which had `term`, are gone; those behind it too, if the log now begins anew. */
  mark(index: number, term: number, dropsRest: boolean): void {
    assert(index >= this.baseIndex && (dropsRest || index <= this.lastIndex), "a mark outside of the log", {
      index,
      base: this.baseIndex,
      last: this.lastIndex,
    });
    this.baseIndex = index;
    this.baseTerm = term;
    this.commit = Math.max(this.commit, index);
    if (dropsRest || index === this.lastIndex) {
      this.lastIndex = index;
      this.runs.clear();
      this.anchors.clear();
      this.tail.clear();
    } else {
      this.runs.dropUpTo(index);
      this.anchors.dropUpTo(index);
    }
    this.isStaged = true;
  }

  /** Lets base follow what nobody needs any more. */
  settleBase(): void {
    const index = Math.min(this.compactable, this.flushed, this.leastPin, this.lastIndex);
    if (index > this.baseIndex) this.mark(index, this.runs.of(index), false);
  }

  keepSalvage(record: SalvageRecord): void {
    this.dropSalvage(record.term, record.index);
    this.salvage.set(`${record.term}.${record.index}`, record);
    this.salvageBytes += record.bytes.length;
    this.isStaged = true;
  }

  dropSalvage(term: number, index: number): void {
    const key = `${term}.${index}`;
    this.salvageBytes -= this.salvage.get(key)?.bytes.length ?? 0;
    this.salvage.delete(key);
  }

  /** The entries first..last were copied to where `moved` says. False: they do not join on to the others. */
  relocate(first: number, last: number, moved: AnchorTable): boolean {
    assert(first > this.baseIndex && last <= this.lastIndex, "carried entries outside of the log", { first, last });
    return this.anchors.replace(first, last, moved, this.lastIndex);
  }

  /** The first entry above base that has not turned up in the log, or undefined. */
  firstAbsent(): number | undefined {
    if (this.lastIndex === this.baseIndex) return undefined;
    let slot = this.anchors.slotOf(this.firstIndex);
    if (slot < 0) return this.firstIndex;
    for (; slot < this.anchors.count; slot++) {
      if (this.anchors.positionAt(slot) === absent) return Math.max(this.firstIndex, this.anchors.indexAt(slot));
    }
    return undefined;
  }

  /** The entries above base that lie from one position on before another, as ranges of neighbours, ascending. */
  rangesBetween(from: number, to: number): IndexRange[] {
    const ranges: IndexRange[] = [];
    const { isOrdered } = this.anchors;
    for (let slot = 0; slot < this.anchors.count; slot++) {
      const position = this.anchors.positionAt(slot);
      if (isOrdered && position >= to) break;
      if (position < from || position >= to) continue;
      const first = Math.max(this.firstIndex, this.anchors.indexAt(slot));
      const last = slot + 1 < this.anchors.count ? this.anchors.indexAt(slot + 1) - 1 : this.lastIndex;
      if (last < first) continue;
      const before = ranges.at(-1);
      if (before !== undefined && before.last + 1 === first) before.last = last;
      else ranges.push({ first, last });
    }
    return ranges;
  }

  /** The position of the anchor of the first entry; undefined when there is none. */
  firstPosition(): number | undefined {
    return this.anchors.count === 0 ? undefined : this.anchors.positionAt(0);
  }

  /** About where the oldest entry that is not flushed lies, or undefined when there is none. */
  unflushedPosition(): number | undefined {
    const first = Math.max(this.flushed, this.baseIndex) + 1;
    if (first > this.lastIndex) return undefined;
    const { anchors } = this;
    const start = Math.max(0, anchors.slotOf(first));
    let least = anchors.positionAt(start);
    for (let slot = start + 1; !anchors.isOrdered && slot < anchors.count; slot++) {
      least = Math.min(least, anchors.positionAt(slot));
    }
    return least;
  }

  checkInvariants(): void {
    const { baseIndex, lastIndex, runs, anchors } = this;
    assert(baseIndex <= lastIndex, "base behind the last entry", { baseIndex, lastIndex });
    let salvageBytes = 0;
    for (const kept of this.salvage.values()) salvageBytes += kept.bytes.length;
    assert(salvageBytes === this.salvageBytes, "salvage of another size", { salvageBytes, counted: this.salvageBytes });
    if (baseIndex === lastIndex) return;
    assert(runs.count > 0 && runs.indexAt(0) <= baseIndex + 1, "no term for the first entry", { baseIndex });
    assert(anchors.count > 0 && anchors.indexAt(0) <= baseIndex + 1, "no place for the first entry", { baseIndex });
    assert(anchors.indexAt(anchors.count - 1) <= lastIndex, "a place for no entry", { lastIndex });
    assert(runs.indexAt(runs.count - 1) <= lastIndex, "a term for no entry", { lastIndex });
  }
}
