// Writes a sealed memtable to one table of level 0. Versions that neither the present nor a live snapshot
// can see are left out; tombstones and expired records stay, for deeper levels may hold what they hide.

import type { FileNumber, Sequence } from "../../base/ids.ts";
import type { Job, JobSteps } from "../../platform/background.ts";
import type { JobDisk } from "../../platform/disk.ts";
import { cursorOverSealed } from "../memtable/memtable-cursor.ts";
import type { SealedMemtable } from "../memtable/memtable.ts";
import type { TableMeta } from "../table-meta.ts";
import { TableBuilder } from "../table/table-builder.ts";
import type { TableFormatOptions } from "./compaction-job.ts";
import { EntryFilter } from "./entry-filter.ts";

export interface FlushInput {
  readonly path: string;
  readonly number: FileNumber;
  /** REQUIRES: it has entries. */
  readonly memtable: SealedMemtable;
  readonly snapshots: readonly Sequence[];
  readonly table: TableFormatOptions;
}

const entriesPerStep = 1024;

export const flushJob: Job<FlushInput, TableMeta> = { name: "flush", urgent: true, run: flush };

function* flush(input: FlushInput, disk: JobDisk): JobSteps<TableMeta> {
  const file = disk.createFile(input.path);
  try {
    const builder = new TableBuilder(file, { number: input.number, ...input.table });
    const filter = new EntryFilter({ snapshots: input.snapshots, horizons: [], dead: [], below: [] });
    const cursor = cursorOverSealed(input.memtable);
    cursor.seekToFirst();
    for (let count = 1; cursor.valid; count++) {
      if (filter.keeps(cursor)) builder.add(cursor);
      cursor.next();
      if (count % entriesPerStep === 0) yield builder.takeUnyieldedBytes();
    }
    return builder.finish();
  } finally {
    file.close();
  }
}
