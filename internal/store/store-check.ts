// Whether the store in a folder could be opened, found out without changing or locking anything: the same checks
// as opening makes, in its order. Blocks of tables are no part of them, for opening reads none.

import { checkEngineFolder } from "../engine/recovery.ts";
import { recoverLog } from "../log/recovery.ts";
import type { Disk } from "../platform/disk.ts";
import { checkFolder, enginePart, logPart } from "./store-folder.ts";
import { checkLogFits, checkLogIsThere } from "./store-parts.ts";

/** Throws what would keep the store from being opened. "absent": opening would make one. */
export async function checkStore(disk: Disk, folder: string): Promise<"whole" | "absent"> {
  const wishes = { createIfMissing: true, errorIfExists: false };
  if (!(await checkFolder(disk, folder, wishes))) return "absent";
  const tables = await checkEngineFolder(disk, enginePart(folder));
  await checkLogIsThere(disk, folder, tables);
  checkLogFits(await recoverLog(disk, logPart(folder)), folder, tables);
  return "whole";
}
