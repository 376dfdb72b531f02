// A manifest on a disk in memory, for tests: random edits appended one after the other, and states as text.

import { hex } from "../../internal/base/bytes.ts";
import { fileNumber } from "../../internal/base/ids.ts";
import { Prng } from "../../internal/base/prng.ts";
import type { Disk } from "../../internal/platform/disk.ts";
import { currentName, joinPath, parseFileName } from "../../internal/engine/file-names.ts";
import { encodeEdit } from "../../internal/engine/version/edit-codec.ts";
import { Manifest } from "../../internal/engine/version/manifest.ts";
import { editFromState } from "../../internal/engine/version/version-edit.ts";
import type { EngineState, VersionEdit } from "../../internal/engine/version/version-edit.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { randomStates } from "./version-fixture.ts";

export const manifestFolder = "/engine";

/** A state as text. The next file number is left out: a manifest takes numbers for itself. */
export function shown(state: EngineState): string {
  return hex(encodeEdit(editFromState({ ...state, nextFileNumber: fileNumber(0) })));
}

export function placeOn(disk: Disk, bytesMax = 1024 * 1024): { disk: Disk; folder: string; bytesMax: number } {
  return { disk, folder: manifestFolder, bytesMax };
}

/** As the engine's recovery does: the new manifest's number is above that of every file there is. */
export async function openOn(disk: Disk, bytesMax?: number): Promise<Manifest> {
  const numbers = (await disk.list(manifestFolder)).map((name) => {
    const file = parseFileName(name);
    return file === undefined || file.kind === "current" ? 0 : file.number;
  });
  return Manifest.open(placeOn(disk, bytesMax), fileNumber(Math.max(...numbers) + 1), () => undefined);
}

export interface WrittenManifest {
  readonly disk: MemoryDisk;
  readonly path: string;
  readonly bytes: Uint8Array;
  /** As it was before it was closed. */
  readonly crashed: Uint8Array;
  readonly edits: readonly VersionEdit[];
  readonly states: readonly EngineState[];
}

/** A manifest to which so many random edits were appended; it is closed. */
export async function writtenManifest(edits: number, seed: number): Promise<WrittenManifest> {
  const disk = new MemoryDisk();
  await disk.makeFolder(manifestFolder);
  const made = randomStates(edits, new Prng(seed));
  const manifest = await Manifest.create(placeOn(disk));
  for (const edit of made.edits) await manifest.append(edit);
  const path = joinPath(manifestFolder, "manifest-000001");
  const crashed = disk.peek(path) as Uint8Array;
  await manifest.close();
  return { disk, path, bytes: disk.peek(path) as Uint8Array, crashed, ...made };
}

/** Everything in the folder: what a refusal must not change. */
export async function contentsOf(disk: MemoryDisk): Promise<string[]> {
  const names = await disk.list(manifestFolder);
  return names.map((name) => `${name} ${hex(disk.peek(joinPath(manifestFolder, name)) as Uint8Array)}`);
}

export const currentPath = joinPath(manifestFolder, currentName);
