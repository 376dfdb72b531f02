// The folder of a store:
//
//   trefoil-store   says what this folder is: "trefoil store, format 1"
//   log/            the shared log
//   engine/         the engine
//   .lock-*         while it is open
//
// The first file comes last, by a rename: until then nothing was promised. A folder with something else in
// it and without that file is somebody else's and is not touched.

import { utf8, utf8Text } from "../base/bytes.ts";
import { corruption, TrefoilError } from "../base/errors.ts";
import { DiskFailure, readFully, writeFully } from "../platform/disk.ts";
import type { Disk, FolderLock } from "../platform/disk.ts";
import { namesIn } from "../platform/names-in.ts";
import { makeDurably } from "../platform/make-durably.ts";
import type { StoreOptions } from "./options.ts";

/** The names in it, but for the lock's. */
export const storeParts = {
  mark: "trefoil-store",
  temporary: "trefoil-store.temporary",
  log: "log",
  engine: "engine",
} as const;

const markName = storeParts.mark;
const temporaryName = storeParts.temporary;
const partNames = new Set<string>(Object.values(storeParts));
const lockPrefix = ".lock-";
const format = 1;

export const logPart = (folder: string): string => `${folder}/${storeParts.log}`;
export const enginePart = (folder: string): string => `${folder}/${storeParts.engine}`;

const unmarked = "it is damaged, or a checkpoint that was not finished";

/** Checks the folder, makes the store when it is to be made, and locks it. Changes nothing when it refuses. */
export async function claimFolder(disk: Disk, folder: string, options: StoreOptions): Promise<FolderLock> {
  const exists = await checkFolder(disk, folder, options);
  if (!exists) await makeDurably(disk, folder);
  const lock = await lockFolder(disk, folder);
  try {
    // Somebody may have made or removed it before the lock was ours.
    if (!(await checkFolder(disk, folder, options))) await writeMark(disk, folder);
    return lock;
  } catch (failure) {
    await lock.release();
    throw failure;
  }
}

/** Whether the folder holds a store. Throws when what is there is not what the options want. */
export async function checkFolder(
  disk: Disk,
  folder: string,
  options: Pick<StoreOptions, "createIfMissing" | "errorIfExists">,
): Promise<boolean> {
  const names = await namesIn(disk, folder);
  const own = (name: string) => partNames.has(name) || name.startsWith(lockPrefix);
  const strangers = names.filter((name) => !own(name));
  if (!names.includes(markName)) {
    if (strangers.length > 0) {
      const detail = `${folder} is not a store of Trefoil: it holds ${strangers.slice(0, 3).join(", ")} and no ${markName}`;
      throw new TrefoilError("bad_request", `${detail}. Choose an empty folder`);
    }
    for (const part of [storeParts.log, storeParts.engine].filter((name) => names.includes(name))) {
      const inside = await namesIn(disk, `${folder}/${part}`);
      if (inside.length === 0) continue;
      throw corruption(`${folder} holds ${part}/${inside[0] ?? ""}, but ${markName} is missing: ${unmarked}`);
    }
    if (names.length === 0 && (await disk.sizeOf(folder)) !== undefined) {
      throw new TrefoilError("bad_request", `${folder} is a file, and is no folder. Choose an empty folder`);
    }
    if (!options.createIfMissing)
      throw new TrefoilError("not_found", `a store in ${folder} does not exist, and is not to be made`);
    return false;
  }
  await checkMark(disk, folder);
  for (const part of [storeParts.log, storeParts.engine]) {
    if (!names.includes(part)) throw corruption(`${folder}/${part} is missing: the folder is damaged`);
  }
  if (options.errorIfExists)
    throw new TrefoilError("conflict", `a store in ${folder} exists, and a new one was wanted`);
  return true;
}

async function checkMark(disk: Disk, folder: string): Promise<void> {
  const found = await readMark(disk, folder);
  if (found === format) return;
  const detail = `${folder} holds a store of format ${found}; this version reads format ${format}`;
  throw new TrefoilError("bad_request", `${detail}. Use the version of Trefoil that wrote it`);
}

/** The format of the store in a folder, whether it is known here or not. Throws `corruption` when the mark says none. */
export async function readMark(disk: Disk, folder: string): Promise<number> {
  const path = `${folder}/${storeParts.mark}`;
  const file = await disk.openFile(path, { access: "read" });
  let text: string;
  try {
    const bytes = new Uint8Array(128);
    text = utf8Text(bytes.subarray(0, await readFully(file, bytes, 0)));
  } finally {
    await file.close();
  }
  const found = /^trefoil store, format (\d{1,9})\n$/.exec(text)?.[1];
  if (found === undefined) throw corruption(`${path} does not say what it should: ${JSON.stringify(text)}`);
  return Number(found);
}

/** Takes the folder for this process. */
export async function lockFolder(disk: Disk, folder: string): Promise<FolderLock> {
  try {
    return await disk.lockFolder(folder);
  } catch (failure) {
    if (!(failure instanceof DiskFailure) || failure.kind !== "in_use") throw failure;
    const why = failure.cause instanceof Error ? failure.cause.message : "in use";
    throw new TrefoilError("conflict", `${folder} is ${why}`, { cause: failure });
  }
}

/** Makes the folder a store. */
export async function writeMark(disk: Disk, folder: string): Promise<void> {
  const temporary = `${folder}/${temporaryName}`;
  const bytes = utf8(`trefoil store, format ${format}\n`);
  const file = await disk.openFile(temporary, { access: "write", create: "may" });
  try {
    await writeFully(file, bytes, 0);
    await file.truncate(bytes.length);
    await file.syncData();
  } finally {
    await file.close();
  }
  await disk.makeFolder(logPart(folder));
  await disk.makeFolder(enginePart(folder));
  // The mark may reach the disk before the names beside it: what it stands for goes first.
  await disk.syncFolder(folder);
  await disk.rename(temporary, `${folder}/${markName}`);
  await disk.syncFolder(folder);
}
