// The synchronous face of the real disk, for jobs in a worker thread: it never touches the thread pool.

import * as fs from "node:fs";
import { assert } from "../base/assert.ts";
import type { JobDisk, JobFile } from "../platform/disk.ts";
import { toDiskFailure } from "./disk-failures.ts";

/** Data is its owner's business alone. */
export const fileMode = 0o600;

export const realJobDisk: JobDisk = {
  createFile: (path) => open(path, "wx+"),
  openFile: (path) => open(path, "r"),
};

function open(path: string, flags: "wx+" | "r"): JobFile {
  if (flags === "r") attempt("openFile", path, () => checkRegular(fs.statSync(path)));
  const descriptor = attempt("openFile", path, () => fs.openSync(path, flags, fileMode));
  return new RealJobFile(path, descriptor, flags === "wx+");
}

/** Opening a pipe may wait for ever. */
export function checkRegular(stats: fs.Stats): void {
  if (stats.isFIFO() || stats.isSocket()) throw new Error("this is a pipe or a socket, no regular file");
}

class RealJobFile implements JobFile {
  readonly path: string;
  private readonly descriptor: number;
  private readonly isWritable: boolean;
  private isOpen = true;

  constructor(path: string, descriptor: number, isWritable: boolean) {
    this.path = path;
    this.descriptor = descriptor;
    this.isWritable = isWritable;
  }

  read(target: Uint8Array, position: number): number {
    this.checkOpen("read");
    try {
      return fs.readSync(this.descriptor, target, 0, target.length, position);
    } catch (reason) {
      throw toDiskFailure(reason, "read", this.path);
    }
  }

  write(source: Uint8Array, position: number): number {
    this.checkOpen("write");
    assert(this.isWritable, "a file opened for reading is not written", { path: this.path });
    try {
      return fs.writeSync(this.descriptor, source, 0, source.length, position);
    } catch (reason) {
      throw toDiskFailure(reason, "write", this.path);
    }
  }

  syncData(): void {
    this.checkOpen("syncData");
    attempt("syncData", this.path, () => fs.fdatasyncSync(this.descriptor));
  }

  size(): number {
    this.checkOpen("size");
    return attempt("size", this.path, () => fs.fstatSync(this.descriptor).size);
  }

  close(): void {
    this.checkOpen("close");
    this.isOpen = false;
    attempt("close", this.path, () => fs.closeSync(this.descriptor));
  }

  private checkOpen(operation: string): void {
    assert(this.isOpen, "a closed file", { operation, path: this.path });
  }
}

export function attempt<T>(operation: string, path: string, call: () => T): T {
  try {
    return call();
  } catch (reason) {
    throw toDiskFailure(reason, operation, path);
  }
}
