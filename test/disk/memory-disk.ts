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

import { assert } from "../../internal/base/assert.ts";
import { DiskFailure } from "../../internal/platform/disk.ts";
import type {
  Disk,
  DiskFailureKind,
  DiskFile,
  FolderLock,
  JobDisk,
  OpenOptions,
} from "../../internal/platform/disk.ts";
import { MemoryFile } from "./memory-file.ts";
import { MemoryFolder, type CopyNode, type EntryChange, type MemoryNode } from "./memory-folder.ts";
import { MemoryHandle, MemoryJobDisk } from "./memory-handles.ts";
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
  /** Settles when the power goes: what the disk's user awaits may never. */
  readonly whenCut: Promise<void>;

  private readonly options: MemoryDiskOptions;
  private root = new MemoryFolder();
  private sequence = 0;
  private newestWrite: NewestWrite | undefined;
  private readonly locks = new Set<string>();
  private readonly watchers: OperationWatcher[] = [];
  private trace: { readonly root: string; lines: string[] } | undefined;
  private cutAt = 0;
  private powerIsOff = false;
  private announceCut: () => void = () => undefined;

  constructor(options: MemoryDiskOptions = {}) {
    this.options = options;
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
    const other = new MemoryDisk(options);
    const copyInto = this.copier((file) => file.afterPowerCut(survival));
    copyInto(this.root, other.root, (folder, copy, recurse) => folder.afterPowerCut(copy, survival, recurse));
    return other;
  }

  /** The disk after its process was killed now, the machine running on: nothing lost, nothing synced by it. */
  cloneAfterKill(options: MemoryDiskOptions = this.options): MemoryDisk {
    const other = new MemoryDisk(options);
    other.sequence = this.sequence;
    other.newestWrite = this.newestWrite;
    const copyInto = this.copier((file) => file.afterKill());
    copyInto(this.root, other.root, (folder, copy, recurse) => folder.afterKill(copy, recurse));
    return other;
  }

  /** A file's bytes without the ceremony, for tests; undefined when there is no such file. */
  peek(path: string): Uint8Array | undefined {
    const node = this.find(path);
    return node?.kind === "file" ? node.bytes() : undefined;
  }

  /** Puts a whole file there, synced with its folders, uncounted: for tests that damage or prepare a disk. */
  put(path: string, bytes: Uint8Array): void {
    const parts = split(path);
    const name = parts.pop();
    assert(name !== undefined, "a file has a name", { path });
    const folder = this.ensureFolders(parts, false);
    const file = new MemoryFile();
    file.settle(file.write(bytes, 0, ++this.sequence), "durable");
    folder.change({ sequence: ++this.sequence, sets: [name, file], state: "done" });
    this.syncEverything();
  }

  /** Makes all there is durable, uncounted: the start of a scripted run. */
  syncEverything(): void {
    const visit = (folder: MemoryFolder): void => {
      folder.sync(this.sequence);
      for (const node of folder.nodes()) {
        if (node.kind === "file") node.sync(this.sequence);
        else visit(node);
      }
    };
    visit(this.root);
  }

  /** A sync of this file failed as on Linux: see MemoryFile.dropUnsynced. */
  dropUnsynced(path: string): void {
    const node = this.find(path);
    if (node?.kind === "file") node.dropUnsynced();
  }

  async openFile(path: string, options: OpenOptions): Promise<DiskFile> {
    if (this.powerIsOff) return this.silence("open", path);
    const { file, creation } = this.openNode(path, options.create ?? "no");
    await this.flight(creation === undefined ? "open" : "create", path);
    if (creation !== undefined) creation.state = "done";
    this.openFileCount++;
    return new MemoryHandle(this, { path, file, options });
  }

  async rename(from: string, to: string): Promise<void> {
    if (this.powerIsOff) return this.silence("rename", from);
    const changes = this.renameNode(from, to);
    this.begin("rename", from, `-> ${this.shown(to)}`);
    await this.flight("rename", from);
    for (const change of changes) change.state = "done";
  }

  async link(existing: string, path: string): Promise<void> {
    if (this.powerIsOff) return this.silence("link", existing);
    const node = this.find(existing);
    if (node === undefined) throw failure("not_found", "link", existing);
    if (node.kind === "folder") throw failure("denied", "link", existing);
    const [folder, name] = this.parentOf("link", path);
    if (folder.get(name) !== undefined) throw failure("exists", "link", path);
    const change = folder.change({ sequence: ++this.sequence, sets: [name, node], state: "flying" });
    this.begin("link", existing, `-> ${this.shown(path)}`);
    await this.flight("link", existing);
    change.state = "done";
  }

  async remove(path: string): Promise<void> {
    if (this.powerIsOff) return this.silence("remove", path);
    const [folder, name] = this.parentOf("remove", path);
    const node = folder.get(name);
    if (node === undefined) throw failure("not_found", "remove", path);
    if (node.kind === "folder") throw failure("failed", "remove", path);
    const change = folder.change({ sequence: ++this.sequence, removes: [name, node], state: "flying" });
    this.begin("remove", path);
    await this.flight("remove", path);
    change.state = "done";
  }

  async makeFolder(path: string): Promise<void> {
    if (this.powerIsOff) return this.silence("makeFolder", path);
    if (this.find(path)?.kind === "folder") return this.flight("makeFolder", path);
    this.ensureFolders(split(path), true);
    await this.flight("makeFolder", path);
  }

  async removeFolder(path: string): Promise<void> {
    if (this.powerIsOff) return this.silence("removeFolder", path);
    const [folder, name] = this.parentOf("removeFolder", path);
    const node = folder.get(name);
    if (node === undefined) throw failure("not_found", "removeFolder", path);
    if (node.kind === "file" || !node.isEmpty) throw failure("failed", "removeFolder", path);
    const change = folder.change({ sequence: ++this.sequence, removes: [name, node], state: "flying" });
    this.begin("removeFolder", path);
    await this.flight("removeFolder", path);
    change.state = "done";
  }

  async list(folder: string): Promise<string[]> {
    if (this.powerIsOff) return this.silence("list", folder);
    const names = this.folderAt("list", folder).names();
    await this.flight("list", folder);
    return names;
  }

  async syncFolder(folder: string): Promise<void> {
    if (this.powerIsOff) return this.silence("syncFolder", folder);
    const node = this.folderAt("syncFolder", folder);
    const upTo = this.sequence;
    this.begin("syncFolder", folder);
    await this.flight("syncFolder", folder);
    node.sync(upTo);
  }

  async sizeOf(path: string): Promise<number | undefined> {
    if (this.powerIsOff) return this.silence("size", path);
    const node = this.find(path);
    await this.flight("size", path);
    return node?.kind === "file" ? node.size : undefined;
  }

  async freeBytes(folder: string): Promise<number> {
    if (this.powerIsOff) return this.silence("size", folder);
    this.folderAt("freeBytes", folder);
    const capacity = this.options.capacityBytes ?? 2 ** 40;
    await this.flight("size", folder);
    return Math.max(0, capacity - usedBytes(this.root));
  }

  async lockFolder(folder: string): Promise<FolderLock> {
    if (this.powerIsOff) return this.silence("lock", folder);
    this.folderAt("lockFolder", folder);
    const name = normalize(folder);
    if (this.locks.has(name)) throw failure("in_use", "lockFolder", folder);
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
    return new Promise<never>(() => undefined);
  }

  nextSequence(): number {
    return ++this.sequence;
  }

  presentSequence(): number {
    return this.sequence;
  }

  noteWrite(write: NewestWrite): void {
    this.newestWrite = write;
  }

  /** Finds the file, or makes it; a creation is begun and its entry is left in flight. */
  openNode(
    path: string,
    create: "must" | "may" | "no",
  ): { readonly file: MemoryFile; readonly creation: EntryChange | undefined } {
    const [folder, name] = this.parentOf("openFile", path);
    const node = folder.get(name);
    if (node?.kind === "folder") throw failure("failed", "openFile", path);
    if (node !== undefined) {
      if (create === "must") throw failure("exists", "openFile", path);
      return { file: node, creation: undefined };
    }
    if (create === "no") throw failure("not_found", "openFile", path);
    const file = new MemoryFile();
    const creation = folder.change({ sequence: ++this.sequence, sets: [name, file], state: "flying" });
    this.begin("create", path);
    return { file, creation };
  }

  private renameNode(from: string, to: string): EntryChange[] {
    const [fromFolder, fromName] = this.parentOf("rename", from);
    const [toFolder, toName] = this.parentOf("rename", to);
    const node = fromFolder.get(fromName);
    if (node === undefined) throw failure("not_found", "rename", from);
    const target = toFolder.get(toName);
    if (target !== undefined && target.kind !== node.kind) throw failure("failed", "rename", from);
    if (target?.kind === "folder" && !target.isEmpty) throw failure("failed", "rename", from);
    // POSIX: between two names of one file, rename does nothing.
    if (target === node) return [];
    const removes = [fromName, node] as const;
    const sets = [toName, node] as const;
    if (fromFolder === toFolder) {
      return [fromFolder.change({ sequence: ++this.sequence, removes, sets, state: "flying" })];
    }
    return [
      toFolder.change({ sequence: ++this.sequence, sets, state: "flying" }),
      fromFolder.change({ sequence: ++this.sequence, removes, state: "flying" }),
    ];
  }

  private ensureFolders(parts: readonly string[], isCounted: boolean): MemoryFolder {
    let folder = this.root;
    parts.forEach((name, at) => {
      let node = folder.get(name);
      if (node === undefined) {
        node = new MemoryFolder();
        folder.change({ sequence: ++this.sequence, sets: [name, node], state: "done" });
        if (isCounted) this.begin("makeFolder", `/${parts.slice(0, at + 1).join("/")}`);
      }
      if (node.kind === "file") throw failure("exists", "makeFolder", `/${parts.join("/")}`);
      folder = node;
    });
    return folder;
  }

  private find(path: string): MemoryNode | undefined {
    let node: MemoryNode | undefined = this.root;
    for (const name of split(path)) {
      if (node?.kind !== "folder") return undefined;
      node = node.get(name);
    }
    return node;
  }

  private folderAt(operation: string, path: string): MemoryFolder {
    const node = this.find(path);
    if (node === undefined) throw failure("not_found", operation, path);
    if (node.kind === "file") throw failure("failed", operation, path);
    return node;
  }

  private parentOf(operation: string, path: string): [folder: MemoryFolder, name: string] {
    const parts = split(path);
    const name = parts.pop();
    if (name === undefined) throw failure("denied", operation, path);
    const folder = this.find(parts.join("/"));
    if (folder?.kind !== "folder") throw failure("not_found", operation, path);
    return [folder, name];
  }

  private shown(path: string): string {
    const whole = normalize(path);
    const root = this.trace?.root ?? "/";
    if (`${whole}/` === root) return ".";
    return whole.startsWith(root) ? whole.slice(root.length) : whole;
  }

  /** Copies a tree so that two names of one file lead to one copy. */
  private copier(copyFile: (file: MemoryFile) => MemoryFile) {
    const copies = new Map<MemoryNode, MemoryNode>();
    type FillFolder = (from: MemoryFolder, to: MemoryFolder, copy: CopyNode) => void;
    return (from: MemoryFolder, to: MemoryFolder, fill: FillFolder): void => {
      const copy: CopyNode = (node) => {
        const known = copies.get(node);
        if (known !== undefined) return known;
        if (node.kind === "file") {
          const file = copyFile(node);
          copies.set(node, file);
          return file;
        }
        const folder = new MemoryFolder();
        copies.set(node, folder);
        fill(node, folder, copy);
        return folder;
      };
      fill(from, to, copy);
    };
  }
}

function usedBytes(folder: MemoryFolder): number {
  let bytes = 0;
  for (const node of folder.nodes()) bytes += node.kind === "file" ? node.size : usedBytes(node);
  return bytes;
}

function failure(kind: DiskFailureKind, operation: string, path: string): DiskFailure {
  return new DiskFailure(kind, operation, path);
}

/** Absolute and relative paths both begin at the root. */
function split(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function normalize(path: string): string {
  const parts = split(path);
  return parts.length === 0 ? "" : `/${parts.join("/")}`;
}
