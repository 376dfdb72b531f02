// Opens an engine's folder: finds what the manifest says, checks that it is all there, and removes what a
// crash left behind. Nothing on disk is changed before everything has been found sound, and nothing is removed
// that an edit may have named which cannot be read.

import { corruption } from "../base/errors.ts";
import { fileNumber } from "../base/ids.ts";
import type { FileNumber } from "../base/ids.ts";
import type { Disk } from "../platform/disk.ts";
import type { Logger } from "../platform/logger.ts";
import { asideName, currentName, joinPath, manifestName, numberIn, parseFileName, tableName } from "./file-names.ts";
import type { EngineFile } from "./file-names.ts";
import { emptyManifestBytes, Manifest } from "./version/manifest.ts";
import type { ManifestPlace } from "./version/manifest.ts";
import { readCurrent, readManifest } from "./version/manifest-reader.ts";
import type { ReadManifest } from "./version/manifest-reader.ts";
import { emptyState } from "./version/version-edit.ts";
import type { EngineState } from "./version/version-edit.ts";

const firstNumber = emptyState.nextFileNumber;

/** The manifest of the folder, made when there is none. */
export async function openManifest(place: ManifestPlace, logger: Logger): Promise<Manifest> {
  const { disk, folder } = place;
  await disk.makeFolder(folder);
  const names = await disk.list(folder);
  const own = names.map((name) => ({ name, file: parseFileName(name) }));
  if (!names.includes(currentName)) {
    await checkBeginning(disk, folder, names);
    // A crash while the folder was being made: nothing was promised yet.
    for (const { name, file } of own) if (file !== undefined) await disk.remove(joinPath(folder, name));
    return Manifest.create(place);
  }
  const next = names.reduce((most, name) => Math.max(most, numberIn(name) + 1), 1);
  const manifest = await Manifest.open(place, fileNumber(next), async (found, number) => {
    const path = joinPath(folder, manifestName(number));
    if (found.tail !== "none") warnOfTail(found, path, logger);
    checkTables(found.state, folder, names);
    if (found.tail === "doubtful") await setAside(place, { state: found.state, names, manifest: path });
  });
  await removeStrays(place, manifest, logger);
  return manifest;
}

/**
 * An engine that is being made has no table, and its manifest is file 1 and tells of nothing. Nobody relies
 * on it before there is a `current`.
 */
async function isOfFirstOpen(file: EngineFile, disk: Disk, path: string): Promise<boolean> {
  if (file.kind === "current" || file.kind === "table" || file.number !== firstNumber) return false;
  return file.kind === "temporary" || ((await disk.sizeOf(path)) ?? 0) <= emptyManifestBytes;
}

/**
 * What the engine in a folder consists of, changing nothing; undefined when one can be made there. Throws what would
 * keep it from being opened.
 */
export async function checkEngineFolder(disk: Disk, folder: string): Promise<EngineState | undefined> {
  const names = await disk.list(folder);
  if (!names.includes(currentName)) {
    await checkBeginning(disk, folder, names);
    return undefined;
  }
  const number = await readCurrent(disk, folder);
  const { state } = await readManifest(disk, joinPath(folder, manifestName(number)));
  checkTables(state, folder, names);
  return state;
}

/** Without a `current` there may be what a crash left of the engine's making, and nothing else of its names. */
async function checkBeginning(disk: Disk, folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const file = parseFileName(name);
    const there = joinPath(folder, name);
    if (file === undefined || (await isOfFirstOpen(file, disk, there))) continue;
    throw corruption(
      `${joinPath(folder, currentName)} is missing, but there is ${there}: the folder is damaged, or a checkpoint ` +
        `that was not finished`,
    );
  }
}

function checkTables(state: EngineState, folder: string, names: readonly string[]): void {
  const there = new Set(names);
  for (const table of state.version.levels.flat()) {
    const name = tableName(table.number);
    if (!there.has(name)) throw corruption(`${joinPath(folder, name)} is missing: the manifest names it`);
  }
}

function warnOfTail({ tail, soundBytes, fileBytes, edits }: ReadManifest, path: string, logger: Logger): void {
  const what =
    tail === "torn"
      ? "the last change of the engine's state was not written to its end and does not count"
      : "the last change of the engine's state is damaged, or was never synced: it does not count; tables that it may " +
        "have named are set aside, as is the manifest. Remove them when nothing is missed";
  logger.warn(what, { path, edit: edits.length + 1, offset: soundBytes, bytes: fileBytes - soundBytes });
}

/** Keeps what an edit may have named that cannot be read: its manifest, and every table that no other edit names. */
async function setAside(
  { disk, folder }: ManifestPlace,
  found: { readonly state: EngineState; readonly names: readonly string[]; readonly manifest: string },
): Promise<void> {
  const { state, names, manifest } = found;
  const live = liveTables(state);
  for (const name of names) {
    const file = parseFileName(name);
    if (file?.kind !== "table" || live.has(file.number)) continue;
    await disk.rename(joinPath(folder, name), joinPath(folder, asideName(name)));
  }
  const copy = asideName(manifest);
  if ((await disk.sizeOf(copy)) === undefined) await disk.link(manifest, copy);
}

function liveTables(state: EngineState): Set<FileNumber> {
  return new Set(state.version.levels.flat().map((table) => table.number));
}

/**
 * Tables of jobs that never ended or were never claimed, and manifests that were replaced. One that cannot be
 * removed is only wasted space.
 */
async function removeStrays({ disk, folder }: ManifestPlace, manifest: Manifest, logger: Logger): Promise<void> {
  const live = liveTables(manifest.state);
  try {
    for (const name of await disk.list(folder)) {
      const file = parseFileName(name);
      if (file === undefined || file.kind === "current") continue;
      const kept =
        file.kind === "table" ? live.has(file.number) : file.kind === "manifest" && file.number === manifest.fileNumber;
      if (!kept) await disk.remove(joinPath(folder, name));
    }
  } catch (failure) {
    logger.warn("files that are no longer needed could not be removed", { folder, reason: String(failure) });
  }
}
