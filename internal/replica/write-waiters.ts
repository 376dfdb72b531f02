// Who waits for the entries of a leader's log. A fast write is answered when its entry is durable here, a strong one when it
// is applied. Entries are known by index AND term: another leader's entry at the same index is not the one that is
// waited for, and says that it never will be.

import { assert } from "../base/assert.ts";
import type { LogIndex, Term } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import type { EngineRecord } from "../engine/reader.ts";
import type { CommandAnswer } from "./answer.ts";

export interface WriteDone {
  readonly kind: "done" | "refused";
  readonly answer: CommandAnswer;
  readonly version: Version;
  readonly stamp: Stamp;
  readonly consistency: "fast" | "strong";
  /** Copies that had it when it was answered. */
  readonly acks: number;
  readonly durability: "synced" | "buffered";
}

/** Another leader's entry took its place: unless it is salvaged, it has no effect. */
export interface WriteOverridden {
  readonly kind: "overridden";
  readonly version: Version;
}

/** The replica stops, or failed: nobody knows. */
export interface WriteUnknown {
  readonly kind: "unknown";
  readonly version: Version;
  readonly why: string;
}

export type WriteOutcome = WriteDone | WriteOverridden | WriteUnknown;

export interface ShownWrite {
  /** Of its key. */
  readonly name: string;
  readonly record: EngineRecord;
}

export interface WriteWaiter {
  readonly term: Term;
  readonly index: LogIndex;
  readonly stamp: Stamp;
  readonly consistency: "fast" | "strong";
  /** Of a fast write: what it shows until it is applied. */
  readonly shown: ShownWrite | undefined;
  readonly resolve: (outcome: WriteOutcome) => void;
}

export class WriteWaiters {
  /** By index ascending. */
  private fast: WriteWaiter[] = [];
  private strong: WriteWaiter[] = [];
  /** Strong ones whose entry is not in this log any more. */
  private discarded: WriteWaiter[] = [];

  get count(): number {
    return this.fast.length + this.strong.length + this.discarded.length;
  }

  add(waiter: WriteWaiter): void {
    const queue = waiter.consistency === "fast" ? this.fast : this.strong;
    const before = queue.at(-1);
    if (before !== undefined && before.index >= waiter.index) this.discardedFrom(waiter.index);
    assert((queue.at(-1)?.index ?? 0) < waiter.index, "waiters out of order", { index: waiter.index });
    queue.push(waiter);
  }

  /** Those whose entry is at most `index`; they are waited for no longer. */
  takeFast(index: LogIndex): WriteWaiter[] {
    return take(this.fast, (waiter) => waiter.index <= index);
  }

  /** Those that are decided once the entry `index` of `term` is applied; they are waited for no longer. */
  takeStrong(index: LogIndex, term: Term): WriteWaiter[] {
    // Terms do not fall along a log: behind this entry comes none of an earlier one, however far the log goes.
    const isDecided = (waiter: WriteWaiter): boolean => waiter.index <= index || waiter.term < term;
    const taken = take(this.strong, isDecided);
    if (this.discarded.length === 0) return taken;
    const told = this.discarded.filter(isDecided);
    this.discarded = this.discarded.filter((waiter) => !isDecided(waiter));
    return [...taken, ...told];
  }

  /**
   * Entries from `index` on are discarded here. Fast ones are salvaged. Strong ones have not lost yet: another replica may
   * still have them and win; what is applied at their index will tell.
   */
  discardedFrom(index: LogIndex): void {
    for (const { term, index: at, resolve } of cut(this.fast, index)) {
      resolve({ kind: "unknown", version: { term, index: at }, why: "another leader's entry took its place here" });
    }
    this.discarded.push(...cut(this.strong, index));
  }

  /** Fast ones of terms before `present`; they are waited for no longer. */
  takeFastBefore(present: Term): WriteWaiter[] {
    return take(this.fast, (waiter) => waiter.term < present);
  }

  /** The last fast one. */
  get lastFast(): WriteWaiter | undefined {
    return this.fast.at(-1);
  }

  failAll(why: string): void {
    for (const queue of [this.fast, this.strong, this.discarded]) {
      for (const { term, index, resolve } of queue.splice(0))
        resolve({ kind: "unknown", version: { term, index }, why });
    }
  }
}

/** Takes out those at the beginning that are decided. */
function take(queue: WriteWaiter[], isDecided: (waiter: WriteWaiter) => boolean): WriteWaiter[] {
  let count = 0;
  while (count < queue.length && isDecided(queue[count] as WriteWaiter)) count++;
  return count === 0 ? none : queue.splice(0, count);
}

/** Takes out those from `index` on. */
function cut(queue: WriteWaiter[], index: LogIndex): WriteWaiter[] {
  const first = queue.findIndex((waiter) => waiter.index >= index);
  return first < 0 ? none : queue.splice(first);
}

const none: WriteWaiter[] = [];
