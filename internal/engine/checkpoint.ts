// A checkpoint: a folder that opens as an engine of its own and holds what this one has made durable.
// Tables are never changed once written, so a second name for each of them is a copy.
//
//   make folder -> link each table -> write manifest and `current` (synced, renamed, folder synced)
//
// A checkpoint without `current` is not complete and is refused by open.

import { TrefoilError } from "../base/errors.ts";
import type { Incarnation, LogIndex } from "../base/ids.ts";
import type { EngineCore } from "./core.ts";
import { tablePath } from "./file-names.ts";
import { removeFolderOfFiles } from "../platform/remove-contents.ts";
import { Manifest } from "./version/manifest.ts";

/** Answers up to which log index of each incarnation the copy goes. */
export async function checkpointTo(core: EngineCore, folder: string): Promise<ReadonlyMap<Incarnation, LogIndex>> {
  const { disk } = core.seams;
  await disk.makeFolder(folder);
  const there = await disk.list(folder);
  if (there.length > 0) {
    throw new TrefoilError("conflict", `a checkpoint needs an empty folder; ${folder} holds ${there[0] ?? ""}`);
  }
  const { state } = core;
  const version = core.versions.pin();
  try {
    for (const table of version.levels.flat()) {
      await disk.link(tablePath(core.folder, table.number), tablePath(folder, table.number));
    }
    const place = { disk, folder, bytesMax: core.options.manifestBytesMax };
    const manifest = await Manifest.create(place, { ...state, version });
    await manifest.close();
    await disk.syncFolder(parentOf(folder));
    return state.applied;
  } catch (failure) {
    // The folder was empty before: what is in it now would only be in the way of the next try.
    await removeFolderOfFiles(disk, folder).catch((second: unknown) => {
      core.seams.logger.warn("what a failed checkpoint made could not be removed", { folder, reason: String(second) });
    });
    throw failure;
  } finally {
    core.versions.unpin(version);
  }
}

function parentOf(path: string): string {
  const at = path.replace(/\/+$/, "").lastIndexOf("/");
  return at === -1 ? "." : path.slice(0, Math.max(at, 1));
}
