// Writes a table from records that came from elsewhere: those of a snapshot, sorted, each key once. It is taken in by
// Engine.ingest, which gives it its number and its sequence.
//
//   chunk := ( user key block | cell block )*        a block is a varint length and its bytes

import { ByteReader, writeU32BigEndian } from "../../base/codec.ts";
import { fileNumber, sequence } from "../../base/ids.ts";
import type { Incarnation } from "../../base/ids.ts";
import { engineKeyBytesMax, incarnationBytes } from "../../base/limits.ts";
import type { Job, JobSteps } from "../../platform/background.ts";
import type { JobDisk } from "../../platform/disk.ts";
import { corruption } from "../../base/errors.ts";
import { CellReader } from "../cell.ts";
import { emptySlot } from "../cursor.ts";
import type { TableMeta } from "../table-meta.ts";
import { TableBuilder } from "../table/table-builder.ts";
import { workPerEntry, workPerStep } from "./compaction-job.ts";
import type { TableFormatOptions } from "./compaction-job.ts";

export interface PrepareTableInput {
  readonly path: string;
  readonly incarnation: Incarnation;
  /** REQUIRES: there is at least one record in them. */
  readonly chunks: readonly Uint8Array[];
  readonly table: TableFormatOptions;
}

/** Not held by the rate of merges: what comes in has a rate of its own, and a replica waits to be filled. */
export const prepareTableJob: Job<PrepareTableInput, TableMeta> = { name: "prepareTable", urgent: true, run: prepare };

function* prepare(input: PrepareTableInput, disk: JobDisk): JobSteps<TableMeta> {
  const file = disk.createFile(input.path);
  try {
    // Its place among the engine's files and writes is given when it is taken in.
    const builder = new TableBuilder(file, { number: fileNumber(1), ...input.table });
    const key = new Uint8Array(engineKeyBytesMax);
    writeU32BigEndian(key, 0, input.incarnation);
    const cell = new CellReader();
    const entry = { ...emptySlot(), keyBytes: key, sequence: sequence(1) };
    let left = workPerStep;
    for (const chunk of input.chunks) {
      const reader = new ByteReader(chunk, "a chunk of records");
      while (reader.remaining > 0) {
        const userKey = reader.block();
        const bytes = reader.block();
        if (userKey.length > key.length - incarnationBytes)
          throw corruption(`a record's key of ${userKey.length} bytes`);
        if (!cell.read(bytes, 0, bytes.length)) throw corruption("a record that cannot be read");
        key.set(userKey, incarnationBytes);
        entry.keyEnd = incarnationBytes + userKey.length;
        entry.cellBytes = bytes;
        entry.cellEnd = bytes.length;
        builder.add(entry);
        left -= workPerEntry + bytes.length;
        if (left > 0) continue;
        left = workPerStep;
        yield builder.takeUnyieldedBytes();
      }
    }
    return builder.finish();
  } finally {
    file.close();
  }
}
