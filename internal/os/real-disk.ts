// The disk that is one: node:fs behind the Disk interface.
//
//   log's files (urgent) -------------------------------> libuv's thread pool
//   everything else -> PoolGate, pool size minus two ---> libuv's thread pool
//   readNow, jobs --------------------------------------> the calling thread
//
// New files are 0600 and folders 0700: data is nobody else's to read.

import * as fs from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { DiskFailure } from "../platform/disk.ts";
import type { Disk, DiskFile, FolderLock, JobDisk, OpenOptions } from "../platform/disk.ts";
import { errorCode, toDiskFailure } from "./disk-failures.ts";
import { isLockName, lockFolder } from "./folder-lock.ts";
import { PoolGate } from "./pool-gate.ts";
import { RealFile } from "./real-file.ts";
import { attempt, checkRegular, fileMode, realJobDisk } from "./real-job-disk.ts";

const folderMode = 0o700;
/** libuv's own default and bound. */
const poolThreadsDefault = 4;
const poolThreadsMax = 1024;

export interface RealDiskOptions {
  /** Threads of libuv's pool. Left out: what UV_THREADPOOL_SIZE says, as libuv reads it. */
  readonly poolThreads?: number;
}

export class RealDisk implements Disk {
  readonly jobs: JobDisk = realJobDisk;
  private readonly gate: PoolGate;
  /** Which folder it was that was synced under a name, in folders that are locked. */
  private readonly identities = new Map<string, string>();
  private readonly locked = new Set<string>();

  constructor(options: RealDiskOptions = {}) {
    const threads = options.poolThreads ?? poolThreadsFromEnvironment();
    this.gate = new PoolGate(Math.max(1, threads - 2));
  }

  absolute(path: string): string {
    const whole = resolve(path);
    try {
      return fs.realpathSync.native(whole);
    } catch (reason) {
      const parent = dirname(whole);
      if (errorCode(reason) !== "ENOENT" || parent === whole) return whole;
      return join(this.absolute(parent), basename(whole));
    }
  }

  async openFile(path: string, options: OpenOptions): Promise<DiskFile> {
    const gate = options.urgent === true ? undefined : this.gate;
    if (options.create === undefined) {
      const stats = await call<fs.Stats>("openFile", path, gate, (done) => fs.stat(path, done));
      attempt("openFile", path, () => checkRegular(stats));
    }
    const descriptor = await call<number>("openFile", path, gate, (done) => {
      fs.open(path, openFlags(options), fileMode, done);
    });
    return new RealFile({ path, descriptor, isWritable: options.access === "write", gate });
  }

  async rename(from: string, to: string): Promise<void> {
    await call<void>("rename", from, this.gate, (done) => fs.rename(from, to, done));
    // What is made under the name from now on is another folder, and may be.
    for (const known of this.identities.keys()) if (isWithin(known, from)) this.identities.delete(known);
  }

  link(existing: string, path: string): Promise<void> {
    return call("link", existing, this.gate, (done) => fs.link(existing, path, done));
  }

  remove(path: string): Promise<void> {
    return call("remove", path, this.gate, (done) => fs.unlink(path, done));
  }

  /** Level by level: where a file system takes no folders and says that the path is missing, Node's own way never ends. */
  async makeFolder(path: string): Promise<void> {
    try {
      await this.makeLevel(path);
    } catch (reason) {
      const parent = dirname(path);
      if (!(reason instanceof DiskFailure) || reason.kind !== "not_found" || parent === path) throw reason;
      await this.makeFolder(parent);
      await this.makeLevel(path);
    }
  }

  /** A folder whose parent is there; or it is there itself. */
  private async makeLevel(path: string): Promise<void> {
    try {
      await call<void>("makeFolder", path, this.gate, (done) => fs.mkdir(path, folderMode, done as fs.NoParamCallback));
    } catch (reason) {
      if (!(reason instanceof DiskFailure) || reason.kind !== "exists") throw reason;
      const stats = await call<fs.Stats>("makeFolder", path, this.gate, (done) => fs.stat(path, done));
      if (!stats.isDirectory()) throw reason;
    }
  }

  removeFolder(path: string): Promise<void> {
    this.identities.delete(path);
    return call("removeFolder", path, this.gate, (done) => fs.rmdir(path, done));
  }

  async list(folder: string): Promise<string[]> {
    const names = await call<string[]>("list", folder, this.gate, (done) => fs.readdir(folder, done));
    return names.filter((name) => !isLockName(name)).sort();
  }

  async syncFolder(folder: string): Promise<void> {
    const flags = fs.constants.O_RDONLY | fs.constants.O_DIRECTORY;
    const descriptor = await call<number>("syncFolder", folder, this.gate, (done) => fs.open(folder, flags, done));
    try {
      const stats = await call<fs.Stats>("syncFolder", folder, this.gate, (done) => fs.fstat(descriptor, done));
      this.checkIdentity(folder, `${stats.dev} ${stats.ino}`);
      await call<void>("syncFolder", folder, this.gate, (done) => fs.fsync(descriptor, done));
    } finally {
      await call<void>("syncFolder", folder, this.gate, (done) => fs.close(descriptor, done));
    }
  }

  async sizeOf(path: string): Promise<number | undefined> {
    try {
      const stats = await call<fs.Stats>("sizeOf", path, this.gate, (done) => fs.stat(path, done));
      return stats.isFile() ? stats.size : undefined;
    } catch (reason) {
      if (reason instanceof DiskFailure && reason.kind === "not_found") return undefined;
      throw reason;
    }
  }

  async freeBytes(folder: string): Promise<number> {
    const stats = await call<fs.StatsFs>("freeBytes", folder, this.gate, (done) => fs.statfs(folder, done));
    return stats.bavail * stats.bsize;
  }

  lockFolder(folder: string): Promise<FolderLock> {
    return lockFolder(folder).then((lock) => {
      this.locked.add(folder);
      return { release: () => this.unlock(folder, lock) };
    });
  }

  private async unlock(folder: string, lock: FolderLock): Promise<void> {
    this.locked.delete(folder);
    for (const known of this.identities.keys()) {
      if (isWithin(known, folder)) this.identities.delete(known);
    }
    await lock.release();
  }

  /** What was written under the name before lies elsewhere now: nothing that is written here may count as beside it. */
  private checkIdentity(folder: string, identity: string): void {
    if (![...this.locked].some((held) => isWithin(folder, held))) return;
    const known = this.identities.get(folder);
    if (known !== undefined && known !== identity) {
      const why = new Error("another folder stands under this name now: it was moved or replaced while it was in use");
      throw new DiskFailure("failed", "syncFolder", folder, why);
    }
    this.identities.set(folder, identity);
  }
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

type Done<T> = (error: Error | null, value: T) => void;

/** Makes one call of node:fs when the gate lets it, and gives its failure a kind. */
async function call<T>(
  operation: string,
  path: string,
  gate: PoolGate | undefined,
  start: (done: Done<T>) => void,
): Promise<T> {
  if (gate !== undefined && !gate.tryEnter()) await gate.turn();
  return new Promise<T>((resolve, reject) => {
    const done: Done<T> = (error, value) => {
      gate?.leave();
      if (error === null) resolve(value);
      else reject(toDiskFailure(error, operation, path));
    };
    try {
      start(done);
    } catch (reason) {
      // A path that no system takes: one with a zero byte, say.
      done(toDiskFailure(reason, operation, path), undefined as T);
    }
  });
}

function openFlags(options: OpenOptions): number {
  const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_DSYNC } = fs.constants;
  let flags = options.access === "read" ? O_RDONLY : O_RDWR;
  if (options.create !== undefined) flags |= O_CREAT;
  if (options.create === "must") flags |= O_EXCL;
  if (options.writesSync === true) flags |= O_DSYNC;
  return flags;
}

/** As libuv reads it: a number from 1 to 1024, four when there is none. */
function poolThreadsFromEnvironment(): number {
  const text = process.env["UV_THREADPOOL_SIZE"];
  if (text === undefined) return poolThreadsDefault;
  const threads = Number.parseInt(text, 10);
  return Math.min(Math.max(Number.isNaN(threads) ? 1 : threads, 1), poolThreadsMax);
}
