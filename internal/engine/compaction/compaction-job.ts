// Merges tables into tables of one level. Inputs are read in large pieces beside the block cache; what
// nobody can ask for any more is left out; outputs are cut at the target size, and where one would drag
// too much of the level below along when its own turn comes, but never between two versions of a key.

import { assert } from "../../base/assert.ts";
import { compareRanges } from "../../base/bytes.ts";
import { fileNumber } from "../../base/ids.ts";
import type { FileNumber } from "../../base/ids.ts";
import type { Job, JobSteps } from "../../platform/background.ts";
import { closeAllNow } from "../../platform/close-all.ts";
import type { JobDisk, JobFile } from "../../platform/disk.ts";
import type { EntryView } from "../cursor.ts";
import { tablePath } from "../file-names.ts";
import type { KeyRange, TableMeta } from "../table-meta.ts";
import { TableBuilder } from "../table/table-builder.ts";
import { EntryFilter } from "./entry-filter.ts";
import type { FilterCounts, FilterRules } from "./entry-filter.ts";
import { RunMerge } from "./run-merge.ts";
import type { Run } from "./run-merge.ts";

export interface TableFormatOptions {
  readonly blockBytes: number;
  readonly bloomBitsPerKey: number;
}

export interface SizedRange extends KeyRange {
  readonly bytes: number;
}

export interface CompactionInput {
  readonly folder: string;
  readonly runs: readonly Run[];
  readonly rules: FilterRules;
  /** Numbers for outputs: `count` from `first`. */
  readonly numbers: { readonly first: FileNumber; readonly count: number };
  readonly table: TableFormatOptions;
  readonly tableBytes: number;
  /** Tables of the level below the output, sorted. */
  readonly grandparents: readonly SizedRange[];
}

export interface CompactionOutput {
  readonly tables: readonly TableMeta[];
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly dropped: FilterCounts;
}

/** An output that meets more than this many tables' worth of the level below is cut. */
const grandparentTablesMax = 10;

/** Between two yields: about a millisecond of merging, in bytes of cells. */
export const workPerStep = 256 * 1024;
/** What an entry costs beside its cell. */
export const workPerEntry = 128;

export const compactionJob: Job<CompactionInput, CompactionOutput> = {
  name: "compaction",
  urgent: false,
  run: compact,
};

/** How many outputs a merge of these inputs may need at most. */
export function outputsMax(inputs: readonly TableMeta[], tableBytes: number, grandparents: number): number {
  let bytes = 0;
  for (const table of inputs) bytes += table.bytes;
  // A cut for size follows about tableBytes of input, which entries take a little more of in another order;
  // a cut for overlap follows at least one grandparent.
  return 2 * Math.ceil(bytes / tableBytes) + grandparents + 2;
}

function* compact(input: CompactionInput, disk: JobDisk): JobSteps<CompactionOutput> {
  const outputs = new Outputs(input, disk);
  const merge = new RunMerge(input.runs, input.folder, disk);
  const filter = new EntryFilter(input.rules);
  try {
    merge.begin();
    let left = workPerStep;
    for (let entry = merge.entry; entry !== undefined; entry = merge.entry) {
      left -= workPerEntry + entry.cellEnd - entry.cellStart;
      if (filter.keeps(entry)) outputs.add(entry, filter.isNewKey);
      merge.advance();
      if (left > 0) continue;
      left = workPerStep;
      yield outputs.takeUnyieldedBytes();
    }
    outputs.finishTable();
    yield outputs.takeUnyieldedBytes();
    const bytesRead = input.runs.flat().reduce((sum, table) => sum + table.bytes, 0);
    return { tables: outputs.tables, bytesRead, bytesWritten: outputs.bytesWritten, dropped: filter.counts };
  } finally {
    closeAllNow(
      () => merge.close(),
      () => outputs.close(),
    );
  }
}

/** The tables that a merge writes, one after the other. */
class Outputs {
  readonly tables: TableMeta[] = [];
  bytesWritten = 0;
  private readonly input: CompactionInput;
  private readonly disk: JobDisk;
  private readonly splitter: GrandparentSplitter;
  private file: JobFile | undefined;
  private builder: TableBuilder | undefined;
  private unyielded = 0;
  private begun = 0;

  constructor(input: CompactionInput, disk: JobDisk) {
    this.input = input;
    this.disk = disk;
    this.splitter = new GrandparentSplitter(input.grandparents, grandparentTablesMax * input.tableBytes);
  }

  /** Versions of one key are never cut apart, so tables of a level never share a key. */
  add(entry: EntryView, isNewKey: boolean): void {
    const { builder } = this;
    if (builder === undefined) {
      this.splitter.crosses(entry);
      this.splitter.restart();
      this.beginTable().add(entry);
    } else if (isNewKey && (this.splitter.crosses(entry) || builder.bytesWritten >= this.input.tableBytes)) {
      this.finishTable();
      this.beginTable().add(entry);
    } else {
      builder.add(entry);
    }
  }

  finishTable(): void {
    const { builder, file } = this;
    if (builder === undefined || file === undefined) return;
    const meta = builder.finish();
    this.unyielded += builder.takeUnyieldedBytes();
    this.builder = undefined;
    this.file = undefined;
    file.close();
    this.tables.push(meta);
    this.bytesWritten += meta.bytes;
    this.splitter.restart();
  }

  takeUnyieldedBytes(): number {
    const bytes = this.unyielded + (this.builder?.takeUnyieldedBytes() ?? 0);
    this.unyielded = 0;
    return bytes;
  }

  /** After a failure: the file that was being written stays behind for the caller to remove. */
  close(): void {
    const { file } = this;
    this.file = undefined;
    file?.close();
  }

  private beginTable(): TableBuilder {
    const { first, count } = this.input.numbers;
    assert(this.begun < count, "a merge ran out of the numbers that were reserved for it", { count });
    const number = fileNumber(first + this.begun++);
    this.file = this.disk.createFile(tablePath(this.input.folder, number));
    this.builder = new TableBuilder(this.file, { number, ...this.input.table });
    return this.builder;
  }
}

/** Watches how many bytes of the level below the present output meets. */
class GrandparentSplitter {
  private readonly ranges: readonly SizedRange[];
  private readonly bytesMax: number;
  private at = 0;
  private bytes = 0;

  constructor(ranges: readonly SizedRange[], bytesMax: number) {
    this.ranges = ranges;
    this.bytesMax = bytesMax;
  }

  restart(): void {
    this.bytes = 0;
  }

  /** Moves to this key; true when the output would meet too much with it. Keys come in order. */
  crosses(entry: EntryView): boolean {
    const { keyBytes, keyStart, keyEnd } = entry;
    for (; this.at < this.ranges.length; this.at++) {
      const { largest, bytes } = this.ranges[this.at] as SizedRange;
      if (compareRanges(largest, 0, largest.length, keyBytes, keyStart, keyEnd) >= 0) break;
      this.bytes += bytes;
    }
    return this.bytes > this.bytesMax;
  }
}
