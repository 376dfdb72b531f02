// Reads a manifest, changing nothing. Foreign bytes never get further than here: what does not fit is
// `corruption`, and names the file and the offset.

import { corruption } from "../../base/errors.ts";
import type { FileNumber } from "../../base/ids.ts";
import { readFully } from "../../platform/disk.ts";
import type { Disk } from "../../platform/disk.ts";
import { currentName, joinPath, parseFileName } from "../file-names.ts";
import { decodeEdit } from "./edit-codec.ts";
import { decodeCurrent, decodeHeader, headerBytes, readFrames } from "./manifest-format.ts";
import { tailOf } from "./manifest-tail.ts";
import type { ManifestTail } from "./manifest-tail.ts";
import { faultOfState } from "./state-invariants.ts";
import { applyEdit, emptyState } from "./version-edit.ts";
import type { EngineState, VersionEdit } from "./version-edit.ts";

/** A manifest larger than this is not one of ours: rotation keeps them far below. */
const manifestBytesMost = 1024 * 1024 * 1024;

/** The number of the manifest that `current` names. */
export async function readCurrent(disk: Disk, folder: string): Promise<FileNumber> {
  const path = joinPath(folder, currentName);
  return decodeCurrent(await readWhole(disk, path), path);
}

export interface ReadManifest {
  readonly state: EngineState;
  readonly edits: readonly VersionEdit[];
  readonly fileBytes: number;
  /** Less than fileBytes when there is a tail. */
  readonly soundBytes: number;
  readonly tail: ManifestTail;
}

/** Reads a manifest without changing anything. Throws `corruption` when it is damaged or none. */
export async function readManifest(disk: Disk, path: string): Promise<ReadManifest> {
  const bytes = await readWhole(disk, path);
  const { frames, end } = readFrames(bytes, path);
  checkName(decodeHeader(bytes, path), path);
  const edits: VersionEdit[] = [];
  let state = emptyState;
  for (const { at, edit: encoded, number } of frames) {
    const what = `${path}: edit ${number} at offset ${at}`;
    const edit = decodeEdit(encoded, what);
    edits.push(edit);
    state = applyForeign(state, edit, what);
  }
  if (frames.length === 0) throw corruption(`${path}: its first edit, at offset ${headerBytes}, is missing`);
  return { state, edits, fileBytes: bytes.length, soundBytes: end, tail: tailOf(bytes, end, frames.length + 1) };
}

/** A manifest under another's name is as wrong as a damaged one: it tells of another time. */
export function checkName(number: FileNumber, path: string): void {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const parsed = parseFileName(name);
  if (parsed?.kind !== "manifest" || parsed.number === number) return;
  throw corruption(`${path}: the header says that this is manifest ${number}, the name says ${parsed.number}`);
}

/** applyEdit, of an edit that may be nonsense although its checksum is right. */
export function applyForeign(state: EngineState, edit: VersionEdit, what: string): EngineState {
  for (const { level, number } of edit.removed) {
    const there = state.version.levels[level]?.some((table) => table.number === number) ?? false;
    if (!there) throw corruption(`${what} removes table ${number} from level ${level}, which does not hold it`);
  }
  const next = applyEdit(state, edit);
  const fault = faultOfState(next);
  if (fault !== undefined) throw corruption(`${what}: ${fault}`);
  return next;
}

export async function readWhole(disk: Disk, path: string): Promise<Uint8Array> {
  const size = await disk.sizeOf(path);
  if (size === undefined) throw corruption(`${path} is missing`);
  if (size > manifestBytesMost) throw corruption(`${path} is too large to be ours: ${size} bytes`);
  const file = await disk.openFile(path, { access: "read" });
  try {
    const bytes = new Uint8Array(size);
    const read = await readFully(file, bytes, 0);
    return bytes.subarray(0, read);
  } finally {
    await file.close();
  }
}
