// The way of writes through the store: staged in the log in the order in which they came, answered in that
// order when the log has written them and the engine shows them.
//
//   submit -> waiting (no room in the log, or too much not applied yet) -> staged -> written -> applied -> answered
//
// What waits is bounded in bytes; beyond that a write is refused as `busy`.

import { TrefoilError } from "../base/errors.ts";
import { logIndex } from "../base/ids.ts";
import type { LogIndex, Term } from "../base/ids.ts";
import type { Version } from "../engine/cell.ts";
import type { Engine } from "../engine/engine.ts";
import type { GroupLog } from "../log/group-log.ts";
import type { Log } from "../log/log.ts";
import type { Applier } from "./applier.ts";
import { operationsKind } from "./command.ts";
import type { HybridClock } from "./hybrid-clock.ts";

/** What a writer is told. */
export interface Written extends Version {
  /** "buffered": the operating system has it; a crash of the machine can lose it. */
  readonly durability: "synced" | "buffered";
}

/** What a write takes in memory beside its bytes: promise, functions, a place in the queue. */
const overheadBytes = 1024;

interface Staged {
  readonly index: LogIndex;
  readonly batch: number;
  readonly bytes: number;
  readonly resolve: (written: Written) => void;
  readonly reject: (reason: Error) => void;
}

interface Waiting {
  readonly command: Uint8Array;
  readonly resolve: (written: Written) => void;
  readonly reject: (reason: Error) => void;
}

export interface PipelineParts {
  readonly folder: string;
  readonly log: Log;
  readonly group: GroupLog;
  readonly applier: Applier;
  readonly clock: HybridClock;
  readonly term: Term;
  readonly waitingBytesMax: number;
  readonly unappliedBytesMax: number;
}

export class WritePipeline {
  private readonly parts: PipelineParts;
  /** Staged and not answered, oldest first, from `head` on. */
  private staged: Staged[] = [];
  private head = 0;
  private stagedBytes = 0;
  /** Not staged, oldest first, from `waitingHead` on. */
  private waiting: (Waiting | undefined)[] = [];
  private waitingHead = 0;
  private waitingBytes = 0;
  private isApplying = false;
  private failure: TrefoilError | undefined;
  private whenMoved: (() => void)[] = [];

  constructor(parts: PipelineParts) {
    this.parts = parts;
    parts.log.onProgress(() => this.progress());
    parts.applier.onHeldUp = (trouble) => this.tellHeldUp(trouble);
  }

  get unanswered(): number {
    return this.staged.length - this.head + this.waitingCount;
  }

  /** Why no write can succeed any more. */
  get failed(): TrefoilError | undefined {
    return this.failure;
  }

  /** A command is bytes[0, length), which is copied. */
  submit(bytes: Uint8Array, length: number): Promise<Written> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) {
        reject(this.failure);
      } else if (this.waitingCount === 0 && this.mayStage) {
        this.stage(bytes, length, resolve, reject);
      } else if (this.waitingBytes + length + overheadBytes > this.parts.waitingBytesMax) {
        const detail = `${this.waitingCount} writes wait for the disk of ${this.parts.folder}; try again in a moment`;
        reject(new TrefoilError("busy", detail));
      } else {
        this.waiting.push({ command: bytes.slice(0, length), resolve, reject });
        this.waitingBytes += length + overheadBytes;
      }
    });
  }

  /** Resolves when every write has its answer; those that a full disk holds up are told that nobody knows. */
  async drained(engine: Engine): Promise<void> {
    const { log, folder } = this.parts;
    while (this.unanswered > 0) {
      const isHeldUp = this.isApplying ? engine.trouble !== undefined : log.refusal !== undefined;
      if (isHeldUp) {
        const why = (this.isApplying ? engine.trouble : log.refusal)?.message ?? "";
        return this.fail(new TrefoilError("stopping", `the store in ${folder} was closed while it waited: ${why}`));
      }
      await Promise.race([new Promise<void>((resolve) => this.whenMoved.push(resolve)), engine.whenWritable()]);
    }
  }

  /** Ends all writes that have no answer: nobody knows what became of those that were staged. */
  fail(reason: TrefoilError): void {
    if (this.failure !== undefined) return;
    this.failure = reason;
    const unknown = new TrefoilError(
      "outcome_unknown",
      `whether the write took effect is not known: ${reason.message}`,
      {
        cause: reason,
        outcome: "unknown",
      },
    );
    for (const write of this.staged.slice(this.head)) write.reject(unknown);
    for (const write of this.waiting.slice(this.waitingHead)) write?.reject(reason);
    this.staged = [];
    this.head = 0;
    this.waiting = [];
    this.waitingHead = 0;
    this.waitingBytes = 0;
    this.tellMoved();
  }

  /** Nobody waits for space: what is in the log takes effect when there is some, what is not is refused. */
  private tellHeldUp(trouble: TrefoilError): void {
    const detail = `the write waits, and takes effect when this has passed, if this process lives until then: ${trouble.message}`;
    const unknown = new TrefoilError("outcome_unknown", detail, { cause: trouble, outcome: "unknown" });
    for (let at = this.head; at < this.staged.length; at++) (this.staged[at] as Staged).reject(unknown);
    for (const write of this.waiting.slice(this.waitingHead)) write?.reject(trouble);
    this.waiting = [];
    this.waitingHead = 0;
    this.waitingBytes = 0;
  }

  private get waitingCount(): number {
    return this.waiting.length - this.waitingHead;
  }

  private get mayStage(): boolean {
    return this.parts.log.hasRoom && this.stagedBytes < this.parts.unappliedBytesMax;
  }

  private stage(
    bytes: Uint8Array,
    length: number,
    resolve: (written: Written) => void,
    reject: (reason: Error) => void,
  ): void {
    const { group, clock, term } = this.parts;
    const index = logIndex(group.lastIndex + 1);
    try {
      const entry = { term, index, stamp: clock.next(), flags: 0, kind: operationsKind };
      const batch = group.append(entry, bytes, 0, length);
      this.staged.push({ index, batch, bytes: length + overheadBytes, resolve, reject });
      this.stagedBytes += length + overheadBytes;
    } catch (failure) {
      if (!(failure instanceof TrefoilError)) throw failure;
      reject(failure);
    }
  }

  /** The log has moved on, or has failed. */
  private progress(): void {
    const { log } = this.parts;
    if (log.failure !== undefined) return this.fail(log.failure);
    this.applyWritten();
    const { heldUp } = log;
    if (heldUp?.code === "storage_full") this.tellHeldUp(heldUp);
    else this.stageWaiting();
    this.tellMoved();
  }

  private stageWaiting(): void {
    const { waiting } = this;
    while (this.waitingHead < waiting.length && this.mayStage) {
      const { command, resolve, reject } = waiting[this.waitingHead] as Waiting;
      waiting[this.waitingHead++] = undefined;
      this.waitingBytes -= command.length + overheadBytes;
      this.stage(command, command.length, resolve, reject);
    }
    // What has been taken goes when it is half of the queue: each write is moved once at most on the average.
    if (this.waitingHead * 2 >= waiting.length) {
      this.waiting = waiting.slice(this.waitingHead);
      this.waitingHead = 0;
    }
  }

  private applyWritten(): void {
    if (this.isApplying || this.failure !== undefined) return;
    const { applier } = this.parts;
    for (;;) {
      const index = this.writtenIndex();
      const before = applier.appliedIndex;
      if (index <= before || applier.applyNow(index)) break;
      if (applier.appliedIndex === before) {
        void this.applyLoaded(index);
        break;
      }
    }
    this.answer();
  }

  /** The engine has no room, or the log's memory has lost the entry: goes on when that has passed. */
  private async applyLoaded(index: LogIndex): Promise<void> {
    this.isApplying = true;
    try {
      await this.parts.applier.applyLoaded(index);
    } catch (failure) {
      this.isApplying = false;
      const reason = failure instanceof Error ? failure.message : String(failure);
      this.fail(
        failure instanceof TrefoilError
          ? failure
          : new TrefoilError("internal", `the store in ${this.parts.folder} failed: ${reason}`, { cause: failure }),
      );
      return;
    }
    this.isApplying = false;
    this.applyWritten();
    this.stageWaiting();
  }

  /** The last entry that the log has written. */
  private writtenIndex(): LogIndex {
    const { log, applier } = this.parts;
    let index = applier.appliedIndex;
    for (let at = this.head; at < this.staged.length; at++) {
      const write = this.staged[at] as Staged;
      if (write.batch > log.written) break;
      ({ index } = write);
    }
    return index;
  }

  private answer(): void {
    const { log, applier, term } = this.parts;
    const { staged } = this;
    while (this.head < staged.length) {
      const write = staged[this.head] as Staged;
      if (write.index > applier.appliedIndex) break;
      this.head++;
      this.stagedBytes -= write.bytes;
      const durability = write.batch <= log.durable ? "synced" : "buffered";
      write.resolve({ term, index: write.index, durability });
    }
    if (this.head === staged.length || this.head >= staged.length / 2) {
      this.staged = staged.slice(this.head);
      this.head = 0;
    }
    if (this.unanswered === 0) this.tellMoved();
  }

  private tellMoved(): void {
    if (this.whenMoved.length === 0) return;
    const waiters = this.whenMoved;
    this.whenMoved = [];
    for (const wake of waiters) wake();
  }
}
