// Open files of the memory disk, asynchronous and synchronous. They are strict about what is a bug on
// any disk and would show only by bad luck on a real one.

import { assert } from "../../internal/base/assert.ts";
import { concatBytes } from "../../internal/base/bytes.ts";
import type { DiskFile, JobDisk, JobFile, OpenOptions } from "../../internal/platform/disk.ts";
import type { CallName, MemoryDisk } from "./memory-disk.ts";
import type { FileChange, MemoryFile } from "./memory-file.ts";
import { PowerCut } from "./power-cut.ts";

export interface HandleParts {
  readonly path: string;
  readonly file: MemoryFile;
  readonly options: OpenOptions;
}

export class MemoryHandle implements DiskFile {
  readonly path: string;
  private readonly disk: MemoryDisk;
  private readonly file: MemoryFile;
  private readonly isWritable: boolean;
  private readonly writesSync: boolean;
  private pending = 0;
  private isOpen = true;

  constructor(disk: MemoryDisk, parts: HandleParts) {
    this.disk = disk;
    this.path = parts.path;
    this.file = parts.file;
    this.isWritable = parts.options.access === "write";
    this.writesSync = parts.options.writesSync ?? false;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.checkOpen("read");
    if (this.disk.isOff) return this.disk.silence("read", this.path);
    const length = this.file.read(target, position);
    await this.flight("read");
    return length;
  }

  readNow(target: Uint8Array, position: number): number {
    this.checkOpen("read");
    if (this.disk.isOff) throw new PowerCut("read", this.path);
    return this.file.read(target, position);
  }

  async write(source: Uint8Array, position: number): Promise<number> {
    this.checkWritable();
    if (this.disk.isOff) return this.disk.silence("write", this.path);
    const change = this.file.write(source, position, ++this.disk.tree.sequence);
    this.disk.noteWrite(change);
    this.disk.begin("write", this.path, `${source.length} @${position}`);
    await this.flight("write");
    this.checkUntouched(change, [source]);
    this.file.settle(change, this.writesSync ? "durable" : "done");
    return source.length;
  }

  async writeVector(sources: readonly Uint8Array[], position: number): Promise<number> {
    this.checkWritable();
    if (this.disk.isOff) return this.disk.silence("write", this.path);
    const whole = concatBytes(sources);
    const change = this.file.write(whole, position, ++this.disk.tree.sequence);
    this.disk.noteWrite(change);
    this.disk.begin("write", this.path, `${sources.map((source) => source.length).join("+")} @${position}`);
    await this.flight("write");
    this.checkUntouched(change, sources);
    this.file.settle(change, this.writesSync ? "durable" : "done");
    return whole.length;
  }

  append(source: Uint8Array): Promise<number> {
    return this.write(source, this.file.size);
  }

  async syncData(): Promise<void> {
    this.checkOpen("syncData");
    if (this.disk.isOff) return this.disk.silence("syncData", this.path);
    const covered = this.file.done();
    this.disk.begin("syncData", this.path);
    await this.flight("syncData");
    this.file.sync(covered);
  }

  async truncate(bytes: number): Promise<void> {
    this.checkWritable();
    if (this.disk.isOff) return this.disk.silence("truncate", this.path);
    const change = this.file.truncate(bytes, ++this.disk.tree.sequence);
    this.disk.begin("truncate", this.path, `${bytes}`);
    await this.flight("truncate");
    this.file.settle(change, "done");
  }

  async size(): Promise<number> {
    this.checkOpen("size");
    if (this.disk.isOff) return this.disk.silence("size", this.path);
    await this.flight("size");
    return this.file.size;
  }

  async close(): Promise<void> {
    this.checkOpen("close");
    assert(this.pending === 0, "a file closed with a call pending", { path: this.path, pending: this.pending });
    this.isOpen = false;
    if (this.disk.isOff) return this.disk.silence("close", this.path);
    this.disk.openFileCount--;
    await this.disk.flight("close", this.path);
  }

  private async flight(name: CallName): Promise<void> {
    this.pending++;
    await this.disk.flight(name, this.path);
    this.pending--;
  }

  private checkOpen(operation: string): void {
    assert(this.isOpen, "a closed file", { operation, path: this.path });
  }

  private checkWritable(): void {
    this.checkOpen("write");
    assert(this.isWritable, "a file opened for reading is not written", { path: this.path });
  }

  /** The file holds what the caller gave; if a source differs by now, a real disk might have written either. */
  private checkUntouched(change: FileChange, sources: readonly Uint8Array[]): void {
    if (!this.file.isNewestOver(change)) return;
    let at = change.from;
    for (const source of sources) {
      const held = new Uint8Array(source.length);
      this.file.read(held, at);
      assert(Buffer.compare(held, source) === 0, "the source of a write changed in flight", { path: this.path });
      at += source.length;
    }
  }
}

export class MemoryJobDisk implements JobDisk {
  private readonly disk: MemoryDisk;

  constructor(disk: MemoryDisk) {
    this.disk = disk;
  }

  createFile(path: string): JobFile {
    return this.open(path, "must");
  }

  openFile(path: string): JobFile {
    return this.open(path, "no");
  }

  private open(path: string, create: "must" | "no"): JobFile {
    if (this.disk.isOff) throw new PowerCut("open", path);
    const { file, creation } = this.disk.tree.open(path, create);
    if (creation !== undefined) {
      this.disk.begin("create", path);
      if (this.disk.isOff) throw new PowerCut("create", path);
      creation.state = "done";
    }
    this.disk.openFileCount++;
    return new MemoryJobFile(this.disk, { path, file, isWritable: create === "must" });
  }
}

class MemoryJobFile implements JobFile {
  readonly path: string;
  private readonly disk: MemoryDisk;
  private readonly file: MemoryFile;
  private readonly isWritable: boolean;
  private isOpen = true;

  constructor(disk: MemoryDisk, parts: { path: string; file: MemoryFile; isWritable: boolean }) {
    this.disk = disk;
    this.path = parts.path;
    this.file = parts.file;
    this.isWritable = parts.isWritable;
  }

  read(target: Uint8Array, position: number): number {
    this.check("read");
    return this.file.read(target, position);
  }

  write(source: Uint8Array, position: number): number {
    this.check("write");
    const change = this.file.write(source, position, ++this.disk.tree.sequence);
    this.disk.noteWrite(change);
    this.disk.begin("write", this.path, `${source.length} @${position}`);
    this.checkPower("write");
    this.file.settle(change, "done");
    return source.length;
  }

  syncData(): void {
    this.check("syncData");
    const covered = this.file.done();
    this.disk.begin("syncData", this.path);
    this.checkPower("syncData");
    this.file.sync(covered);
  }

  size(): number {
    this.check("size");
    return this.file.size;
  }

  close(): void {
    assert(this.isOpen, "a closed file", { operation: "close", path: this.path });
    this.isOpen = false;
    this.disk.openFileCount--;
  }

  private check(operation: CallName): void {
    assert(this.isOpen, "a closed file", { operation, path: this.path });
    assert(operation !== "write" || this.isWritable, "a file opened for reading is not written", { path: this.path });
    this.checkPower(operation);
  }

  private checkPower(operation: string): void {
    if (this.disk.isOff) throw new PowerCut(operation, this.path);
  }
}
