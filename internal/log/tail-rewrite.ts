// After anything but an orderly stop the end of the last segment is not proven: the process may have died
// between a write and its sync, or the kernel may have dropped pages whose sync failed and still show
// them to readers. So the part that was read as good is written into a new file and synced before anybody
// is told what the log holds (rule 20); what was torn is left behind with the old file.
//
//   copy 512..used -> N.new | sync | rename N.new over N.log | sync folder

import { corruption } from "../base/errors.ts";
import { readFully, writeFully } from "../platform/disk.ts";
import type { Disk } from "../platform/disk.ts";
import { draftName, segmentName } from "./segment.ts";

const copyBytes = 1024 * 1024;

export async function rewriteTail(disk: Disk, folder: string, number: number, used: number): Promise<void> {
  const from = `${folder}/${segmentName(number)}`;
  const to = `${folder}/${draftName(number)}`;
  const source = await disk.openFile(from, { access: "read" });
  try {
    const target = await disk.openFile(to, { access: "write", create: "must" });
    try {
      const chunk = new Uint8Array(Math.min(copyBytes, used));
      for (let at = 0; at < used; at += chunk.length) {
        const part = chunk.subarray(0, Math.min(chunk.length, used - at));
        if ((await readFully(source, part, at)) < part.length) throw corruption(`${from} became shorter than ${used}`);
        await writeFully(target, part, at);
      }
      await target.syncData();
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
  await disk.rename(to, from);
  await disk.syncFolder(folder);
}
