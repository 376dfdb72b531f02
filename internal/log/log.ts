// The shared log of a node: one sequence of segments for all of its groups. This file puts the parts
// together; README.md says how data flows between them.
//
//   const log = await openLog(folder, seams);
//   const group = log.group(groupId(1));
//   if (!log.hasRoom) await log.whenRoom();
//   const number = group.append({ term, index, stamp, flags, kind }, payload);
//   await log.whenDurable(number);      // or once for many: log.onProgress(() => ... log.durable ...)

import { TrefoilError } from "../base/errors.ts";
import { groupId } from "../base/ids.ts";
import type { GroupId } from "../base/ids.ts";
import { BatchStager } from "./batch-stager.ts";
import type { BatchNumber } from "./batch-stager.ts";
import { stageCheckpoint, stageRun } from "./checkpoint.ts";
import { ChunkCache } from "./chunk-cache.ts";
import { EntryReader } from "./entry-reader.ts";
import { batchHeaderBytes, stopFlag } from "./format.ts";
import { GroupLog } from "./group-log.ts";
import { GroupState } from "./group-state.ts";
import { JanitorRounds } from "./janitor-rounds.ts";
import { Janitor } from "./janitor.ts";
import { LogCounters } from "./log-stats.ts";
import type { LogStats } from "./log-stats.ts";
import { LogWriter } from "./log-writer.ts";
import { chunkBytesOf } from "./options.ts";
import type { LogOptions, LogSeams } from "./options.ts";
import { ProgressWaiters } from "./progress-waiters.ts";
import * as record from "./record.ts";
import { recordType } from "./record.ts";
import type { RecoveredLog } from "./recovery.ts";
import { markOfRun } from "./run-mark.ts";
import type { RunMark } from "./run-mark.ts";
import { SegmentFiles } from "./segment-files.ts";
import type { SpareFile } from "./segment-files.ts";
import type { Segment } from "./segment.ts";

export interface LogParts {
  readonly folder: string;
  readonly seams: LogSeams;
  readonly options: LogOptions;
  readonly recovered: RecoveredLog;
  /** With their files open; one planned segment without a file when the log is new. */
  readonly segments: Segment[];
  readonly spare: SpareFile | undefined;
}

export class Log {
  /** What recovery found. */
  readonly recovered: RecoveredLog;
  readonly counters = new LogCounters();

  private readonly parts: LogParts;
  private readonly states: Map<number, GroupState>;
  private readonly handles = new Map<number, GroupLog>();
  private readonly files: SegmentFiles;
  private readonly cache: ChunkCache;
  private readonly stager: BatchStager;
  private readonly writer: LogWriter;
  private readonly reader: EntryReader;
  private readonly janitor: Janitor;
  private readonly rounds: JanitorRounds;
  private readonly waiters: ProgressWaiters;
  private readonly progressListeners = new Set<() => void>();
  private readonly flushListeners: (() => void)[] = [];
  /** What the log says of this run. */
  private run: RunMark | undefined;
  private isClosing = false;
  private closing: Promise<void> | undefined;

  /** Use openLog. */
  constructor(parts: LogParts) {
    const { folder, seams, options, recovered, segments } = parts;
    this.parts = parts;
    this.recovered = recovered;
    this.states = new Map(recovered.groups);
    this.run = recovered.run;
    this.files = new SegmentFiles(folder, seams, options, {
      segments,
      spare: parts.spare,
      onChange: () => this.progressed(),
      onFatal: (reason) => this.writer.fail(reason),
    });
    this.cache = new ChunkCache(chunkBytesOf(options), options.cacheBytesMax);
    const newest = segments.at(-1) as Segment;
    this.stager = new BatchStager({
      cache: this.cache,
      options,
      segment: newest,
      stageCheckpoint: () => this.stageCheckpoint(),
      nextSegment: (previous) => this.files.plan(previous),
    });
    const { stager, files, counters } = this;
    const onProgress = (): void => this.progressed();
    const synced = newest.file === undefined ? newest.start : newest.end;
    this.writer = new LogWriter({ seams, options, files, stager, counters, onProgress, synced });
    this.waiters = new ProgressWaiters(this.writer);
    this.reader = new EntryReader(files, (position) => this.whenOnDisk(position));
    this.janitor = new Janitor({
      files,
      options,
      stager,
      cache: this.cache,
      reader: this.reader,
      counters,
      groups: this.states,
      stageMark: (state) => this.group(state.group).stageMark(state.baseIndex, state.baseTerm, false, false),
      makeDurable: (number) => this.makeDurable(number),
      writtenPosition: () => this.writer.writtenPosition,
      wantFlush: () => this.flushListeners.forEach((listener) => listener()),
    });
    this.rounds = new JanitorRounds({
      janitor: this.janitor,
      scheduler: seams.scheduler,
      logger: seams.logger,
      retryMilliseconds: options.retryMilliseconds,
      onFatal: (reason) => this.writer.fail(reason),
    });
  }

  /** Everything staged up to this batch survives the death of the process (and is synced, if it must be). */
  get written(): BatchNumber {
    return this.writer.written;
  }

  /** Everything staged up to this batch survives the death of the machine. */
  get durable(): BatchNumber {
    return this.writer.durable;
  }

  /** The batch that what is staged next will at the earliest be in. */
  get staged(): BatchNumber {
    return this.stager.number;
  }

  /** Why the log can do nothing any more; the process should end. */
  get failure(): TrefoilError | undefined {
    return this.writer.failure;
  }

  /** Why what is staged is not written, while it is not. */
  get heldUp(): TrefoilError | undefined {
    return this.files.isAwaited ? this.files.refusal : undefined;
  }

  /** Why no new entries should be proposed, if so. What is staged nevertheless waits for space. */
  get refusal(): TrefoilError | undefined {
    if (this.failure !== undefined) return this.failure;
    if (this.files.failure === undefined) return undefined;
    const { segment } = this.stager;
    const left = Math.min(segment.capacity, Math.max(segment.allocated, 0)) - segment.used;
    if (left >= this.parts.options.segmentBytes / 4) return undefined;
    return this.files.refusal;
  }

  /** Whether one more turn's work of a group may be staged. Await whenRoom otherwise. */
  get hasRoom(): boolean {
    return this.stager.bytesWaiting < this.parts.options.batchBytesMax;
  }

  async whenRoom(): Promise<void> {
    while (!this.hasRoom) await this.waiters.whenMoved();
  }

  whenWritten(number: BatchNumber): Promise<void> {
    return this.waiters.whenWritten(number);
  }

  whenDurable(number: BatchNumber): Promise<void> {
    return this.waiters.whenDurable(number);
  }

  /**
   * Called, once for a batch and not for an entry, when written or durable has moved or the log has failed. What is
   * returned takes the listener off again.
   */
  onProgress(listener: () => void): () => void {
    this.progressListeners.add(listener);
    return () => {
      this.progressListeners.delete(listener);
    };
  }

  /** Called when the log has grown far beyond its oldest entry that is not flushed. */
  onFlushWanted(listener: () => void): void {
    this.flushListeners.push(listener);
  }

  /**
   * The machine went down while answers ran ahead of syncs: what was answered last may be missing, votes and
   * truncations are not. True, through restarts too, until acceptLoss.
   */
  get mayHaveLost(): boolean {
    return this.run?.mayHaveLost ?? false;
  }

  /** The owner has dealt with the loss, in what was staged before this: it is not told of any more. */
  acceptLoss(): BatchNumber {
    if (this.failure !== undefined) throw this.failure;
    if (this.isClosing) throw new TrefoilError("stopping", "the log is being closed");
    if (this.run?.mayHaveLost !== true) return this.stager.number;
    return this.stageRun({ ...this.run, mayHaveLost: false });
  }

  /** The groups that have something in the log, ascending. */
  groups(): GroupId[] {
    const staged = [...this.states.values()].filter((state) => state.isStaged);
    return staged.map((state) => state.group).sort((a, b) => a - b);
  }

  /** The log of a group; an empty one when it has none yet. */
  group(id: GroupId): GroupLog {
    let handle = this.handles.get(id);
    if (handle !== undefined) return handle;
    let state = this.states.get(id);
    if (state === undefined) {
      state = new GroupState(groupId(id));
      this.states.set(id, state);
    }
    const { stager, cache, reader, counters } = this;
    handle = new GroupLog({
      state,
      stager,
      cache,
      reader,
      counters,
      beforeStaging: (it) => this.checkStaging(it),
      afterStaging: () => this.writer.kick(),
      onSettled: () => this.rounds.want(),
    });
    this.handles.set(id, handle);
    return handle;
  }

  /** Stages that a group is no more: its entries, hard state and salvage are gone. Its handle is dead, and reads nothing. */
  removeGroup(id: GroupId): BatchNumber {
    const state = this.states.get(id);
    if (state === undefined) return this.stager.number;
    this.checkStaging(state);
    if (state.isStaged) {
      const { stager } = this;
      stager.claim(record.recordHeaderBytes);
      record.sealRecord(stager.bytes, stager.at, record.recordHeaderBytes, {
        type: recordType.groupRemoved,
        group: id,
      });
      stager.demandSync();
      this.writer.kick();
    }
    state.isRemoved = true;
    state.mark(state.lastIndex, state.lastTerm, true);
    this.states.delete(id);
    this.handles.delete(id);
    this.rounds.want();
    return this.stager.number;
  }

  stats(): LogStats {
    let indexBytes = 0;
    let salvageBytes = 0;
    for (const state of this.states.values()) {
      indexBytes += state.anchors.bytesHeld + state.tail.bytesHeld;
      salvageBytes += state.salvageBytes;
    }
    return {
      counters: this.counters,
      groups: this.states.size,
      segments: this.files.segments.length,
      bytesOnDisk: this.files.bytesOnDisk,
      bytesOverBound: Math.max(0, this.files.bytesOnDisk - this.parts.options.logBytesMax),
      bytesSinceFlush: this.janitor.bytesSinceFlush(),
      cacheBytes: this.cache.bytesHeld,
      indexBytes,
      salvageBytes,
      bytesWaiting: this.stager.bytesWaiting,
    };
  }

  /** Writes and syncs what was staged, marks the end, and lets go of the files. A second call ends with the first. */
  close(): Promise<void> {
    this.closing ??= this.closeOnce();
    return this.closing;
  }

  private async closeOnce(): Promise<void> {
    this.isClosing = true;
    const { files, writer, stager } = this;
    await this.endRounds();
    const hasChanged = !this.recovered.cleanStop || stager.number > 0;
    if (hasChanged && this.hasSpaceToStop()) stager.stageEmpty(stopFlag);
    await writer.drain();
    if (this.failure === undefined) await writer.close();
    this.waiters.end(closedError());
    const isWritten = this.failure === undefined && writer.written === stager.number;
    try {
      if (isWritten) await files.cutTail(stager.segment);
    } catch (reason) {
      // Everything is written and synced: all that is lost is the space behind it.
      this.parts.seams.logger?.warn("the end of the log could not be cut off", { reason: String(reason) });
    } finally {
      files.stop();
      await writer.ended();
      await files.close();
    }
  }

  /** Nothing may be staged behind the mark of the stop: whoever still may is waited for. */
  private async endRounds(): Promise<void> {
    this.rounds.stop();
    // What the janitor waits for is staged: it comes, or there is no space for it.
    await this.writer.drain();
    if (this.failure === undefined) await this.writer.sync();
    if (this.durable < this.stager.number) this.waiters.end(closedError());
    await this.rounds.ended();
  }

  /** Without space, what is staged cannot be written: nobody was told that it had been. */
  private hasSpaceToStop(): boolean {
    if (this.failure !== undefined) return false;
    if (this.files.failure === undefined) return true;
    const { segment, number } = this.stager;
    return this.written === number && segment.allocated > segment.used + batchHeaderBytes;
  }

  /** Everything that must hold between two turns; costly. */
  checkInvariants(): void {
    for (const state of this.states.values()) state.checkInvariants();
  }

  /** Makes durable what must be before anything is answered: a first checkpoint, and what is to be said of this run. */
  async begin(): Promise<void> {
    const { recovered, seams, options } = this.parts;
    const { cleanStop } = recovered;
    const isBuffered = options.fsync.kind !== "always";
    const mark = markOfRun(recovered.run, { bootId: seams.machine?.bootId ?? "", isBuffered, cleanStop });
    if (recovered.segments.length === 0) {
      this.run = mark;
      this.stager.beginCheckpoint();
    } else if (mark !== undefined && (isBuffered || recovered.run?.isBuffered === true)) {
      this.stageRun(mark);
    }
    this.writer.kick();
    while (this.durable < this.stager.number) {
      if (this.files.failure !== undefined) throw this.files.failure;
      if (this.written < this.stager.number) await this.waiters.whenMoved();
      else await this.writer.sync();
    }
  }

  private stageRun(mark: RunMark): BatchNumber {
    stageRun(this.stager, mark);
    this.stager.demandSync();
    this.run = mark;
    this.writer.kick();
    return this.stager.number;
  }

  private stageCheckpoint(): void {
    const states = [...this.states.values()].filter((state) => state.isStaged);
    const { plan } = this.janitor;
    this.janitor.plan = undefined;
    this.counters.carriedEntries += stageCheckpoint(this.stager, { states, run: this.run, plan });
    this.rounds.want();
  }

  private checkStaging(state: GroupState): void {
    if (this.failure !== undefined) throw this.failure;
    if (this.isClosing || state.isRemoved) {
      throw new TrefoilError(
        "stopping",
        this.isClosing ? "the log is being closed" : `group ${state.group} was removed`,
      );
    }
  }

  private progressed(): void {
    if (this.failure !== undefined) {
      this.files.stop();
      this.rounds.stop();
    }
    if (this.files.failure !== undefined) this.writer.wake();
    this.waiters.moved();
    for (const listener of this.progressListeners) listener();
  }

  private async makeDurable(number: BatchNumber): Promise<void> {
    this.writer.kick();
    await this.waiters.whenWritten(number);
    if (this.durable < number) await this.writer.sync();
    await this.waiters.whenDurable(number);
  }

  private whenOnDisk(position: number): Promise<void> | undefined {
    return position <= this.writer.writtenPosition ? undefined : this.whenWritten(this.stager.number);
  }
}

function closedError(): TrefoilError {
  return new TrefoilError("stopping", "the log was closed", { outcome: "unknown" });
}
