// The inputs of a merge as one stream of entries in order. A run is a table of level 0, or tables of one
// sorted level, which lie one behind the other: only the one that the walk has come to is open.
//
//   runs, by their present key:   [b ...]  [b ...]  [f ...]  [k ...]
//                                  ^ least: the present entry
//
// Moving on compares the run's next key with that of the second: mostly it is still the least, since the deeper
// run holds most entries. If not, its place among the others is found by halving.

import { assert } from "../../base/assert.ts";
import { compareRanges } from "../../base/bytes.ts";
import { corruption } from "../../base/errors.ts";
import { closeAllNow } from "../../platform/close-all.ts";
import type { JobDisk, JobFile } from "../../platform/disk.ts";
import type { EntryView } from "../cursor.ts";
import { tablePath } from "../file-names.ts";
import type { TableMeta } from "../table-meta.ts";
import { TableScan } from "../table/table-scan.ts";

/** Tables that do not overlap, in order. */
export type Run = readonly TableMeta[];

export class RunMerge {
  private readonly walks: readonly RunWalk[];
  /** order[0, size) are the walks that stand at an entry, the least first. */
  private readonly order: RunWalk[] = [];

  constructor(runs: readonly Run[], folder: string, disk: JobDisk) {
    this.walks = runs.map((run) => new RunWalk(run, folder, disk));
  }

  /** To the first entry. */
  begin(): void {
    for (const walk of this.walks) {
      walk.openNext();
      if (walk.valid) this.insert(walk, 0);
    }
  }

  /** The present entry, or undefined behind the last. Valid until the next `advance`. */
  get entry(): EntryView | undefined {
    return this.order[0]?.scan;
  }

  /** REQUIRES: there is an entry. */
  advance(): void {
    const { order } = this;
    const first = order[0] as RunWalk;
    first.next();
    if (!first.valid) {
      order.shift();
      return;
    }
    const second = order[1];
    if (second === undefined || isBefore(first.scan, second.scan)) return;
    let low = 2;
    let high = order.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(first.scan, (order[middle] as RunWalk).scan)) high = middle;
      else low = middle + 1;
    }
    for (let at = 1; at < low; at++) order[at - 1] = order[at] as RunWalk;
    order[low - 1] = first;
  }

  close(): void {
    closeAllNow(...this.walks.map((walk) => () => walk.close()));
  }

  private insert(walk: RunWalk, from: number): void {
    let at = from;
    while (at < this.order.length && isBefore((this.order[at] as RunWalk).scan, walk.scan)) at++;
    this.order.splice(at, 0, walk);
  }
}

/** One run, table by table. */
class RunWalk {
  valid = false;
  /** REQUIRES: valid. */
  scan!: TableScan;
  private readonly run: Run;
  private readonly folder: string;
  private readonly disk: JobDisk;
  private at = -1;
  private file: JobFile | undefined;
  /** Entries of the present table that are still to come, the present one included. */
  private left = 0;

  constructor(run: Run, folder: string, disk: JobDisk) {
    this.run = run;
    this.folder = folder;
    this.disk = disk;
  }

  next(): void {
    this.left--;
    this.scan.next();
    if (!this.scan.valid) this.openNext();
  }

  /** To the first entry of the next table. */
  openNext(): void {
    this.finishTable();
    this.at++;
    const meta = this.run[this.at];
    this.valid = meta !== undefined;
    if (meta === undefined) return;
    this.file = this.disk.openFile(tablePath(this.folder, meta.number));
    this.scan = new TableScan(this.file, meta);
    this.left = meta.entries;
    this.scan.seekToFirst();
    assert(this.scan.valid, "a table without entries", { number: meta.number });
  }

  /** Once only, though it may fail. */
  close(): void {
    const { file } = this;
    this.file = undefined;
    this.valid = false;
    file?.close();
  }

  /** A table that yields fewer entries than it was written with would lose them for good. */
  private finishTable(): void {
    const { file } = this;
    if (file === undefined) return;
    if (this.left !== 0) {
      throw corruption(`${file.path}: ${this.left} of its ${this.run[this.at]?.entries ?? 0} entries were not found`);
    }
    this.scan.close();
    this.close();
  }
}

/** By key; of one key the newest version first. */
function isBefore(a: EntryView, b: EntryView): boolean {
  const order = compareRanges(a.keyBytes, a.keyStart, a.keyEnd, b.keyBytes, b.keyStart, b.keyEnd);
  return order !== 0 ? order < 0 : a.sequence > b.sequence;
}
