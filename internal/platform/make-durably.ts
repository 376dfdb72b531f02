// Makes a folder so that it is there after a power cut.

import { DiskFailure } from "./disk.ts";
import type { Disk } from "./disk.ts";

/** Makes a folder, and makes its name and those of its parents outlive a power cut. */
export async function makeDurably(disk: Disk, folder: string): Promise<void> {
  await disk.makeFolder(folder);
  for (let parent = parentOf(folder); parent !== undefined; parent = parentOf(parent)) {
    try {
      await disk.syncFolder(parent);
    } catch (failure) {
      // Where we may not look, we did not make anything either.
      if (failure instanceof DiskFailure && failure.kind === "denied") return;
      throw failure;
    }
  }
}

function parentOf(path: string): string | undefined {
  const trimmed = path.replace(/\/+$/, "");
  if (trimmed === "" || trimmed === ".") return undefined;
  const at = trimmed.lastIndexOf("/");
  return at === -1 ? "." : trimmed.slice(0, Math.max(at, 1));
}
