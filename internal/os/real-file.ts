// An open file of the real disk, by its descriptor. The calls go to node:fs directly: a FileHandle of
// fs/promises costs an object, a queue and a closing check per call, which the log's hot path would pay
// thousands of times a second.

import * as fs from "node:fs";
import { assert } from "../base/assert.ts";
import type { DiskFile } from "../platform/disk.ts";
import { toDiskFailure } from "./disk-failures.ts";
import type { PoolGate } from "./pool-gate.ts";

export interface RealFileParts {
  readonly path: string;
  readonly descriptor: number;
  readonly isWritable: boolean;
  /** Absent for the log's files, which do not queue. */
  readonly gate: PoolGate | undefined;
}

type Settle<T> = (resolve: (value: T) => void, reject: (reason: unknown) => void) => void;

export class RealFile implements DiskFile {
  readonly path: string;
  private readonly descriptor: number;
  private readonly isWritable: boolean;
  private readonly gate: PoolGate | undefined;
  private pending = 0;
  private isOpen = true;

  constructor(parts: RealFileParts) {
    this.path = parts.path;
    this.descriptor = parts.descriptor;
    this.isWritable = parts.isWritable;
    this.gate = parts.gate;
  }

  read(target: Uint8Array, position: number): Promise<number> {
    this.checkOpen("read");
    return this.run((resolve, reject) => {
      fs.read(this.descriptor, target, 0, target.length, position, (error, bytes) => {
        if (this.end("read", error, reject)) resolve(bytes);
      });
    });
  }

  readNow(target: Uint8Array, position: number): number {
    this.checkOpen("read");
    try {
      return fs.readSync(this.descriptor, target, 0, target.length, position);
    } catch (reason) {
      throw toDiskFailure(reason, "read", this.path);
    }
  }

  write(source: Uint8Array, position: number): Promise<number> {
    this.checkWritable("write");
    return this.run((resolve, reject) => {
      fs.write(this.descriptor, source, 0, source.length, position, (error, bytes) => {
        if (this.end("write", error, reject)) resolve(bytes);
      });
    });
  }

  writeVector(sources: readonly Uint8Array[], position: number): Promise<number> {
    this.checkWritable("write");
    return this.run((resolve, reject) => {
      fs.writev(this.descriptor, sources, position, (error, bytes) => {
        if (this.end("write", error, reject)) resolve(bytes);
      });
    });
  }

  async append(source: Uint8Array): Promise<number> {
    return this.write(source, await this.size());
  }

  syncData(): Promise<void> {
    this.checkOpen("syncData");
    return this.run((resolve, reject) => {
      fs.fdatasync(this.descriptor, (error) => {
        if (this.end("syncData", error, reject)) resolve();
      });
    });
  }

  truncate(bytes: number): Promise<void> {
    this.checkWritable("truncate");
    return this.run((resolve, reject) => {
      fs.ftruncate(this.descriptor, bytes, (error) => {
        if (this.end("truncate", error, reject)) resolve();
      });
    });
  }

  size(): Promise<number> {
    this.checkOpen("size");
    return this.run((resolve, reject) => {
      fs.fstat(this.descriptor, (error, stats) => {
        if (this.end("size", error, reject)) resolve(stats.size);
      });
    });
  }

  close(): Promise<void> {
    this.checkOpen("close");
    assert(this.pending === 0, "a file closed with a call pending", { path: this.path, pending: this.pending });
    this.isOpen = false;
    return this.run((resolve, reject) => {
      fs.close(this.descriptor, (error) => {
        if (this.end("close", error, reject)) resolve();
      });
    });
  }

  private run<T>(start: Settle<T>): Promise<T> {
    this.pending++;
    if (this.gate === undefined || this.gate.tryEnter()) return new Promise<T>(start);
    return this.gate.turn().then(() => new Promise<T>(start));
  }

  /** Books the end of a call; false when it failed, which `reject` has been told then. */
  private end(operation: string, error: Error | null, reject: (reason: unknown) => void): boolean {
    this.pending--;
    this.gate?.leave();
    if (error === null) return true;
    reject(toDiskFailure(error, operation, this.path));
    return false;
  }

  private checkOpen(operation: string): void {
    assert(this.isOpen, "a closed file", { operation, path: this.path });
  }

  private checkWritable(operation: string): void {
    this.checkOpen(operation);
    assert(this.isWritable, "a file opened for reading is not written", { path: this.path });
  }
}
