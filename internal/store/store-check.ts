// Whether the store in a folder could be opened, found out without changing or locking anything: the same checks
// as opening makes, in its order. Blocks of tables are no part of them, for opening reads none.

import { corruption } from "../base/errors.ts";
import { checkEngineFolder } from "../engine/recovery.ts";
import { recoverLog } from "../log/recovery.ts";
import type { Disk } from "../platform/disk.ts";
import { checkFolder, enginePart, logPart } from "./store-folder.ts";
import { appliedIn, checkLogEnds, checkLogIsThere, onlyGroup } from "./store-parts.ts";

/** Throws what would keep the store from being opened. "absent": opening would make one. */
export async function checkStore(disk: Disk, folder: string): Promise<"whole" | "absent"> {
  const wishes = { createIfMissing: true, errorIfExists: false };
  if (!(await checkFolder(disk, folder, wishes))) return "absent";
  const tables = await checkEngineFolder(disk, enginePart(folder));
  await checkLogIsThere(disk, folder, tables);
  const { groups, run, cleanStop } = await recoverLog(disk, logPart(folder));
  const group = groups.get(onlyGroup);
  const applied = appliedIn(tables);
  // Whether the machine was started again since then is not known here.
  const mayHaveLost = run !== undefined && (run.mayHaveLost || (run.isBuffered && !cleanStop));
  checkLogEnds(folder, applied, { term: group?.term ?? 0, lastIndex: group?.lastIndex ?? 0, mayHaveLost });
  if (group !== undefined && group.baseIndex > applied) {
    const detail = `the log begins behind entry ${group.baseIndex}, the engine ends at entry ${applied}`;
    throw corruption(`${folder}: ${detail}: entries between are missing`);
  }
  return "whole";
}
