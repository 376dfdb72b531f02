// The disk as the rest of Trefoil sees it. Three implementations stand behind it: the real one
// (internal/os), one in memory that knows which bytes were synced, and one that wraps another and
// injects faults (both in test/disk). What an operation promises is what a POSIX file system
// promises after a power cut, and no more:
//
// - bytes are durable once syncData of their file has resolved, or when the write of a file opened
//   with `writesSync` has;
// - a created, renamed, linked or removed name is durable once syncFolder of its folder has resolved;
// - a write may be short: it returns how many bytes it took, without an error. `writeFully` loops;
// - rename replaces its target atomically.
//
// Paths are absolute or relative to the process, with "/" between the parts.

export type DiskFailureKind =
  | "not_found"
  | "exists"
  /** No space left, or a quota. */
  | "full"
  /** No more files can be opened, by this process or on this machine, until others are closed. Nothing was done. */
  | "exhausted"
  /** Another process holds the folder. */
  | "in_use"
  | "denied"
  /** Anything else, a failed sync above all. */
  | "failed";

export class DiskFailure extends Error {
  override readonly name = "DiskFailure";
  readonly kind: DiskFailureKind;
  readonly operation: string;
  readonly path: string;

  constructor(kind: DiskFailureKind, operation: string, path: string, cause?: unknown) {
    const reason = cause instanceof Error ? cause.message : kind;
    super(`${operation} ${path}: ${reason}`, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.operation = operation;
    this.path = path;
  }
}

export interface OpenOptions {
  readonly access: "read" | "write";
  /** "must": the file must not exist yet. "may": it is created when absent. Left out: it must exist. */
  readonly create?: "must" | "may";
  /** Every write is durable when it resolves (O_DSYNC). */
  readonly writesSync?: boolean;
  /** Calls on it never stand behind those on other files: for the log's, on which every answer waits. */
  readonly urgent?: boolean;
}

export interface Disk {
  /** The path from the root, without links, whatever the process's own folder becomes later. */
  absolute(path: string): string;
  openFile(path: string, options: OpenOptions): Promise<DiskFile>;
  rename(from: string, to: string): Promise<void>;
  /** A second name for the file at `existing`; fails with "exists" when `path` is taken. */
  link(existing: string, path: string): Promise<void>;
  /** Removes a file. */
  remove(path: string): Promise<void>;
  /** Creates the folder and its parents; succeeds when it is there. */
  makeFolder(path: string): Promise<void>;
  /** Removes an empty folder. */
  removeFolder(path: string): Promise<void>;
  /** The names in a folder, sorted. */
  list(folder: string): Promise<string[]>;
  /** In a locked folder fails when another folder than at the last time stands under this name: somebody moved it, or replaced it. */
  syncFolder(folder: string): Promise<void>;
  /** Size in bytes, or undefined when there is no such file. */
  sizeOf(path: string): Promise<number | undefined>;
  /** Free bytes of the file system that holds `folder`. */
  freeBytes(folder: string): Promise<number>;
  /**
   * Takes a folder for this process, until `release` or the end of the process, however it ends.
   * Fails with "in_use" while another holder lives.
   */
  lockFolder(folder: string): Promise<FolderLock>;
  /** The same files for background jobs, which call synchronously. */
  readonly jobs: JobDisk;
}

export interface FolderLock {
  release(): Promise<void>;
}

export interface DiskFile {
  readonly path: string;
  /** Reads into `target` from `position`; returns how many bytes, fewer only at the end or by accident. */
  read(target: Uint8Array, position: number): Promise<number>;
  /** As read, at once. For small reads that the page cache probably holds. */
  readNow(target: Uint8Array, position: number): number;
  /** Returns how many bytes were taken: perhaps fewer than given. The caller leaves `source` alone until then. */
  write(source: Uint8Array, position: number): Promise<number>;
  /** The sources one behind the other in one call. */
  writeVector(sources: readonly Uint8Array[], position: number): Promise<number>;
  /** Writes at the end of the file. */
  append(source: Uint8Array): Promise<number>;
  syncData(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  size(): Promise<number>;
  /** REQUIRES: no read or write of this file is pending (a freed descriptor may at once name another file). */
  close(): Promise<void>;
}

/** What a background job may do with files. All calls are synchronous: jobs run in a worker, or in slices. */
export interface JobDisk {
  /** The file must not exist yet. */
  createFile(path: string): JobFile;
  openFile(path: string): JobFile;
}

export interface JobFile {
  readonly path: string;
  read(target: Uint8Array, position: number): number;
  /** May be short, as DiskFile.write. */
  write(source: Uint8Array, position: number): number;
  syncData(): void;
  size(): number;
  close(): void;
}

/** Writes all of `source`, however many calls that takes. A write that takes nothing counts as a full disk. */
export async function writeFully(file: DiskFile, source: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < source.length) {
    const rest = done === 0 ? source : source.subarray(done);
    const taken = await file.write(rest, position + done);
    if (taken === 0) throw new DiskFailure("full", "write", file.path);
    done += taken;
  }
}

/** writeFully for jobs. */
export function writeFullyNow(file: JobFile, source: Uint8Array, position: number): void {
  let done = 0;
  while (done < source.length) {
    const taken = file.write(done === 0 ? source : source.subarray(done), position + done);
    if (taken === 0) throw new DiskFailure("full", "write", file.path);
    done += taken;
  }
}

/** Fills `target` from `position`, or returns how many bytes there were before the end of the file. */
export async function readFully(file: DiskFile, target: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < target.length) {
    const taken = await file.read(done === 0 ? target : target.subarray(done), position + done);
    if (taken === 0) break;
    done += taken;
  }
  return done;
}

/** readFully for jobs. */
export function readFullyNow(file: Pick<JobFile, "read">, target: Uint8Array, position: number): number {
  let done = 0;
  while (done < target.length) {
    const taken = file.read(done === 0 ? target : target.subarray(done), position + done);
    if (taken === 0) break;
    done += taken;
  }
  return done;
}
