// What users of the engine walk over: of every key the one version that is visible at a sequence, with
// tombstones hidden unless they are asked for, and expired records too when a time to judge by is given. It
// holds the memtables and tables that it reads until it is closed, so writes, flushes and compactions go on
// beneath it.
//
//   merge:    b@9  b@7  b@4  c@8(tombstone)  c@2  d@5
//   at 8:           b@7                            d@5
//
// A walk is in one place: while a wait of it is pending it refuses everything but to be closed. One step passes
// over a bounded number of entries, however many are hidden between two records.

import { assert } from "../base/assert.ts";
import { compareRanges } from "../base/bytes.ts";
import { incarnationBytes } from "../base/limits.ts";
import { isExpired } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Scheduler } from "../platform/clock.ts";
import { expiryOfCell, isTombstone } from "./cell.ts";
import { emptySlot } from "./cursor.ts";
import type { EntrySlot, EntryView } from "./cursor.ts";
import type { MergingCursor } from "./merging-cursor.ts";

/** "load": to find the next record takes the disk, or another turn; call `load`, then `next` again. */
export type Step = "record" | "end" | "load";

export interface IterationBounds {
  /** Engine keys: the first is included, the second is not. */
  readonly lower: Uint8Array;
  readonly upper: Uint8Array;
  readonly backward: boolean;
  /** The newest sequence to see. */
  readonly limit: number;
  /** Records that have expired at this time are hidden; left out, none are. */
  readonly now: Stamp | undefined;
  /** Tombstones are shown like records. */
  readonly tombstones: boolean;
}

export interface IteratorWorld {
  readonly scheduler: Pick<Scheduler, "afterTurn">;
  /** Puts a failure of the disk into words for callers. */
  told(failure: unknown): unknown;
  onClose(): void;
}

/** What a walk stands on that is on no record: its key is empty. */
const noEntry: EntryView = emptySlot();

/** So many entries one step passes over at most; that takes a millisecond or two. */
const passedMax = 2048;

export class RecordIterator {
  private readonly merge: MergingCursor;
  private readonly bounds: IterationBounds;
  private readonly world: IteratorWorld;
  private started = false;
  private state: "free" | "waiting" | "failed" | "closed" = "free";
  /** Why it is "failed". */
  private failure: unknown;
  /** The merge still stands on what was answered or decided last. */
  private spent = false;
  /** The key that has been decided; further versions of it are passed over. */
  private readonly decided = new KeyCopy();
  private readonly candidate = new EntryCopy();
  private current: EntryView = noEntry;

  constructor(merge: MergingCursor, bounds: IterationBounds, world: IteratorWorld) {
    this.merge = merge;
    this.bounds = bounds;
    this.world = world;
  }

  /**
   * Moves on. After "record", the entry and what is made of it hold until the next call. After a failure, which
   * it throws again, only a seek helps.
   */
  next(): Step {
    if (this.state !== "free") this.refuse();
    return this.move();
  }

  /** Waits for what `next` lacked. REQUIRES: no other wait is pending. */
  async load(): Promise<void> {
    if (this.state !== "free") this.refuse();
    this.state = "waiting";
    await this.wait();
    this.endWait();
  }

  /** next(), with any waiting done. REQUIRES: no other wait is pending. */
  async nextLoaded(): Promise<boolean> {
    let step = this.next();
    if (step !== "load") return step === "record";
    this.state = "waiting";
    do {
      await this.wait();
      this.checkOpen();
      step = this.move();
    } while (step === "load");
    this.endWait();
    return step === "record";
  }

  /**
   * The next step goes to the first record at or above this engine key; backward, to the last one at
   * or below it. Keys outside of the bounds count as the bound. REQUIRES: no wait is pending.
   */
  seek(key: Uint8Array): void {
    if (this.state === "failed") this.state = "free";
    if (this.state !== "free") this.refuse();
    this.start(key);
  }

  /** "failed": the next step throws the failure. */
  get use(): "free" | "waiting" | "failed" | "closed" {
    return this.state;
  }

  /** The present entry: the engine key, and the cell, in memory that others own. On no record, its key is empty. */
  get entry(): EntryView {
    return this.current;
  }

  /** A copy of the user's key. */
  key(): Uint8Array {
    const { keyBytes, keyStart, keyEnd } = this.current;
    return keyBytes.slice(keyStart + incarnationBytes, keyEnd);
  }

  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.current = noEntry;
    this.merge.close();
    this.world.onClose();
  }

  private checkOpen(): void {
    assert(this.state !== "closed", "an iterator was used after it was closed");
  }

  private refuse(): never {
    if (this.state === "failed") throw this.failure;
    this.checkOpen();
    assert(false, "an iterator was used while a load, or a next, of it was pending: await that first");
  }

  private move(): Step {
    this.current = noEntry;
    try {
      if (!this.started) this.start(undefined);
      if (this.merge.needsLoad) return "load";
      return this.bounds.backward ? this.stepBackward() : this.stepForward();
    } catch (failure) {
      throw this.failed(failure);
    }
  }

  private async wait(): Promise<void> {
    if (!this.merge.needsLoad) return new Promise((resolve) => this.world.scheduler.afterTurn(resolve));
    try {
      await this.merge.load();
    } catch (failure) {
      throw this.failed(failure);
    }
  }

  private endWait(): void {
    if (this.state === "waiting") this.state = "free";
  }

  /** What the caller is told. */
  private failed(failure: unknown): unknown {
    const told = this.world.told(failure);
    if (this.state !== "closed") {
      this.state = "failed";
      this.failure = told;
    }
    return told;
  }

  private start(key: Uint8Array | undefined): void {
    const { lower, upper, backward } = this.bounds;
    this.started = true;
    this.current = noEntry;
    this.spent = false;
    this.decided.clear();
    this.candidate.clear();
    if (!backward) {
      const from = key !== undefined && compare(key, lower) > 0 ? key : lower;
      this.merge.seek(from, from.length);
    } else if (key === undefined || compare(key, upper) >= 0) {
      this.merge.seek(upper, upper.length);
    } else {
      const behind = new Uint8Array(key.length + 1);
      behind.set(key);
      this.merge.seek(behind, behind.length);
    }
  }

  private stepForward(): Step {
    const { merge, bounds } = this;
    for (let passed = 0; passed < passedMax; passed++) {
      if (this.spent) {
        this.spent = false;
        merge.advance();
        if (merge.needsLoad) return "load";
      }
      const entry = merge.entry;
      if (entry === undefined || !isBelow(entry, bounds.upper)) return "end";
      this.spent = true;
      if (entry.sequence > bounds.limit || this.decided.is(entry)) continue;
      this.decided.set(entry);
      if (this.hides(entry)) continue;
      this.current = entry;
      return "record";
    }
    return "load";
  }

  /** Versions of a key come oldest first: the last visible one before the key changes is the answer. */
  private stepBackward(): Step {
    const { merge, bounds, candidate } = this;
    for (let passed = 0; passed < passedMax; passed++) {
      if (this.spent) {
        this.spent = false;
        merge.advance();
        if (merge.needsLoad) return "load";
      }
      const entry = merge.entry;
      const within = entry !== undefined && !isBelow(entry, bounds.lower);
      if (candidate.present && (!within || !candidate.hasKeyOf(entry))) {
        candidate.present = false;
        if (!this.hides(candidate.view)) {
          this.current = candidate.view;
          return "record";
        }
      }
      if (!within) return "end";
      if (entry.sequence <= bounds.limit) candidate.set(entry);
      this.spent = true;
    }
    return "load";
  }

  private hides(entry: EntryView): boolean {
    const { now, tombstones } = this.bounds;
    if (isTombstone(entry.cellBytes, entry.cellStart)) return !tombstones;
    return now !== undefined && isExpired(expiryOfCell(entry.cellBytes, entry.cellStart), now);
  }
}

function compare(a: Uint8Array, b: Uint8Array): number {
  return compareRanges(a, 0, a.length, b, 0, b.length);
}

function isBelow(entry: EntryView, bound: Uint8Array): boolean {
  return compareRanges(entry.keyBytes, entry.keyStart, entry.keyEnd, bound, 0, bound.length) < 0;
}

/** A copy of one key, compared far more often than it is made. */
class KeyCopy {
  private bytes = new Uint8Array(64);
  private length = -1;

  clear(): void {
    this.length = -1;
  }

  set(entry: EntryView): void {
    const length = entry.keyEnd - entry.keyStart;
    if (length > this.bytes.length) this.bytes = new Uint8Array(length * 2);
    const { bytes } = this;
    const { keyBytes, keyStart } = entry;
    for (let at = 0; at < length; at++) bytes[at] = keyBytes[keyStart + at] as number;
    this.length = length;
  }

  /** The last bytes differ most often, so they are compared first. */
  is(entry: EntryView): boolean {
    if (entry.keyEnd - entry.keyStart !== this.length) return false;
    const { bytes } = this;
    const { keyBytes, keyStart } = entry;
    for (let at = this.length - 1; at >= 0; at--) if (bytes[at] !== keyBytes[keyStart + at]) return false;
    return true;
  }
}

/** A copy of one entry, which the merge may move away from. */
class EntryCopy {
  readonly view: EntrySlot = emptySlot();
  present = false;

  clear(): void {
    this.present = false;
  }

  set(entry: EntryView): void {
    const { view } = this;
    const keyLength = entry.keyEnd - entry.keyStart;
    const cellLength = entry.cellEnd - entry.cellStart;
    if (view.keyBytes.length < keyLength + cellLength) {
      view.keyBytes = view.cellBytes = new Uint8Array(2 * (keyLength + cellLength));
    }
    view.keyBytes.set(entry.keyBytes.subarray(entry.keyStart, entry.keyEnd));
    view.cellBytes.set(entry.cellBytes.subarray(entry.cellStart, entry.cellEnd), keyLength);
    view.keyEnd = view.cellStart = keyLength;
    view.cellEnd = keyLength + cellLength;
    view.sequence = entry.sequence;
    this.present = true;
  }

  hasKeyOf(entry: EntryView): boolean {
    const { view } = this;
    return compareRanges(view.keyBytes, view.keyStart, view.keyEnd, entry.keyBytes, entry.keyStart, entry.keyEnd) === 0;
  }
}
