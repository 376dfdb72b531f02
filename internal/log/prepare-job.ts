// Makes the file of a segment ahead of its use: header, then zeros to the full size, synced. A write into
// space that a file has already costs one sync of data; a write that lets it grow costs one of its
// metadata as well. The file lies under a draft's name until its owner renames it.

import { writeFullyNow } from "../platform/disk.ts";
import type { Job } from "../platform/background.ts";

export interface PrepareInput {
  readonly path: string;
  readonly header: Uint8Array;
  readonly bytes: number;
}

const stepBytes = 256 * 1024;
const syncEveryBytes = 1024 * 1024;

export const prepareSegmentJob: Job<PrepareInput, null> = {
  name: "log.prepare",
  // The next commit may be waiting for it.
  urgent: true,
  *run(input, disk) {
    const file = disk.createFile(input.path);
    try {
      writeFullyNow(file, input.header, 0);
      const zeros = new Uint8Array(Math.min(stepBytes, input.bytes));
      let unsynced = 0;
      for (let at = input.header.length; at < input.bytes;) {
        const length = Math.min(zeros.length, input.bytes - at);
        writeFullyNow(file, length === zeros.length ? zeros : zeros.subarray(0, length), at);
        at += length;
        unsynced += length;
        if (unsynced >= syncEveryBytes) {
          file.syncData();
          unsynced = 0;
        }
        yield length;
      }
      file.syncData();
    } finally {
      file.close();
    }
    return null;
  },
};
