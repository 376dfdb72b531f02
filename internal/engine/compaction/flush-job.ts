// Writes a sealed memtable to one table of level 0. Versions that neither the present nor a live snapshot
// can see are left out, and keys of dead incarnations; tombstones and expired records stay, for deeper levels
// may hold what they hide.

import type { FileNumber, Incarnation, Sequence } from "../../base/ids.ts";
import type { Job, JobSteps } from "../../platform/background.ts";
import type { JobDisk, JobFile } from "../../platform/disk.ts";
import { cursorOverSealed } from "../memtable/memtable-cursor.ts";
import type { SealedMemtable } from "../memtable/memtable.ts";
import type { TableMeta } from "../table-meta.ts";
import { TableBuilder } from "../table/table-builder.ts";
import { workPerEntry, workPerStep } from "./compaction-job.ts";
import type { TableFormatOptions } from "./compaction-job.ts";
import { EntryFilter } from "./entry-filter.ts";

export interface FlushInput {
  readonly path: string;
  readonly number: FileNumber;
  /** REQUIRES: it has entries. */
  readonly memtable: SealedMemtable;
  readonly snapshots: readonly Sequence[];
  readonly dead: readonly Incarnation[];
  readonly table: TableFormatOptions;
}

/** undefined: nothing of the memtable was worth keeping, and there is no file. */
export const flushJob: Job<FlushInput, TableMeta | undefined> = { name: "flush", urgent: true, run: flush };

function* flush(input: FlushInput, disk: JobDisk): JobSteps<TableMeta | undefined> {
  const filter = new EntryFilter({ snapshots: input.snapshots, horizons: [], dead: input.dead, below: [] });
  const cursor = cursorOverSealed(input.memtable);
  let file: JobFile | undefined;
  let builder: TableBuilder | undefined;
  try {
    let left = workPerStep;
    for (cursor.seekToFirst(); cursor.valid; cursor.next()) {
      left -= workPerEntry + cursor.cellEnd - cursor.cellStart;
      if (filter.keeps(cursor)) {
        file ??= disk.createFile(input.path);
        builder ??= new TableBuilder(file, { number: input.number, ...input.table });
        builder.add(cursor);
      }
      if (left > 0) continue;
      left = workPerStep;
      yield builder?.takeUnyieldedBytes() ?? 0;
    }
    return builder?.finish();
  } finally {
    file?.close();
  }
}
