// A disk that ends its own process with SIGKILL at a chosen operation: just before it, or just behind it.

import type { Disk, DiskFile, FolderLock, JobDisk, JobFile, OpenOptions } from "../../internal/platform/disk.ts";

export type KillOperation = "create" | "write" | "sync" | "syncFolder" | "rename" | "link" | "remove";

export interface KillPoint {
  readonly name: string;
  readonly operation: KillOperation;
  /** Of the path; of a rename, of the new one. */
  readonly path: RegExp;
  readonly when: "before" | "after";
}

const step = (name: string, operation: KillOperation, path: RegExp, when: KillPoint["when"]): KillPoint => ({
  name,
  operation,
  path,
  when,
});

/** Every step of the protocols by which a store changes its files. */
export const killPoints: readonly KillPoint[] = [
  step("log: commit", "write", /\/log\//, "before"),
  step("log: committed", "write", /\/log\//, "after"),
  step("log: segment made", "create", /\/log\//, "after"),
  step("log: segment synced", "sync", /\/log\//, "after"),
  step("log: names synced", "syncFolder", /\/log$/, "after"),
  step("log: segment renamed", "rename", /\/log\//, "after"),
  step("log: segment removed", "remove", /\/log\//, "after"),
  step("table: made", "create", /\.table$/, "after"),
  step("table: written", "write", /\.table$/, "after"),
  step("table: synced", "sync", /\.table$/, "after"),
  step("table: removed", "remove", /\.table$/, "after"),
  step("engine: names synced", "syncFolder", /\/engine$/, "after"),
  step("manifest: made", "create", /manifest-/, "after"),
  step("manifest: edit", "write", /manifest-/, "before"),
  step("manifest: edit written", "write", /manifest-/, "after"),
  step("manifest: edit synced", "sync", /manifest-/, "after"),
  step("manifest: before the switch", "rename", /\/current$/, "before"),
  step("manifest: switched", "rename", /\/current$/, "after"),
  step("manifest: old one removed", "remove", /manifest-/, "after"),
  step("checkpoint: table linked", "link", /checkpoints/, "after"),
  step("checkpoint: switched", "rename", /checkpoints.*\/current$/, "after"),
];

export class KillDisk implements Disk {
  readonly jobs: JobDisk;
  private readonly inner: Disk;
  private readonly point: KillPoint;
  private left: number;

  /** Kills at the operation of this number that the point describes. */
  constructor(inner: Disk, point: KillPoint, number: number) {
    this.inner = inner;
    this.point = point;
    this.left = number;
    this.jobs = {
      createFile: (path) => this.now("create", path, () => this.wrapJob(inner.jobs.createFile(path))),
      openFile: (path) => this.wrapJob(inner.jobs.openFile(path)),
    };
  }

  openFile(path: string, options: OpenOptions): Promise<DiskFile> {
    const open = async () => this.wrap(await this.inner.openFile(path, options));
    return options.create === undefined ? open() : this.later("create", path, open);
  }
  rename(from: string, to: string): Promise<void> {
    return this.later("rename", to, () => this.inner.rename(from, to));
  }
  link(existing: string, path: string): Promise<void> {
    return this.later("link", path, () => this.inner.link(existing, path));
  }
  remove(path: string): Promise<void> {
    return this.later("remove", path, () => this.inner.remove(path));
  }
  syncFolder(folder: string): Promise<void> {
    return this.later("syncFolder", folder, () => this.inner.syncFolder(folder));
  }
  makeFolder(path: string): Promise<void> {
    return this.inner.makeFolder(path);
  }
  removeFolder(path: string): Promise<void> {
    return this.inner.removeFolder(path);
  }
  list(folder: string): Promise<string[]> {
    return this.inner.list(folder);
  }
  sizeOf(path: string): Promise<number | undefined> {
    return this.inner.sizeOf(path);
  }
  freeBytes(folder: string): Promise<number> {
    return this.inner.freeBytes(folder);
  }
  lockFolder(folder: string): Promise<FolderLock> {
    return this.inner.lockFolder(folder);
  }

  private wrap(file: DiskFile): DiskFile {
    const { path } = file;
    return {
      path,
      read: (target, position) => file.read(target, position),
      readNow: (target, position) => file.readNow(target, position),
      write: (source, position) => this.later("write", path, () => file.write(source, position)),
      writeVector: (sources, position) => this.later("write", path, () => file.writeVector(sources, position)),
      append: (source) => this.later("write", path, () => file.append(source)),
      syncData: () => this.later("sync", path, () => file.syncData()),
      truncate: (bytes) => file.truncate(bytes),
      size: () => file.size(),
      close: () => file.close(),
    };
  }

  private wrapJob(file: JobFile): JobFile {
    const { path } = file;
    return {
      path,
      read: (target, position) => file.read(target, position),
      write: (source, position) => this.now("write", path, () => file.write(source, position)),
      syncData: () => this.now("sync", path, () => file.syncData()),
      size: () => file.size(),
      close: () => file.close(),
    };
  }

  private async later<T>(operation: KillOperation, path: string, action: () => Promise<T>): Promise<T> {
    const strikes = this.strikes(operation, path);
    if (strikes && this.point.when === "before") die();
    const result = await action();
    if (strikes) die();
    return result;
  }

  private now<T>(operation: KillOperation, path: string, action: () => T): T {
    const strikes = this.strikes(operation, path);
    if (strikes && this.point.when === "before") die();
    const result = action();
    if (strikes) die();
    return result;
  }

  private strikes(operation: KillOperation, path: string): boolean {
    if (operation !== this.point.operation || !this.point.path.test(path)) return false;
    this.left--;
    return this.left === 0;
  }
}

/** SIGKILL cannot be caught; nothing behind this runs. */
function die(): void {
  process.kill(process.pid, "SIGKILL");
  // The signal is delivered before the next system call returns; until then nothing may happen.
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
}
