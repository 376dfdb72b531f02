// A disk in memory that knows which bytes and which names were synced, and can be cloned as it may look
// after a power cut (power-cut.ts has the model). It promises exactly what internal/platform/disk.ts
// promises and nothing more, so code that passes on it for the wrong reason fails on a clone.
//
// Beside that it
// - numbers every operation that changes the disk or makes a change durable, tells watchers, and can cut
//   the power at operation n: n has begun and may have left anything of itself; no later call comes back;
// - writes a trace of these operations for golden texts: `write 000005.table 4096 @0`;
// - stops the process on what is a bug on any disk: closing a file with a call pending, touching a
//   closed one, changing the source of a write that is in flight, writing to a file opened for reading.
//
// A call takes effect when it is made and comes back a microtask later, or when `delay` lets it.

import { DiskFailure } from "../../internal/platform/disk.ts";
import type { Disk, DiskFile, FolderLock, JobDisk, OpenOptions } from "../../internal/platform/disk.ts";
import type { EntryChange } from "./memory-folder.ts";
import { MemoryHandle, MemoryJobDisk } from "./memory-handles.ts";
import { MemoryTree, splitPath } from "./memory-tree.ts";
import { PowerCut, type NewestWrite, type Survival } from "./power-cut.ts";

export type OperationName =
  | "create"
  | "write"
  | "truncate"
  | "syncData"
  | "rename"
  | "link"
  | "remove"
  | "makeFolder"
  | "removeFolder"
  | "syncFolder";

/** Calls that only look are neither numbered nor traced, but `delay` is asked about them too. */
export type CallName = OperationName | "open" | "read" | "size" | "list" | "close" | "lock";

export interface MemoryDiskOptions {
  /** What keeps a call in flight; undefined lets it come back in the next microtask. */
  readonly delay?: (name: CallName, path: string) => Promise<void> | undefined;
  /** After a power cut calls never come back (the default), or they reject. Synchronous ones throw PowerCut. */
  readonly afterCut?: "hang" | "reject";
  /** What freeBytes starts from. */
  readonly capacityBytes?: number;
}

export type OperationWatcher = (name: OperationName, path: string, operation: number) => void;

export class MemoryDisk implements Disk {
  readonly jobs: JobDisk;
  /** How many operations have begun: creations, writes, syncs, changes of names. Looking does not count. */
  operations = 0;
  /** How many files are open, for tests that look for leaks. */
  openFileCount = 0;
  /** For the handles. */
  readonly tree: MemoryTree;
  /** Settles when the power goes: what the disk's user awaits may never. */
  readonly whenCut: Promise<void>;

  private readonly options: MemoryDiskOptions;
  private newestWrite: NewestWrite | undefined;
  private readonly locks = new Set<string>();
  private readonly watchers: OperationWatcher[] = [];
  private trace: { readonly root: string; lines: string[] } | undefined;
  private cutAt = 0;
  private powerIsOff = false;
  private announceCut: () => void = () => undefined;

  constructor(options: MemoryDiskOptions = {}, tree = new MemoryTree()) {
    this.options = options;
    this.tree = tree;
    this.jobs = new MemoryJobDisk(this);
    this.whenCut = new Promise((resolve) => {
      this.announceCut = resolve;
    });
  }

  /** Called when an operation has begun: its change is on the disk, unsynced and perhaps torn. May clone. */
  onOperation(watcher: OperationWatcher): void {
    this.watchers.push(watcher);
  }

  /** Cuts the power while the operation of this number, counted from 1, is in flight. */
  cutPowerAt(operation: number): void {
    this.cutAt = operation;
  }

  cutPower(): void {
    this.powerIsOff = true;
    this.announceCut();
  }

  get isOff(): boolean {
    return this.powerIsOff;
  }

  /** Starts to note operations; paths below `root` are written without it. */
  startTrace(root: string): void {
    this.trace = { root: `${normalize(root)}/`, lines: [] };
  }

  /** What was noted since the start or the last take, a line each. */
  takeTrace(): string[] {
    const lines = this.trace?.lines ?? [];
    if (this.trace !== undefined) this.trace.lines = [];
    return lines;
  }

  /** The disk after a power cut now: everything on it is synced, nothing is open or locked. */
  clone(survival: Survival, options: MemoryDiskOptions = this.options): MemoryDisk {
    survival.begin?.(this.newestWrite);
    return new MemoryDisk(options, this.tree.afterPowerCut(survival));
  }

  /** The disk after its process was killed now, the machine running on: nothing lost, nothing synced by it. */
  cloneAfterKill(options: MemoryDiskOptions = this.options): MemoryDisk {
    const other = new MemoryDisk(options, this.tree.afterKill());
    other.newestWrite = this.newestWrite;
    return other;
  }

  /** A file's bytes without the ceremony, for tests; undefined when there is no such file. */
  peek(path: string): Uint8Array | undefined {
    return this.tree.fileAt(path)?.bytes();
  }

  /** Puts a whole file there, synced with its folders, uncounted: for tests that damage or prepare a disk. */
  put(path: string, bytes: Uint8Array): void {
    this.tree.put(path, bytes);
  }

  /** Makes all there is durable, uncounted: the start of a scripted run. */
  syncEverything(): void {
    this.tree.syncEverything();
  }

  /** A sync of this file failed as on Linux: see MemoryFile.dropUnsynced. */
  dropUnsynced(path: string): void {
    this.tree.fileAt(path)?.dropUnsynced();
  }

  absolute(path: string): string {
    return normalize(path);
  }

  async openFile(path: string, options: OpenOptions): Promise<DiskFile> {
    if (this.powerIsOff) return this.silence("open", path);
    const { file, creation } = this.tree.open(path, options.create ?? "no");
    if (creation === undefined) await this.flight("open", path);
    else await this.changeNames("create", path, [creation]);
    this.openFileCount++;
    return new MemoryHandle(this, { path, file, options });
  }

  async rename(from: string, to: string): Promise<void> {
    if (this.powerIsOff) return this.silence("rename", from);
    await this.changeNames("rename", from, this.tree.rename(from, to), `-> ${this.shown(to)}`);
  }

  async link(existing: string, path: string): Promise<void> {
    if (this.powerIsOff) return this.silence("link", existing);
    await this.changeNames("link", existing, [this.tree.link(existing, path)], `-> ${this.shown(path)}`);
  }

  async remove(path: string): Promise<void> {
    if (this.powerIsOff) return this.silence("remove", path);
    await this.changeNames("remove", path, [this.tree.remove(path)]);
  }

  async makeFolder(path: string): Promise<void> {
    if (this.powerIsOff) return this.silence("makeFolder", path);
    const changes: EntryChange[] = [];
    this.tree.ensureFolder(path, (made, change) => {
      // A call that makes several folders is several operations; the power may go between any two.
      if (this.powerIsOff) return;
      changes.push(change);
      this.begin("makeFolder", made);
    });
    await this.flight("makeFolder", path);
    for (const change of changes) change.state = "done";
  }

  async removeFolder(path: string): Promise<void> {
    if (this.powerIsOff) return this.silence("removeFolder", path);
    await this.changeNames("removeFolder", path, [this.tree.removeFolder(path)]);
  }

  async list(folder: string): Promise<string[]> {
    if (this.powerIsOff) return this.silence("list", folder);
    const names = this.tree.folderAt("list", folder).names();
    await this.flight("list", folder);
    return names;
  }

  async syncFolder(folder: string): Promise<void> {
    if (this.powerIsOff) return this.silence("syncFolder", folder);
    const node = this.tree.folderAt("syncFolder", folder);
    const covered = node.done();
    this.begin("syncFolder", folder);
    await this.flight("syncFolder", folder);
    node.sync(covered);
  }

  async sizeOf(path: string): Promise<number | undefined> {
    if (this.powerIsOff) return this.silence("size", path);
    const size = this.tree.fileAt(path)?.size;
    await this.flight("size", path);
    return size;
  }

  async freeBytes(folder: string): Promise<number> {
    if (this.powerIsOff) return this.silence("size", folder);
    this.tree.folderAt("freeBytes", folder);
    const capacity = this.options.capacityBytes ?? 2 ** 40;
    await this.flight("size", folder);
    return Math.max(0, capacity - this.tree.usedBytes());
  }

  async lockFolder(folder: string): Promise<FolderLock> {
    if (this.powerIsOff) return this.silence("lock", folder);
    this.tree.folderAt("lockFolder", folder);
    const name = normalize(folder);
    if (this.locks.has(name)) throw new DiskFailure("in_use", "lockFolder", folder);
    this.locks.add(name);
    await this.flight("lock", folder);
    return {
      release: async () => {
        this.locks.delete(name);
        await this.flight("lock", folder);
      },
    };
  }

  // What follows is for the handles and the job face.

  /** Numbers an operation whose change is on the disk, and cuts the power when its number has come. */
  begin(name: OperationName, path: string, detail = ""): void {
    this.operations++;
    if (this.trace !== undefined) {
      this.trace.lines.push(`${name} ${this.shown(path)}${detail === "" ? "" : ` ${detail}`}`);
    }
    for (const watcher of this.watchers) watcher(name, path, this.operations);
    if (this.operations === this.cutAt) this.cutPower();
  }

  /** Keeps a call in flight; comes back only while the power is on. */
  async flight(name: CallName, path: string): Promise<void> {
    await this.options.delay?.(name, path);
    if (this.powerIsOff) await this.silence(name, path);
  }

  /** What a call gets when the power is off. */
  silence(name: CallName, path: string): Promise<never> {
    if (this.options.afterCut === "reject") return Promise.reject(new PowerCut(name, path));
    return new Promise<never>(never);
  }

  noteWrite(write: NewestWrite): void {
    this.newestWrite = write;
  }

  private async changeNames(
    name: OperationName,
    path: string,
    changes: readonly EntryChange[],
    detail = "",
  ): Promise<void> {
    this.begin(name, path, detail);
    await this.flight(name, path);
    for (const change of changes) change.state = "done";
  }

  private shown(path: string): string {
    const whole = normalize(path);
    const root = this.trace?.root ?? "/";
    if (`${whole}/` === root) return ".";
    return whole.startsWith(root) ? whole.slice(root.length) : whole;
  }
}

function never(): void {
  // A promise made with this never settles.
}

function normalize(path: string): string {
  const parts = splitPath(path);
  return parts.length === 0 ? "" : `/${parts.join("/")}`;
}
