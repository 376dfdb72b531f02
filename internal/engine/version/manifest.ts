// The manifest makes changes of the engine's state durable. It is a file of edits; `current` names it.
//
//   open    read `current` and its manifest, then begin a new manifest with the whole state
//   append  write the edit's frame, sync, and only then does the state change
//   begin   write the new manifest, sync it, sync the folder, write a temporary file with its name, sync
//           that, rename it to `current`, sync the folder, remove the old manifest
//
// When an append fails for want of space, nobody knows how much of the frame is on disk. Nothing more is
// written to that file: the next append begins a new manifest, in which the edit is part of the state. A
// failed sync is final.

import { utf8, utf8Text } from "../../base/bytes.ts";
import { corruption, TrefoilError } from "../../base/errors.ts";
import { fileNumber } from "../../base/ids.ts";
import type { FileNumber } from "../../base/ids.ts";
import { DiskFailure, readFully, writeFully } from "../../platform/disk.ts";
import type { Disk, DiskFile } from "../../platform/disk.ts";
import { currentName, joinPath, manifestName, parseFileName, temporaryName } from "../file-names.ts";
import { decodeEdit, encodeEdit } from "./edit-codec.ts";
import { encodeFrame, encodeHeader, readFrames } from "./manifest-format.ts";
import { applyEdit, editFromState, emptyState } from "./version-edit.ts";
import type { EngineState, VersionEdit } from "./version-edit.ts";
import { faultOf } from "./version.ts";

/** A manifest larger than this is not one of ours: rotation keeps them far below. */
const manifestBytesMost = 1024 * 1024 * 1024;

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
  private position = 0;
  private frames = 0;
  /** Bytes of the state that the present manifest begins with: no use in rotating before it has doubled. */
  private bytesAtStart = 0;
  private doubtful = false;
  /** The number of the manifest that was begun last, or that it was tried with. */
  private numberTried = fileNumber(0);
  private dead: Error | undefined;

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
   * Of a folder with a `current`. `numberAtLeast` is above every file number in the folder; `check` may
   * refuse the state by throwing, before anything on disk is changed.
   */
  static async open(
    place: ManifestPlace,
    numberAtLeast: FileNumber,
    check: (state: EngineState) => void,
  ): Promise<Manifest> {
    const number = await readCurrent(place);
    const { state } = await readManifest(place.disk, joinPath(place.folder, manifestName(number)));
    check(state);
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
    const next = applyEdit(this.present, edit);
    const frame = encodeFrame(this.frames + 1, this.position, encodeEdit(edit));
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

  async close(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    this.dead ??= new TrefoilError("stopping", `the engine in ${this.place.folder} is closed`);
    await file?.close();
  }

  private async write(frame: Uint8Array): Promise<void> {
    const file = this.file as DiskFile;
    try {
      await writeFully(file, frame, this.position);
      await file.syncData();
    } catch (failure) {
      this.doubtful = true;
      if (!(failure instanceof DiskFailure && failure.kind === "full")) this.dead = asError(failure);
      throw failure;
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
    const { disk, folder } = this.place;
    const number = fileNumber(Math.max(numberAtLeast, this.numberTried + 1));
    this.numberTried = number;
    const whole: EngineState = { ...state, nextFileNumber: fileNumber(number + 1) };
    const path = joinPath(folder, manifestName(number));
    const header = encodeHeader();
    const frame = encodeFrame(1, header.length, encodeEdit(editFromState(whole)));
    let file: DiskFile | undefined;
    try {
      file = await disk.openFile(path, { access: "write", create: "must" });
      await writeFully(file, header, 0);
      await writeFully(file, frame, header.length);
      await file.syncData();
      // A rename may reach the disk before the name that it leads to: the new manifest's own name goes first.
      await disk.syncFolder(folder);
      await this.pointTo(number);
    } catch (failure) {
      await file?.close();
      if (!(failure instanceof DiskFailure && failure.kind === "full")) this.dead = asError(failure);
      this.doubtful = true;
      throw failure;
    }
    const oldFile = this.file;
    const oldNumber = this.number;
    this.file = file;
    this.number = number;
    this.present = whole;
    this.frames = 1;
    this.position = this.bytesAtStart = header.length + frame.length;
    this.stats.bytesWritten += this.position;
    this.doubtful = false;
    await oldFile?.close();
    if (oldNumber !== undefined) await disk.remove(joinPath(folder, manifestName(oldNumber)));
  }

  private async pointTo(number: FileNumber): Promise<void> {
    const { disk, folder } = this.place;
    const temporary = joinPath(folder, temporaryName(number));
    const file = await disk.openFile(temporary, { access: "write", create: "must" });
    try {
      await writeFully(file, utf8(`${manifestName(number)}\n`), 0);
      await file.syncData();
    } finally {
      await file.close();
    }
    await disk.rename(temporary, joinPath(folder, currentName));
    await disk.syncFolder(folder);
  }
}

function asError(failure: unknown): Error {
  return failure instanceof Error ? failure : new Error(String(failure));
}

async function readCurrent(place: ManifestPlace): Promise<FileNumber> {
  const path = joinPath(place.folder, currentName);
  const text = utf8Text(await readWhole(place.disk, path));
  const parsed = text.endsWith("\n") ? parseFileName(text.slice(0, -1)) : undefined;
  if (parsed?.kind !== "manifest") {
    throw corruption(`${path} does not name a manifest: it holds ${JSON.stringify(text.slice(0, 80))}`);
  }
  return parsed.number;
}

export interface ReadManifest {
  readonly state: EngineState;
  readonly edits: readonly VersionEdit[];
  readonly fileBytes: number;
  /** Less than fileBytes when the last frame is torn. */
  readonly soundBytes: number;
}

/** Reads a manifest without changing anything. Throws `corruption` when it is damaged or none. */
export async function readManifest(disk: Disk, path: string): Promise<ReadManifest> {
  const bytes = await readWhole(disk, path);
  const { frames, end } = readFrames(bytes, path);
  const edits: VersionEdit[] = [];
  let state = emptyState;
  for (const { at, edit: encoded, number } of frames) {
    const what = `${path}: edit ${number} at offset ${at}`;
    const edit = decodeEdit(encoded, what);
    edits.push(edit);
    state = applyForeign(state, edit, what);
  }
  if (frames.length === 0) throw corruption(`${path}: its first edit is missing`);
  return { state, edits, fileBytes: bytes.length, soundBytes: end };
}

/** applyEdit, of an edit that may be nonsense although its checksum is right. */
function applyForeign(state: EngineState, edit: VersionEdit, what: string): EngineState {
  for (const { level, number } of edit.removed) {
    const there = state.version.levels[level]?.some((table) => table.number === number) ?? false;
    if (!there) throw corruption(`${what} removes table ${number} from level ${level}, which does not hold it`);
  }
  const next = applyEdit(state, edit);
  const fault = faultOf(next.version);
  if (fault !== undefined) throw corruption(`${what}: ${fault}`);
  return next;
}

async function readWhole(disk: Disk, path: string): Promise<Uint8Array> {
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
