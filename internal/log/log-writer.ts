// Writes batches, one after the other, one write each, and tells how far it got. Whatever is staged while
// a write runs goes out with the next; while none runs, at the end of the turn in which it was staged.
//
//   written  handed to the operating system: survives the death of the process. A batch that must be
//            synced (votes, terms, truncations, marks) counts only when it is.
//   durable  synced: survives the death of the machine. Under --fsync=always the same as written.
//
// A write or a sync that fails ends the log: what is on the disk is then not known, the kernel may have
// dropped the pages, and a second try could succeed without them. Nothing is staged or told any more.

import { TrefoilError } from "../base/errors.ts";
import { writeFully } from "../platform/disk.ts";
import type { Timer } from "../platform/clock.ts";
import type { Batch, BatchNumber, BatchStager } from "./batch-stager.ts";
import { batchHeaderBytes, sealBatch, stopFlag } from "./format.ts";
import type { LogCounters } from "./log-stats.ts";
import type { LogOptions, LogSeams } from "./options.ts";
import type { SegmentFiles } from "./segment-files.ts";
import type { Segment } from "./segment.ts";

export interface WriterParts {
  readonly seams: LogSeams;
  readonly options: LogOptions;
  readonly files: SegmentFiles;
  readonly stager: BatchStager;
  readonly counters: LogCounters;
  /** Called when written or durable has moved, when there may be room, and when the log has failed. */
  readonly onProgress: () => void;
  /** Up to where the log was synced when it was opened. */
  readonly synced: number;
}

export class LogWriter {
  written = 0 as BatchNumber;
  durable = 0 as BatchNumber;
  /** Why the log can do nothing any more. */
  failure: TrefoilError | undefined;

  private readonly parts: WriterParts;
  /** Position up to which everything is synced. */
  private synced: number;
  /** Position behind the last batch that was written. */
  writtenPosition: number;
  private current: Segment | undefined;
  private isScheduled = false;
  private isRunning = false;
  private isClosed = false;
  private syncTimer: Timer | undefined;
  private syncing: Promise<void> | undefined;
  private idle: (() => void) | undefined;

  constructor(parts: WriterParts) {
    this.parts = parts;
    this.synced = parts.synced;
    this.writtenPosition = parts.synced;
  }

  /** Something was staged. */
  kick(): void {
    if (this.isScheduled || this.isRunning || this.isClosed || this.failure !== undefined) return;
    this.isScheduled = true;
    this.parts.seams.scheduler.afterTurn(() => {
      this.isScheduled = false;
      if (!this.isRunning && !this.isClosed && this.failure === undefined) void this.run();
    });
  }

  /** Ends the log: see above. */
  fail(reason: unknown): void {
    if (this.failure !== undefined) return;
    const cause = reason instanceof Error ? reason.message : String(reason);
    this.failure = new TrefoilError("internal", `the log cannot be written any more, the process must end: ${cause}`, {
      cause: reason,
      outcome: "unknown",
    });
    this.parts.seams.logger?.error("the log has failed", { reason: cause });
    this.syncTimer?.cancel();
    this.parts.onProgress();
    this.wake();
  }

  /** Makes what is written durable, now. Resolves when it is, or when the log has failed. */
  async sync(): Promise<void> {
    this.syncTimer?.cancel();
    this.syncTimer = undefined;
    while (this.syncing !== undefined) await this.syncing;
    if (this.durable === this.written || this.failure !== undefined) return;
    this.syncing = this.syncNow().finally(() => {
      this.syncing = undefined;
    });
    await this.syncing;
  }

  /** Resolves when nothing staged is left to write, when there is no space to write it, or when the log has failed. */
  async drain(): Promise<void> {
    const { files, stager } = this.parts;
    while (this.failure === undefined && files.failure === undefined && (this.isRunning || !stager.isEmpty)) {
      this.kick();
      await this.whenIdle();
    }
  }

  /** Whoever drains looks again. */
  wake(): void {
    this.idle?.();
    this.idle = undefined;
  }

  /** Begins no further write. */
  async close(): Promise<void> {
    await this.sync();
    this.isClosed = true;
    this.syncTimer?.cancel();
  }

  /** Resolves when no write is running. REQUIRES: closed, and nothing that a write may wait for still to come. */
  async ended(): Promise<void> {
    while (this.isRunning) await this.whenIdle();
  }

  private whenIdle(): Promise<void> {
    return new Promise<void>((resolve) => {
      this.idle = resolve;
    });
  }

  private async run(): Promise<void> {
    this.isRunning = true;
    try {
      do {
        const batch = this.parts.stager.take();
        if (batch === undefined) break;
        await this.write(batch);
        // A batch that is only being filled waits for the end of the turn, so that those who have just
        // been told of this one can add to it.
      } while (this.parts.stager.hasSealed && !this.isClosed && this.failure === undefined);
    } catch (reason) {
      if (!this.isClosed) this.fail(reason);
    }
    this.isRunning = false;
    if (!this.parts.stager.isEmpty) this.kick();
    this.wake();
  }

  private async write(batch: Batch): Promise<void> {
    const { segment } = batch;
    const { counters, options, files, stager, seams } = this.parts;
    if (segment !== this.current) await this.enter(segment);
    if (batch.next !== undefined) await files.attach(batch.next);
    // Behind the mark of an orderly stop there is more file, until that is cut off: see SegmentFiles.cutTail.
    const end = batch.offset + batch.length + ((batch.flags & stopFlag) === 0 ? 0 : 1);
    if (segment.allocated < end) await files.extend(segment, end);
    const file = segment.file;
    if (file === undefined) throw new TrefoilError("stopping", "the log is being closed");
    const { bytes } = batch.chunk;
    const frame = {
      position: batch.position,
      synced: this.synced,
      length: batch.length - batchHeaderBytes,
      flags: batch.flags,
    };
    sealBatch(bytes, batch.start, frame, segment.salt);
    const started = seams.clock.monotonicMilliseconds();
    await writeFully(file, bytes.subarray(batch.start, batch.start + batch.length), batch.offset);
    if (this.failure !== undefined) return;
    stager.release(batch);
    this.writtenPosition = batch.position + batch.length;
    counters.commits++;
    counters.bytes += batch.length;
    counters.records += batch.records;
    files.noteUse(segment, batch.offset + batch.length);
    if (options.fsync.kind === "always") {
      counters.syncDuration.add(seams.clock.monotonicMilliseconds() - started);
      this.synced = this.writtenPosition;
      this.written = batch.number;
      this.durable = batch.number;
    } else {
      await this.wroteUnsynced(batch);
    }
    if (this.failure === undefined) this.parts.onProgress();
  }

  /** Turns to the segment of the next batch. What a segment holds is synced before the next one begins. */
  private async enter(segment: Segment): Promise<void> {
    if (this.current !== undefined) await this.sync();
    if (this.failure !== undefined) throw this.failure;
    if (segment.file === undefined) await this.parts.files.attach(segment);
    this.current = segment;
  }

  private async wroteUnsynced(batch: Batch): Promise<void> {
    const { options, seams } = this.parts;
    if (batch.mustSync) {
      // What is durable must be told as written too, and not before this batch is both.
      await this.syncUpTo(batch);
      return;
    }
    this.written = batch.number;
    if (this.syncTimer !== undefined || options.fsync.kind !== "interval") return;
    this.syncTimer = seams.scheduler.after(options.fsync.milliseconds, () => {
      this.syncTimer = undefined;
      void this.sync();
    });
  }

  private async syncUpTo(batch: Batch): Promise<void> {
    while (this.syncing !== undefined) await this.syncing;
    if (this.failure !== undefined) return;
    this.syncing = this.syncNow(batch.number).finally(() => {
      this.syncing = undefined;
    });
    await this.syncing;
  }

  /** Syncs the present segment; everything written up to now, or up to `number`, is durable then. */
  private async syncNow(number: BatchNumber = this.written): Promise<void> {
    const { clock } = this.parts.seams;
    const file = this.current?.file;
    if (file === undefined) return;
    const position = this.writtenPosition;
    const started = clock.monotonicMilliseconds();
    try {
      await file.syncData();
    } catch (reason) {
      this.fail(reason);
      return;
    }
    if (this.failure !== undefined) return;
    this.parts.counters.syncDuration.add(clock.monotonicMilliseconds() - started);
    if (number > this.written) this.written = number;
    this.durable = number;
    this.synced = position;
    this.parts.onProgress();
  }
}
