// The manifest makes changes of the engine's state durable. It is a file of edits; `current` names it.
//
//   open    read `current` and its manifest, then begin a new manifest with the whole state
//   append  write the edit's frame, sync, and only then does the state change
//   begin   write the new manifest, sync it, sync the folder, write a temporary file with its name, sync
//           that, rename it to `current`, sync the folder, remove the old manifest
//   close   write the frame of an edit that changes nothing
//
// When an append fails for want of space, nobody knows how much of the frame is on disk. Nothing more is
// written to that file: the next append begins a new manifest, in which the edit is part of the state. A
// crash before that may find the edit done or not, so whoever made it keeps what it names until a later
// append has succeeded. A failed sync is final, whatever reason the disk gives: the manifest takes nothing more.

import { assert } from "../../base/assert.ts";
import { emptyBytes } from "../../base/bytes.ts";
import { TrefoilError } from "../../base/errors.ts";
import { fileNumber } from "../../base/ids.ts";
import type { FileNumber } from "../../base/ids.ts";
import { DiskFailure, writeFully } from "../../platform/disk.ts";
import type { Disk, DiskFile } from "../../platform/disk.ts";
import { currentName, joinPath, manifestName, temporaryName } from "../file-names.ts";
import { encodeEdit } from "./edit-codec.ts";
import { encodeCurrent, encodeFrame, encodeHeader, frameHeaderBytes, headerBytes, seedOf } from "./manifest-format.ts";
import type { FrameSeed } from "./manifest-format.ts";
import { readCurrent, readManifest } from "./manifest-reader.ts";
import type { ReadManifest } from "./manifest-reader.ts";
import { faultOfState } from "./state-invariants.ts";
import { applyEdit, editFromState, emptyState } from "./version-edit.ts";
import type { EngineState, VersionEdit } from "./version-edit.ts";

/** Of the manifest that begins a new folder. */
export const emptyManifestBytes = headerBytes + frameHeaderBytes + encodeEdit(editFromState(emptyState)).length;

export interface ManifestPlace {
  readonly disk: Disk;
  readonly folder: string;
  /** A new manifest is begun when the present one has grown past this. */
  readonly bytesMax: number;
}

export interface ManifestStats {
  appends: number;
  bytesWritten: number;
  rotations: number;
}

export class Manifest {
  readonly stats: ManifestStats = { appends: 0, bytesWritten: 0, rotations: 0 };
  private readonly place: ManifestPlace;
  private present: EngineState;
  private file: DiskFile | undefined;
  private number: FileNumber | undefined;
  private seed: FrameSeed = 0;
  private position = 0;
  private frames = 0;
  /** Bytes of the state that the present manifest begins with: no use in rotating before it has doubled. */
  private bytesAtStart = 0;
  private doubtful = false;
  /** The number of the manifest that was begun last, or that it was tried with. */
  private numberTried = fileNumber(0);
  private dead: Error | undefined;
  private busy = false;

  private constructor(place: ManifestPlace, state: EngineState, number: FileNumber | undefined) {
    this.place = place;
    this.present = state;
    this.number = number;
  }

  /** In a folder without a `current`. The state's tables are there and synced. */
  static async create(place: ManifestPlace, state: EngineState = emptyState): Promise<Manifest> {
    const manifest = new Manifest(place, state, undefined);
    await manifest.begin(state, state.nextFileNumber);
    return manifest;
  }

  /**
   * Of a folder with a `current`. `numberAtLeast` is above every file number in the folder; `prepare` comes before
   * the new manifest: it may refuse what was found by throwing, and what it does to names in the folder is synced first.
   */
  static async open(
    place: ManifestPlace,
    numberAtLeast: FileNumber,
    prepare: (found: ReadManifest, number: FileNumber) => void | Promise<void>,
  ): Promise<Manifest> {
    const number = await readCurrent(place.disk, place.folder);
    const found = await readManifest(place.disk, joinPath(place.folder, manifestName(number)));
    await prepare(found, number);
    const { state } = found;
    const manifest = new Manifest(place, state, number);
    await manifest.begin(state, fileNumber(Math.max(numberAtLeast, state.nextFileNumber, number + 1)));
    return manifest;
  }

  /** Names the manifest's file. */
  get fileNumber(): FileNumber {
    return this.number as FileNumber;
  }

  /** As of the last edit that is durable. */
  get state(): EngineState {
    return this.present;
  }

  /**
   * Makes an edit durable, then the state. REQUIRES: no other append is under way, and the edit's
   * nextFileNumber is above every number that was given out.
   */
  async append(edit: VersionEdit): Promise<EngineState> {
    if (this.dead !== undefined) throw this.dead;
    assert(!this.busy, "an edit was appended while another was being written");
    this.busy = true;
    try {
      return await this.takeOver(edit);
    } finally {
      this.busy = false;
    }
  }

  /**
   * REQUIRES: no append is under way. An empty edit behind the last one proves that it was whole: should it
   * be damaged one day, it is not taken for a torn tail. It needs no sync, for without it nothing is lost.
   */
  async close(): Promise<void> {
    assert(!this.busy, "a manifest was closed while an edit was being written");
    const { file, frames, position, seed } = this;
    const isSound = this.dead === undefined && !this.doubtful;
    this.file = undefined;
    this.dead ??= new TrefoilError("stopping", `the engine in ${this.place.folder} is closed`);
    if (file === undefined) return;
    // A manifest whose first edit is damaged is refused in any case.
    if (isSound && frames > 1) {
      const last = encodeFrame({ seed, number: frames + 1, position }, emptyBytes);
      await writeFully(file, last, position).catch(() => undefined);
    }
    await file.close();
  }

  private async takeOver(edit: VersionEdit): Promise<EngineState> {
    const next = applyEdit(this.present, edit);
    assertSound(next);
    const place = { seed: this.seed, number: this.frames + 1, position: this.position };
    const frame = encodeFrame(place, encodeEdit(edit));
    const full = this.position + frame.length > Math.max(this.place.bytesMax, 2 * this.bytesAtStart);
    if (this.doubtful || full) {
      this.stats.rotations++;
      await this.begin(next, next.nextFileNumber);
      return this.present;
    }
    await this.write(frame);
    this.present = next;
    this.stats.appends++;
    return next;
  }

  private async write(frame: Uint8Array): Promise<void> {
    const file = this.file as DiskFile;
    try {
      await writeFully(file, frame, this.position);
      await this.sync(file.path, () => file.syncData());
    } catch (failure) {
      this.fail(failure);
    }
    this.position += frame.length;
    this.frames++;
    this.stats.bytesWritten += frame.length;
  }

  /**
   * Begins a manifest with `state` and makes it the current one. Its number is fresh at every try: one
   * that failed may be current already.
   */
  private async begin(state: EngineState, numberAtLeast: FileNumber): Promise<void> {
    const number = fileNumber(Math.max(numberAtLeast, this.numberTried + 1));
    this.numberTried = number;
    const whole: EngineState = { ...state, nextFileNumber: fileNumber(number + 1) };
    assertSound(whole);
    const header = encodeHeader(number);
    const seed = seedOf(header);
    const frame = encodeFrame({ seed, number: 1, position: headerBytes }, encodeEdit(editFromState(whole)));
    const file = await this.writeWhole(number, [header, frame]);
    const old = { file: this.file, number: this.number };
    this.file = file;
    this.number = number;
    this.present = whole;
    this.seed = seed;
    this.frames = 1;
    this.position = this.bytesAtStart = headerBytes + frame.length;
    this.stats.bytesWritten += this.position;
    this.doubtful = false;
    await this.discard(old.file, old.number === undefined ? [] : [manifestName(old.number)]);
  }

  private async writeWhole(number: FileNumber, parts: readonly Uint8Array[]): Promise<DiskFile> {
    const { disk, folder } = this.place;
    const path = joinPath(folder, manifestName(number));
    const temporary = joinPath(folder, temporaryName(number));
    let file: DiskFile | undefined;
    let renaming = false;
    try {
      file = await disk.openFile(path, { access: "write", create: "must" });
      const opened = file;
      let position = 0;
      for (const part of parts) {
        await writeFully(opened, part, position);
        position += part.length;
      }
      await this.sync(path, () => opened.syncData());
      // A rename may reach the disk before the name that it leads to: the new manifest's own name goes first.
      await this.sync(folder, () => disk.syncFolder(folder));
      await this.writeName(temporary, number);
      renaming = true;
      await disk.rename(temporary, joinPath(folder, currentName));
      await this.sync(folder, () => disk.syncFolder(folder));
      return file;
    } catch (failure) {
      // Once the rename was tried, `current` may lead here after a crash.
      await this.discard(file, renaming ? [] : [manifestName(number), temporaryName(number)]);
      return this.fail(failure);
    }
  }

  private async writeName(temporary: string, number: FileNumber): Promise<void> {
    const file = await this.place.disk.openFile(temporary, { access: "write", create: "must" });
    try {
      await writeFully(file, encodeCurrent(number), 0);
      await this.sync(temporary, () => file.syncData());
    } finally {
      await file.close();
    }
  }

  /** What a failed sync left on disk nobody can find out, so nothing more is written. */
  private async sync(path: string, action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (cause) {
      // Not even begun.
      if (cause instanceof DiskFailure && cause.kind === "exhausted") throw cause;
      const detail = `${path} could not be synced: ${asError(cause).message}; the manifest takes no more edits`;
      this.dead = new TrefoilError("internal", detail, { cause });
      throw this.dead;
    }
  }

  /** A full disk leaves the way open to a new manifest, and so does a lack of files to open; anything else does not. */
  private fail(failure: unknown): never {
    this.doubtful = true;
    const passes = failure instanceof DiskFailure && (failure.kind === "full" || failure.kind === "exhausted");
    if (!passes) this.dead ??= asError(failure);
    throw failure;
  }

  /** Files of no use any more. What cannot be removed is only wasted space: the next open removes it. */
  private async discard(file: DiskFile | undefined, names: readonly string[]): Promise<void> {
    const { disk, folder } = this.place;
    const steps = [async () => file?.close(), ...names.map((name) => () => disk.remove(joinPath(folder, name)))];
    for (const step of steps) await step().catch(() => undefined);
  }
}

/** A state that breaks an invariant is never written: what is read back would be refused. */
function assertSound(state: EngineState): void {
  const fault = faultOfState(state);
  assert(fault === undefined, "an edit leads to a state that cannot be", { fault });
}

function asError(failure: unknown): Error {
  return failure instanceof Error ? failure : new Error(String(failure));
}
