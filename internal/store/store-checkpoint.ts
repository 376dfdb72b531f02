// A copy of a store as it is now: a folder that opens as a store of its own.
//
//   make folder, lock it -> copy of the engine (hard links) -> a log that begins behind it -> mark
//
// The mark comes last. Until it is there the folder is no store, and is refused by open.

import { TrefoilError } from "../base/errors.ts";
import type { Disk } from "../platform/disk.ts";
import { removeFolderOfFiles } from "../platform/remove-contents.ts";
import { openLog } from "../log/open-log.ts";
import { makeDurably } from "../platform/make-durably.ts";
import { enginePart, logPart, lockFolder, storeParts, writeMark } from "./store-folder.ts";
import { onlyGroup } from "./store-parts.ts";
import type { StoreParts } from "./store-parts.ts";

export async function checkpointStore(parts: StoreParts, folder: string): Promise<void> {
  const { disk, logger } = parts.seams;
  await makeDurably(disk, folder);
  const lock = await lockFolder(disk, folder);
  try {
    const there = await disk.list(folder);
    if (there.length > 0) {
      throw new TrefoilError("conflict", `a checkpoint needs an empty folder; ${folder} holds ${there[0] ?? ""}`);
    }
    await copyTo(parts, folder).catch(async (failure: unknown) => {
      await clear(disk, folder).catch((second: unknown) => {
        logger.warn("what a failed checkpoint made could not be removed", { folder, reason: String(second) });
      });
      throw failure;
    });
  } finally {
    await lock.release();
  }
}

async function copyTo(parts: StoreParts, folder: string): Promise<void> {
  const { seams, engine, log, incarnation } = parts;
  const applied = await engine.checkpoint(enginePart(folder));
  const index = applied.get(incarnation);
  const { term } = log.group(onlyGroup).hardState;
  const copy = await openLog(logPart(folder), seams, { ...parts.options.log, fsync: { kind: "always" } });
  try {
    const group = copy.group(onlyGroup);
    group.setHardState({ term, vote: 0, commit: group.lastIndex });
    if (index !== undefined && index > 0) group.installSnapshot(index, term);
  } finally {
    await copy.close();
  }
  if (copy.failure !== undefined) throw copy.failure;
  await writeMark(seams.disk, folder);
}

/** Leaves the folder as it was found, so that the same can be tried again. */
async function clear(disk: Disk, folder: string): Promise<void> {
  await removeFolderOfFiles(disk, enginePart(folder));
  await removeFolderOfFiles(disk, logPart(folder));
  for (const name of [storeParts.mark, storeParts.temporary]) {
    if ((await disk.sizeOf(`${folder}/${name}`)) !== undefined) await disk.remove(`${folder}/${name}`);
  }
}
