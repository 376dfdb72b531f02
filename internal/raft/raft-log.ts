// What the core knows of its log: the term of every entry that is there, and the entries themselves from the last one that
// is committed and durable on. Older entries are with the driver.
//
//   index   base ..... closed ......... last         closed: the lesser of commit and persisted
//           |  terms of all, as runs    |
//                    |  entries (tail)  |            open entries, bounded: a leader refuses proposals above its limit
//
// Invariants: base <= commit <= last; persisted <= handed <= last; the tail holds all open entries.

import { assert } from "../base/assert.ts";
import { logIndex, term } from "../base/ids.ts";
import type { LogIndex, Term } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Entry, EntryRange } from "./types.ts";

/** Entries from `start` to the start of the next run are of `term`. */
export interface TermRun {
  readonly start: LogIndex;
  readonly term: Term;
}

/** A log as recovered. */
export interface LogStart {
  /** What lies before the first entry. */
  readonly base: { readonly index: LogIndex; readonly term: Term };
  /** Of all entries, by start ascending. */
  readonly runs: readonly TermRun[];
  readonly commit: LogIndex;
  /** Of the last committed entry. */
  readonly commitStamp: Stamp;
  /** All entries behind `commit`. */
  readonly tail: readonly Entry[];
}

export class RaftLog {
  private baseIndex: number;
  private baseTerm: Term;
  private runs: TermRun[];
  private tail: Entry[];
  /** Of the entry before tail[0]. */
  private tailBase: number;
  private commitIndex: number;
  private commitStamp: Stamp;
  private handedIndex: number;
  private persistedIndex: number;
  /** Least index that was truncated below what had been handed out, until it is told; 0: none. */
  private truncated = 0;
  private bytesOpen = 0;
  /** Of closed entries that the tail still holds. */
  private bytesSlack = 0;

  constructor(start: LogStart) {
    this.baseIndex = start.base.index;
    this.baseTerm = start.base.term;
    // Those of the tail come back with its entries.
    this.runs = start.runs.filter((run) => run.start <= start.commit);
    this.commitIndex = start.commit;
    this.commitStamp = start.commitStamp;
    this.tail = [];
    this.tailBase = start.commit;
    this.handedIndex = start.commit;
    this.persistedIndex = start.commit;
    for (const entry of start.tail) this.append(entry);
    // Nothing closes by that, for the tail is what is not committed.
    this.handedIndex = this.last;
    this.persistedIndex = this.last;
    this.checkInvariants();
  }

  get last(): LogIndex {
    return logIndex(this.tailBase + this.tail.length);
  }

  get lastTerm(): Term {
    return this.tail.at(-1)?.term ?? this.runs.at(-1)?.term ?? this.baseTerm;
  }

  get lastStamp(): Stamp {
    return this.tail.at(-1)?.stamp ?? this.commitStamp;
  }

  get base(): LogIndex {
    return logIndex(this.baseIndex);
  }

  get commit(): LogIndex {
    return logIndex(this.commitIndex);
  }

  /** Entries up to here were handed out to be persisted. */
  get handed(): LogIndex {
    return logIndex(this.handedIndex);
  }

  get persisted(): LogIndex {
    return logIndex(this.persistedIndex);
  }

  /** Entries that are not committed, or not durable here. */
  get openEntries(): number {
    return this.last - this.closedIndex;
  }

  get openBytes(): number {
    return this.bytesOpen;
  }

  /** Of an entry that is there, or of the base. */
  termOf(index: LogIndex): Term | undefined {
    if (index === this.baseIndex) return this.baseTerm;
    if (index < this.baseIndex || index > this.last) return undefined;
    return this.runs[this.runOf(index)]?.term;
  }

  /** Of the last committed entry, or one behind it. */
  stampOf(index: LogIndex): Stamp | undefined {
    return index === this.commitIndex ? this.commitStamp : this.tail[index - this.tailBase - 1]?.stamp;
  }

  agreesAt(index: LogIndex, entryTerm: Term): boolean {
    return this.termOf(index) === entryTerm;
  }

  /** Whether a log that ends so is at least as new as this one. */
  isUpToDate(lastIndex: LogIndex, lastTerm: Term): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.last);
  }

  /**
   * The last index, at most `index`, whose term is at most `atMost`: there this log may agree with another one. One
   * below the base: only there, if anywhere.
   */
  lastOfTermAtMost(index: LogIndex, atMost: Term): LogIndex {
    let at = Math.min(index, this.last);
    while (at > this.baseIndex) {
      const run = this.runs[this.runOf(at)] as TermRun; // above the base every index is in a run
      if (run.term <= atMost) return logIndex(at);
      at = run.start - 1;
    }
    if (index < this.baseIndex) return index;
    return logIndex(this.baseTerm <= atMost ? this.baseIndex : this.baseIndex - 1);
  }

  /** Entries from..to if the tail has them, as far as they fit; at least one. */
  fromTail({ from, to }: EntryRange, bytesMax: number): readonly Entry[] | undefined {
    if (from <= this.tailBase || from > this.last) return undefined;
    const first = from - this.tailBase - 1;
    let bytes = 0;
    let end = first;
    for (; end < to - this.tailBase; end++) {
      bytes += entryBytes(this.tail[end] as Entry);
      if (bytes > bytesMax && end > first) break;
    }
    return this.tail.slice(first, end);
  }

  append(entry: Entry): void {
    assert(entry.index === this.last + 1, "an entry that leaves a gap", { index: entry.index, last: this.last });
    assert(entry.term >= this.lastTerm, "an entry of an older term", { term: entry.term, last: this.lastTerm });
    assert(entry.stamp > this.lastStamp, "stamps that do not grow", { stamp: entry.stamp, last: this.lastStamp });
    if ((this.runs.at(-1)?.term ?? 0) !== entry.term) this.runs.push({ start: entry.index, term: entry.term });
    this.tail.push(entry);
    this.bytesOpen += entryBytes(entry);
  }

  /** Discards the entries from `index` on. */
  truncateFrom(index: LogIndex): void {
    assert(index > this.commitIndex, "a truncation of committed entries", { index, commit: this.commitIndex });
    assert(index <= this.last, "a truncation of nothing", { index, last: this.last });
    const gone = this.tail.splice(index - this.tailBase - 1);
    for (const entry of gone) this.bytesOpen -= entryBytes(entry);
    while (this.runs.length > 0 && (this.runs.at(-1) as TermRun).start >= index) this.runs.pop();
    if (index <= this.handedIndex) {
      this.truncated = this.truncated === 0 ? index : Math.min(this.truncated, index);
      this.handedIndex = index - 1;
      this.persistedIndex = Math.min(this.persistedIndex, index - 1);
    }
  }

  commitTo(index: LogIndex): void {
    if (index <= this.commitIndex) return;
    assert(index <= this.last, "a commit behind the end of the log", { index, last: this.last });
    this.commitStamp = (this.tail[index - this.tailBase - 1] as Entry).stamp;
    const before = this.closedIndex;
    this.commitIndex = index;
    this.close(before);
  }

  /** The entries that were not handed out yet; from now on they are. */
  handOut(): readonly Entry[] {
    if (this.handedIndex === this.last) return noEntries;
    const entries = this.tail.slice(this.handedIndex - this.tailBase);
    this.handedIndex = this.last;
    return entries;
  }

  /** Where handed-out entries were truncated since the last call, if they were. */
  takeTruncation(): LogIndex | undefined {
    const { truncated } = this;
    this.truncated = 0;
    return truncated === 0 ? undefined : logIndex(truncated);
  }

  /** Entries up to `index` were durable when the one there had `entryTerm`. */
  notePersisted(index: LogIndex, entryTerm: Term): void {
    if (index > this.persistedIndex && index <= this.handedIndex && this.termOf(index) === entryTerm) {
      const before = this.closedIndex;
      this.persistedIndex = index;
      this.close(before);
    }
  }

  /** The driver keeps no entry up to `index` any more. */
  compactTo(index: LogIndex): void {
    if (index <= this.baseIndex) return;
    assert(index <= this.commitIndex && index <= this.persistedIndex, "a compaction ahead of the log", {
      index,
      commit: this.commitIndex,
      persisted: this.persistedIndex,
    });
    this.baseTerm = this.termOf(index) ?? term(0);
    this.baseIndex = index;
    while (this.runs.length > 1 && (this.runs[1] as TermRun).start <= index + 1) this.runs.shift();
    if (index === this.last) this.runs = [];
  }

  /** A snapshot takes the place of everything. */
  restore(index: LogIndex, entryTerm: Term, stamp: Stamp): void {
    assert(index > this.commitIndex, "a snapshot over newer state", { index, commit: this.commitIndex });
    this.baseIndex = index;
    this.baseTerm = entryTerm;
    this.runs = [];
    this.tail = [];
    this.tailBase = index;
    this.bytesOpen = 0;
    this.bytesSlack = 0;
    this.commitIndex = index;
    this.commitStamp = stamp;
    this.handedIndex = index;
    this.persistedIndex = index;
    this.truncated = 0;
  }

  checkInvariants(): void {
    const { baseIndex, commitIndex, persistedIndex, handedIndex, last } = this;
    const values = { base: baseIndex, commit: commitIndex, persisted: persistedIndex, handed: handedIndex, last };
    assert(baseIndex <= commitIndex && commitIndex <= last, "a log out of order", values);
    assert(persistedIndex <= handedIndex && handedIndex <= last, "a log persisted ahead of itself", values);
    assert(this.tailBase <= this.closedIndex, "a tail that begins too late", values);
    assert(last === baseIndex || this.runOf(last) >= 0, "an entry without a term", values);
    const bytes = this.tail.slice(this.closedIndex - this.tailBase).reduce((sum, entry) => sum + entryBytes(entry), 0);
    assert(bytes === this.bytesOpen, "bytes of open entries", { counted: this.bytesOpen, bytes });
  }

  private get closedIndex(): number {
    return Math.min(this.commitIndex, this.persistedIndex);
  }

  /** More entries may be committed and durable than before: they count no more, and leave the tail now and then. */
  private close(before: number): void {
    const { closedIndex } = this;
    for (let at = before + 1; at <= closedIndex; at++) {
      const bytes = entryBytes(this.tail[at - this.tailBase - 1] as Entry);
      this.bytesOpen -= bytes;
      this.bytesSlack += bytes;
    }
    const dispensable = closedIndex - this.tailBase;
    if (2 * dispensable < this.tail.length && this.bytesSlack < tailSlackBytesMax) return;
    this.tail.splice(0, dispensable);
    this.tailBase += dispensable;
    this.bytesSlack = 0;
  }

  /** Which run holds `index`, or -1. */
  private runOf(index: number): number {
    let low = 0;
    let high = this.runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.runs[middle] as TermRun).start <= index) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

const noEntries: readonly Entry[] = [];

/** What an entry counts for in limits. */
export const entryBytes = ({ payload }: { readonly payload: Uint8Array }): number =>
  payload.length + entryOverheadBytes;

const entryOverheadBytes = 48;
/**
 * Closed entries that may stay in the tail, so that it is not moved for each of them: as many as are open, and no more
 * bytes than these.
 */
const tailSlackBytesMax = 1024 * 1024;
