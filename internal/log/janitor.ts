// Lets old segments go. The oldest goes when nothing in it is needed; what keeps it is, per group,
//
//   flushed entries that followers need -> dropped when the log is over its bound, else they keep it
//   flushed entries above a pin         -> keep it, whatever the bound: the caller slows its writers
//   entries that are not flushed        -> a flush is asked for; later they are carried into the
//                                          checkpoint of the next segment
//
// so that neither an idle nor a slow group holds the disk. Before a file goes, the base of every group
// that had entries in it is durable in a later segment (a mark), and so is what was carried.

import type { BatchNumber, BatchStager } from "./batch-stager.ts";
import type { ChunkCache } from "./chunk-cache.ts";
import type { CarryPlan } from "./checkpoint.ts";
import type { EntryReader } from "./entry-reader.ts";
import type { GroupState, IndexRange } from "./group-state.ts";
import type { LogCounters } from "./log-stats.ts";
import type { LogOptions } from "./options.ts";
import { copyOfRecord } from "./record.ts";
import type { RecordView } from "./record.ts";
import type { SegmentFiles } from "./segment-files.ts";

export interface JanitorParts {
  readonly files: SegmentFiles;
  readonly options: LogOptions;
  readonly stager: BatchStager;
  readonly cache: ChunkCache;
  readonly reader: EntryReader;
  readonly counters: LogCounters;
  readonly groups: ReadonlyMap<number, GroupState>;
  /** Stages a mark for a group whose base has moved since the log was told. */
  readonly stageMark: (state: GroupState) => void;
  /** Resolves when what was staged up to `number` is durable; rejects when the log fails or ends. */
  readonly makeDurable: (number: BatchNumber) => Promise<void>;
  /** Position up to which batches are on the disk. */
  readonly writtenPosition: () => number;
  readonly wantFlush: () => void;
}

type Hold = "free" | "carry" | "kept";

export class Janitor {
  /** What the next checkpoint carries. */
  plan: CarryPlan | undefined;
  private readonly parts: JanitorParts;
  private isStopped = false;

  constructor(parts: JanitorParts) {
    this.parts = parts;
  }

  /**
   * One round: drops what can go, asks for a flush, reads what the next checkpoint is to carry. False: a
   * segment that could go could not be taken away.
   */
  async tidy(): Promise<boolean> {
    const { groups, cache } = this.parts;
    for (const state of groups.values()) {
      state.tail.trim(cache.oldest);
      state.settleBase();
    }
    let dropped = await this.dropOldest();
    while (dropped === "gone") dropped = await this.dropOldest();
    if (this.isStopped) return true;
    if (this.bytesSinceFlush() > this.parts.options.flushWantedBytes) this.parts.wantFlush();
    if (this.plan === undefined) this.plan = await this.readPlan();
    return dropped !== "stuck";
  }

  /** Stages nothing and begins to drop nothing any more. */
  stop(): void {
    this.isStopped = true;
  }

  private async dropOldest(): Promise<"gone" | "kept" | "stuck"> {
    const { files, stager, groups, counters } = this.parts;
    const [oldest, next] = files.segments;
    if (this.isStopped || oldest === undefined || next === undefined) return "kept";
    const isOver = this.isOverBound();
    for (const state of groups.values()) {
      if (holdOf(state, state.rangesBetween(oldest.start, next.start), isOver) !== "free") return "kept";
    }
    for (const state of groups.values()) {
      const last = state.rangesBetween(oldest.start, next.start).at(-1)?.last;
      if (last !== undefined) state.mark(last, state.runs.of(last), false);
      if (state.baseStaged < state.baseIndex) this.parts.stageMark(state);
    }
    await this.parts.makeDurable(stager.number);
    if (this.isStopped) return "kept";
    if (!(await files.dropOldest())) return "stuck";
    counters.segmentsPurged++;
    return "gone";
  }

  private isOverBound(): boolean {
    return this.parts.files.bytesOnDisk > this.parts.options.logBytesMax;
  }

  /** Bytes of the log since its oldest entry that is not flushed. */
  bytesSinceFlush(): number {
    const { groups, stager } = this.parts;
    let oldest = stager.segment.end;
    for (const state of groups.values()) oldest = Math.min(oldest, state.unflushedPosition() ?? oldest);
    return stager.segment.end - oldest;
  }

  /** Reads what alone keeps the oldest segments, for as many of them as one checkpoint can relieve. */
  private async readPlan(): Promise<CarryPlan | undefined> {
    const { files, options, stager, groups, writtenPosition } = this.parts;
    const isOver = this.isOverBound();
    let budget = Math.floor(options.segmentBytes / 4);
    let plan: CarryPlan | undefined;
    for (let at = 0; ; at++) {
      const [segment, next] = files.segments.slice(at, at + 2);
      if (segment === undefined || next === undefined || next.start > writtenPosition()) return plan;
      if (!isOver && stager.segment.end - segment.start < 2 * options.flushWantedBytes) return plan;
      const runs = [...(plan?.runs ?? [])];
      for (const state of groups.values()) {
        const ranges = state.rangesBetween(segment.start, next.start);
        if (holdOf(state, ranges, isOver) === "kept") return plan;
        for (const range of ranges) {
          if (this.isStopped) return plan;
          const entries = await this.readRange(state, range, budget);
          if (entries === undefined) return plan;
          budget -= bytesOf(entries);
          if (entries.length > 0) runs.push({ state, entries });
        }
      }
      plan = { before: next.start, runs };
    }
  }

  /** The entries of a range that are not flushed; undefined when they are too many, or changed meanwhile. */
  private async readRange(state: GroupState, range: IndexRange, bytesMax: number): Promise<RecordView[] | undefined> {
    const entries: RecordView[] = [];
    let budget = bytesMax;
    for (let index = Math.max(range.first, state.flushed + 1); index <= range.last;) {
      if (index <= state.baseIndex || range.last > state.lastIndex) return undefined;
      const part = await this.parts.reader.read(state, index, range.last, budget);
      budget -= bytesOf(part);
      if (budget < 0) return undefined;
      // Copied: a view would keep the whole block that it was read in.
      for (const view of part) entries.push(copyOfRecord(view));
      index += part.length;
    }
    return entries;
  }
}

/** What a group has against the loss of these entries. */
function holdOf(state: GroupState, ranges: readonly IndexRange[], isOverBound: boolean): Hold {
  let hold: Hold = "free";
  const needed = Math.min(state.leastPin, isOverBound ? Number.POSITIVE_INFINITY : state.compactable);
  for (const { first, last } of ranges) {
    if (Math.max(first, needed + 1) <= Math.min(last, state.flushed)) return "kept";
    if (last > state.flushed) hold = "carry";
  }
  return hold;
}

function bytesOf(views: readonly RecordView[]): number {
  let bytes = 0;
  for (const view of views) bytes += view.end - view.start;
  return bytes;
}
