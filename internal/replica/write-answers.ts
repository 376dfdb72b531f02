// Tells writers what became of their writes: fast ones when their entry is durable here, strong ones when it is applied. What was
// answered fast and is not applied yet lies in the overlay, for the leader's own fast reads.

import { assert } from "../base/assert.ts";
import type { LogIndex, Term } from "../base/ids.ts";
import { neverExpires } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import { majorityOf } from "../raft/quorum.ts";
import type { Raft } from "../raft/raft.ts";
import type { CommandAnswer } from "./answer.ts";
import { action } from "./command.ts";
import type { Command } from "./command.ts";
import { keyName } from "./decide.ts";
import type { GroupState } from "./group-state.ts";
import { Overlay } from "./overlay.ts";
import type { WriteRefusal } from "./write-rules.ts";
import { WriteWaiters } from "./write-waiters.ts";
import type { ShownWrite, WriteOutcome, WriteWaiter } from "./write-waiters.ts";

export type Consistency = "fast" | "strong";

export type Proposed =
  | { readonly kind: "accepted"; readonly version: Version; readonly outcome: Promise<WriteOutcome> }
  /** With more about it where the write itself is at fault. */
  | { readonly kind: "refused"; readonly why: WriteRefusal; readonly detail?: string };

export interface ProposedWrite extends Version {
  readonly stamp: Stamp;
  readonly consistency: Consistency;
  /** Undefined: not a client's. */
  readonly command: Command | undefined;
  /** As it is in the log. */
  readonly payload: Uint8Array;
}

export class WriteAnswers {
  readonly overlay = new Overlay();
  private readonly raft: Raft;
  private readonly durability: "synced" | "buffered";
  private readonly isTooLate: () => boolean;
  private readonly waiters = new WriteWaiters();
  /** Of commands that answer more than that they took effect. */
  private readonly answers = new Map<LogIndex, CommandAnswer>();

  /** `isTooLate`: a fast write that is only here may come back too late to have an effect. */
  constructor(raft: Raft, isSynced: boolean, isTooLate: () => boolean) {
    this.isTooLate = isTooLate;
    this.raft = raft;
    this.durability = isSynced ? "synced" : "buffered";
  }

  /** Resolves with what becomes of a write that is in the leader's log now. */
  await(write: ProposedWrite): Promise<WriteOutcome> {
    const { term, index, stamp, consistency } = write;
    const shown = consistency === "fast" ? shownWrite(write) : undefined;
    return new Promise((resolve) => this.waiters.add({ term, index, stamp, consistency, shown, resolve }));
  }

  /** What a request was answered before, told again. */
  again(answer: CommandAnswer, stamp: Stamp): WriteOutcome {
    const { version } = answer;
    const [acks, durability] = [this.raft.copiesOf(version.index), this.durability];
    return { kind: answer.kind, answer, version, stamp, consistency: "fast", acks, durability };
  }

  /** Applying said what a command came to; told when it is in the engine. */
  note(index: LogIndex, answer: CommandAnswer): void {
    this.answers.set(index, answer);
  }

  /** Entries from `index` on are discarded. */
  discardedFrom(index: LogIndex): void {
    this.waiters.discardedFrom(index);
  }

  /** Looks for fast writes that were discarded in the turn that brought them: no Ready ever had them, and none tells. */
  review(): void {
    for (let last = this.waiters.lastFast; last !== undefined; last = this.waiters.lastFast) {
      if (this.raft.termOf(last.index) === last.term) return;
      this.waiters.discardedFrom(last.index);
    }
  }

  /** Entries are durable up to `persisted`, and applied up to `applied`. */
  persisted(persisted: LogIndex, applied: LogIndex): void {
    const waiters = this.waiters.takeFast(persisted);
    if (waiters.length === 0) return;
    const isTooLate = this.isTooLate();
    for (const waiter of waiters) {
      const { term, index, resolve } = waiter;
      if (!isTooLate || index <= applied) this.answerFast(waiter, applied);
      else resolve({ kind: "unknown", version: { term, index }, why: "its leader was without a quorum for too long" });
    }
  }

  /**
   * A term began here before fast writes of older ones were durable. Nobody counts any more for how long their leader has been without
   * its quorum, and by the time the disk answers they may come back too late to have an effect.
   */
  newTerm(present: Term): void {
    for (const { term, index, resolve } of this.waiters.takeFastBefore(present)) {
      resolve({ kind: "unknown", version: { term, index }, why: "another term began before it was durable" });
    }
  }

  applied({ index: applied, term }: Version, state: GroupState): void {
    for (const waiter of this.waiters.takeStrong(applied, term)) this.answerStrong(waiter, state);
    this.overlay.appliedTo(applied);
    for (const index of this.answers.keys()) if (index <= applied) this.answers.delete(index);
  }

  /** A snapshot stands for all entries up to `index` now: what each of them came to it does not say. */
  jumpedTo(index: LogIndex, state: GroupState): void {
    for (const { term, index: at, resolve } of [
      ...this.waiters.takeFast(index),
      ...this.waiters.takeStrong(index, state.last.term),
    ]) {
      const version = { term, index: at };
      if (state.holds(term, at) === false) resolve({ kind: "overridden", version });
      else resolve({ kind: "unknown", version, why: "a snapshot took the place of its log here" });
    }
  }

  /** The replica stops: nobody knows what became of the rest. */
  failAll(why: string): void {
    this.waiters.failAll(why);
    this.overlay.clear();
  }

  private answerFast(waiter: WriteWaiter, applied: LogIndex): void {
    const { term, index, stamp, shown } = waiter;
    const version = { term, index };
    assert(this.raft.termOf(index) === term, "another entry became durable in place of a fast write", version);
    if (shown !== undefined && index > applied && this.raft.status.role === "leader") {
      this.overlay.add(shown.name, shown.record);
    }
    const answer: CommandAnswer = { kind: "done", version, values: [] };
    const [acks, durability] = [this.raft.copiesOf(index), this.durability];
    waiter.resolve({ kind: "done", answer, version, stamp, consistency: "fast", acks, durability });
  }

  private answerStrong(waiter: WriteWaiter, state: GroupState): void {
    const { term, index, stamp } = waiter;
    const version = { term, index };
    const isOurs = state.holds(term, index);
    if (isOurs === undefined) {
      waiter.resolve({ kind: "unknown", version, why: "its term is too long ago" });
    } else if (isOurs) {
      const answer = this.answers.get(index) ?? { kind: "done", version, values: [] };
      const { durability } = this;
      // Whoever leads now: it is committed.
      const acks = Math.max(this.raft.copiesOf(index), majorityOf(this.raft.status.configuration.voters.length));
      waiter.resolve({ kind: answer.kind, answer, version, stamp, consistency: "strong", acks, durability });
    } else {
      waiter.resolve({ kind: "overridden", version });
    }
  }
}

/** What a fast write shows to its leader's own reads until it is applied. The caller's bytes are not kept: the log's are. */
function shownWrite({ command, term, index, stamp, payload: entry }: ProposedWrite): ShownWrite | undefined {
  const [operation] = command?.operations ?? [];
  if (operation === undefined) return undefined;
  const tombstone = operation.action === action.delete;
  const expiry = operation.expiresAt ?? neverExpires;
  // The body of its one operation is what an entry ends with.
  const payload = entry.subarray(entry.length - operation.body.length);
  return { name: keyName(operation.key), record: { term, index, stamp, tombstone, expiry, payload } };
}
