// What lies in a folder that need not be there.

import { DiskFailure } from "./disk.ts";
import type { Disk } from "./disk.ts";

/** As Disk.list; none when there is no such folder. */
export async function namesIn(disk: Disk, folder: string): Promise<string[]> {
  try {
    return await disk.list(folder);
  } catch (failure) {
    if (failure instanceof DiskFailure && failure.kind === "not_found") return [];
    throw failure;
  }
}
