// Takes away again what was made in a folder by something that failed.

import { DiskFailure } from "./disk.ts";
import type { Disk } from "./disk.ts";

/** Removes every file in a folder, and the folder; nothing happens when there is none. REQUIRES: it holds no other folder. */
export async function removeFolderOfFiles(disk: Disk, folder: string): Promise<void> {
  let names: string[];
  try {
    names = await disk.list(folder);
  } catch (failure) {
    if (failure instanceof DiskFailure && failure.kind === "not_found") return;
    throw failure;
  }
  for (const name of names) await disk.remove(`${folder}/${name}`);
  await disk.removeFolder(folder);
}
