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
import type { FaultRule } from "../disk/fault-rules.ts";
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

/** A disk's failure at one step of writing a manifest. */
export interface FailingStep {
  readonly name: string;
  /** Of an append to the file that is there, or of a new manifest because such an append found no space. */
  readonly during: "append" | "begin";
  readonly rule: FaultRule;
  /** Whether the manifest takes nothing more. */
  readonly isFinal: boolean;
}

const callsOf = {
  append: ["write", "syncData"],
  begin: ["openFile", "write", "syncData", "syncFolder", "rename"],
} as const;

/** Every call that fails in every way, the first to the third of its kind. */
export function failingSteps(): FailingStep[] {
  const steps: FailingStep[] = [];
  for (const during of ["append", "begin"] as const) {
    for (const failure of ["full", "failed"] as const) {
      for (const call of callsOf[during]) {
        for (let when = 1; when <= (during === "append" ? 1 : 3); when++) {
          for (const after of call === "openFile" ? [false] : [false, true]) {
            const rule: FaultRule = { calls: [call], when, fault: { kind: "fail", failure, after } };
            const isFinal = failure === "failed" || call === "syncData" || call === "syncFolder";
            const name = `${during}: ${call} ${when} ${failure}${after ? ", done all the same" : ""}`;
            steps.push({ name, during, rule, isFinal });
          }
        }
      }
    }
  }
  return steps;
}
