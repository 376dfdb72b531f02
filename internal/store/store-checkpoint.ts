// A copy of a store as it is now: a folder that opens as a store of its own.
//
//   make folder, lock it -> copy of the engine (hard links) -> a log that begins behind it -> mark
//
// The mark comes last. Until it is there the folder is no store, and is refused by open.

import { TrefoilError } from "../base/errors.ts";
import { openLog } from "../log/open-log.ts";
import { enginePart, logPart, lockFolder, makeDurably, writeMark } from "./store-folder.ts";
import { onlyGroup } from "./store-parts.ts";
import type { StoreParts } from "./store-parts.ts";

export async function checkpointStore(parts: StoreParts, folder: string): Promise<void> {
  const { seams, engine, log, incarnation } = parts;
  const { disk } = seams;
  await makeDurably(disk, folder);
  const lock = await lockFolder(disk, folder);
  try {
    const there = await disk.list(folder);
    if (there.length > 0) {
      throw new TrefoilError("conflict", `a checkpoint needs an empty folder; ${folder} holds ${there[0] ?? ""}`);
    }
    const applied = await engine.checkpoint(enginePart(folder));
    const index = applied.get(incarnation);
    const { term } = log.group(onlyGroup).hardState;
    const copy = await openLog(logPart(folder), seams, { ...parts.options.log, fsync: { kind: "always" } });
    const group = copy.group(onlyGroup);
    group.setHardState({ term, vote: 0, commit: group.lastIndex });
    if (index !== undefined && index > 0) group.installSnapshot(index, term);
    await copy.close();
    if (copy.failure !== undefined) throw copy.failure;
    await writeMark(disk, folder);
  } finally {
    await lock.release();
  }
}
