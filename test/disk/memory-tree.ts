// The names of the memory disk: a tree of folders with files at its leaves, and the calls that walk and
// change it, with the failures of POSIX. It knows nothing of time, power or handles.

import { assert } from "../../internal/base/assert.ts";
import { DiskFailure, type DiskFailureKind } from "../../internal/platform/disk.ts";
import { MemoryFile } from "./memory-file.ts";
import { MemoryFolder, type CopyNode, type EntryChange, type MemoryNode } from "./memory-folder.ts";
import type { Survival } from "./power-cut.ts";

export class MemoryTree {
  private readonly root = new MemoryFolder();
  /** Numbers every change on the disk, of bytes and of names, in order. */
  sequence = 0;

  find(path: string): MemoryNode | undefined {
    let node: MemoryNode | undefined = this.root;
    for (const name of splitPath(path)) {
      if (node?.kind !== "folder") return undefined;
      node = node.get(name);
    }
    return node;
  }

  fileAt(path: string): MemoryFile | undefined {
    const node = this.find(path);
    return node?.kind === "file" ? node : undefined;
  }

  folderAt(operation: string, path: string): MemoryFolder {
    const node = this.find(path);
    if (node === undefined) throw failure("not_found", operation, path);
    if (node.kind === "file") throw failure("failed", operation, path);
    return node;
  }

  /** Finds the file, or makes it and leaves the change of its folder in flight. */
  open(
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
    return { file, creation };
  }

  /** Between two folders a rename is two changes, each of which its own folder's sync makes durable. */
  rename(from: string, to: string): EntryChange[] {
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

  link(existing: string, path: string): EntryChange {
    const node = this.find(existing);
    if (node === undefined) throw failure("not_found", "link", existing);
    if (node.kind === "folder") throw failure("denied", "link", existing);
    const [folder, name] = this.parentOf("link", path);
    if (folder.get(name) !== undefined) throw failure("exists", "link", path);
    return folder.change({ sequence: ++this.sequence, sets: [name, node], state: "flying" });
  }

  remove(path: string): EntryChange {
    const [folder, name] = this.parentOf("remove", path);
    const node = folder.get(name);
    if (node === undefined) throw failure("not_found", "remove", path);
    if (node.kind === "folder") throw failure("failed", "remove", path);
    return folder.change({ sequence: ++this.sequence, removes: [name, node], state: "flying" });
  }

  removeFolder(path: string): EntryChange {
    const [folder, name] = this.parentOf("removeFolder", path);
    const node = folder.get(name);
    if (node === undefined) throw failure("not_found", "removeFolder", path);
    if (node.kind === "file" || !node.isEmpty) throw failure("failed", "removeFolder", path);
    return folder.change({ sequence: ++this.sequence, removes: [name, node], state: "flying" });
  }

  /** Makes the folder and its parents, telling of each that was not there. */
  ensureFolder(path: string, onMade: (path: string, change: EntryChange) => void): MemoryFolder {
    let folder = this.root;
    let walked = "";
    for (const name of splitPath(path)) {
      walked += `/${name}`;
      let node = folder.get(name);
      if (node === undefined) {
        node = new MemoryFolder();
        onMade(walked, folder.change({ sequence: ++this.sequence, sets: [name, node], state: "flying" }));
      }
      if (node.kind === "file") throw failure("exists", "makeFolder", walked);
      folder = node;
    }
    return folder;
  }

  /** Puts a whole file there, durable, with its folders. */
  put(path: string, bytes: Uint8Array): void {
    const parts = splitPath(path);
    const name = parts.pop();
    assert(name !== undefined, "a file has a name", { path });
    const folder = this.ensureFolder(parts.join("/"), (_path, change) => {
      change.state = "done";
    });
    const file = new MemoryFile();
    file.settle(file.write(bytes, 0, ++this.sequence), "durable");
    folder.change({ sequence: ++this.sequence, sets: [name, file], state: "done" });
    this.syncEverything();
  }

  syncEverything(): void {
    this.visit(this.root, (node) => node.sync());
  }

  usedBytes(): number {
    let bytes = 0;
    this.visit(this.root, (node) => {
      if (node.kind === "file") bytes += node.size;
    });
    return bytes;
  }

  afterPowerCut(survival: Survival): MemoryTree {
    const fill: FillFolder = (from, to, copy) => from.afterPowerCut(to, survival, copy);
    return this.copy((file) => file.afterPowerCut(survival), fill);
  }

  afterKill(): MemoryTree {
    const fill: FillFolder = (from, to, copy) => from.afterKill(to, copy);
    return this.copy((file) => file.afterKill(), fill);
  }

  /** Two names of one file lead to one copy. */
  private copy(copyFile: (file: MemoryFile) => MemoryFile, fill: FillFolder): MemoryTree {
    const other = new MemoryTree();
    other.sequence = this.sequence;
    const copies = new Map<MemoryNode, MemoryNode>();
    const copyNode: CopyNode = (node) => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      const made = node.kind === "file" ? copyFile(node) : new MemoryFolder();
      copies.set(node, made);
      if (node.kind === "folder" && made.kind === "folder") fill(node, made, copyNode);
      return made;
    };
    fill(this.root, other.root, copyNode);
    return other;
  }

  private visit(node: MemoryNode, action: (node: MemoryNode) => void): void {
    action(node);
    if (node.kind === "file") return;
    for (const child of node.nodes()) this.visit(child, action);
  }

  private parentOf(operation: string, path: string): [folder: MemoryFolder, name: string] {
    const parts = splitPath(path);
    const name = parts.pop();
    if (name === undefined) throw failure("denied", operation, path);
    const folder = this.find(parts.join("/"));
    if (folder?.kind !== "folder") throw failure("not_found", operation, path);
    return [folder, name];
  }
}

type FillFolder = (from: MemoryFolder, to: MemoryFolder, copy: CopyNode) => void;

/** Absolute and relative paths both begin at the root. */
export function splitPath(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function failure(kind: DiskFailureKind, operation: string, path: string): DiskFailure {
  return new DiskFailure(kind, operation, path);
}
