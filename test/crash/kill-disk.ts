// A disk that ends its own process, by SIGKILL, at one call of one kind. It stands before the real one, on
// the main thread and in the worker.

import process from "node:process";
import type { Disk, DiskFile, FolderLock, JobDisk, JobFile, OpenOptions } from "../../internal/platform/disk.ts";
import type { KillCall, KillPlan } from "./kill-points.ts";

/** Counts calls, and ends the process when the planned one comes. */
export class Executioner {
  plan: KillPlan | undefined;
  /** The job whose call comes next; undefined on the main thread. */
  job: string | undefined;
  private seen = 0;
  /** Told just before the end. */
  private readonly onEnd: () => void;

  constructor(plan: KillPlan | undefined, onEnd: () => void) {
    this.plan = plan;
    this.onEnd = onEnd;
  }

  /** Whether this is the call at which to end. */
  isDue(call: KillCall, path: string): boolean {
    const { plan } = this;
    if (plan === undefined) return false;
    const { point } = plan;
    if (point.call !== call || point.job !== this.job || !new RegExp(point.path).test(path)) return false;
    this.seen++;
    return this.seen === plan.call;
  }

  async around<T>(call: KillCall, path: string, action: () => Promise<T>): Promise<T> {
    if (!this.isDue(call, path)) return action();
    if (this.plan?.point.moment === "before") this.end();
    await action();
    return this.end();
  }

  aroundNow<T>(call: KillCall, path: string, action: () => T): T {
    if (!this.isDue(call, path)) return action();
    if (this.plan?.point.moment === "before") this.end();
    action();
    return this.end();
  }

  /** A write, of which half is done when it is to end in the middle. */
  aroundWrite<T>(path: string, source: Uint8Array, action: (source: Uint8Array) => Promise<T>): Promise<T> {
    return this.around("write", path, () => action(this.part(source)));
  }

  part(source: Uint8Array): Uint8Array {
    return source.subarray(0, this.share(source));
  }

  /** The same of a write of several pieces. */
  parts(sources: readonly Uint8Array[]): readonly Uint8Array[] {
    return sources.length === 1 ? sources.map((source) => this.part(source)) : sources.slice(0, this.share(sources));
  }

  /** How much of a write is to be done, in bytes or pieces. */
  private share({ length }: { readonly length: number }): number {
    return this.plan?.point.moment === "half" && this.seen === this.plan.call ? Math.ceil(length / 2) : length;
  }

  private end(): never {
    this.onEnd();
    process.kill(process.pid, "SIGKILL");
    // The signal may take a moment to arrive.
    for (;;);
  }
}

export class KillDisk implements Disk {
  readonly jobs: JobDisk;
  private readonly inner: Disk;
  private readonly executioner: Executioner;

  constructor(inner: Disk, executioner: Executioner) {
    this.inner = inner;
    this.executioner = executioner;
    this.jobs = new KillJobDisk(inner.jobs, executioner);
  }

  async openFile(path: string, options: OpenOptions): Promise<DiskFile> {
    const open = (): Promise<DiskFile> => this.inner.openFile(path, options);
    const file = await (options.create === undefined ? open() : this.executioner.around("create", path, open));
    return new KillFile(file, this.executioner);
  }

  rename(from: string, to: string): Promise<void> {
    return this.executioner.around("rename", from, () => this.inner.rename(from, to));
  }

  link(existing: string, path: string): Promise<void> {
    return this.executioner.around("link", existing, () => this.inner.link(existing, path));
  }

  remove(path: string): Promise<void> {
    return this.executioner.around("remove", path, () => this.inner.remove(path));
  }

  makeFolder(path: string): Promise<void> {
    return this.executioner.around("makeFolder", path, () => this.inner.makeFolder(path));
  }

  removeFolder(path: string): Promise<void> {
    return this.inner.removeFolder(path);
  }

  list(folder: string): Promise<string[]> {
    return this.inner.list(folder);
  }

  absolute(path: string): string {
    return this.inner.absolute(path);
  }

  syncFolder(folder: string): Promise<void> {
    return this.executioner.around("syncFolder", folder, () => this.inner.syncFolder(folder));
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
}

class KillFile implements DiskFile {
  private readonly inner: DiskFile;
  private readonly executioner: Executioner;

  constructor(inner: DiskFile, executioner: Executioner) {
    this.inner = inner;
    this.executioner = executioner;
  }

  get path(): string {
    return this.inner.path;
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.inner.read(target, position);
  }

  readNow(target: Uint8Array, position: number): number {
    return this.inner.readNow(target, position);
  }

  write(source: Uint8Array, position: number): Promise<number> {
    return this.executioner.aroundWrite(this.path, source, (part) => this.inner.write(part, position));
  }

  writeVector(sources: readonly Uint8Array[], position: number): Promise<number> {
    const { executioner, inner } = this;
    return executioner.around("write", this.path, () => inner.writeVector(executioner.parts(sources), position));
  }

  append(source: Uint8Array): Promise<number> {
    return this.executioner.aroundWrite(this.path, source, (part) => this.inner.append(part));
  }

  syncData(): Promise<void> {
    return this.executioner.around("syncData", this.path, () => this.inner.syncData());
  }

  truncate(bytes: number): Promise<void> {
    return this.executioner.around("truncate", this.path, () => this.inner.truncate(bytes));
  }

  size(): Promise<number> {
    return this.inner.size();
  }

  close(): Promise<void> {
    return this.inner.close();
  }
}

export class KillJobDisk implements JobDisk {
  private readonly inner: JobDisk;
  private readonly executioner: Executioner;

  constructor(inner: JobDisk, executioner: Executioner) {
    this.inner = inner;
    this.executioner = executioner;
  }

  createFile(path: string): JobFile {
    const file = this.executioner.aroundNow("create", path, () => this.inner.createFile(path));
    return new KillJobFile(file, this.executioner);
  }

  openFile(path: string): JobFile {
    return new KillJobFile(this.inner.openFile(path), this.executioner);
  }
}

class KillJobFile implements JobFile {
  private readonly inner: JobFile;
  private readonly executioner: Executioner;

  constructor(inner: JobFile, executioner: Executioner) {
    this.inner = inner;
    this.executioner = executioner;
  }

  get path(): string {
    return this.inner.path;
  }

  read(target: Uint8Array, position: number): number {
    return this.inner.read(target, position);
  }

  write(source: Uint8Array, position: number): number {
    const { executioner, inner } = this;
    return executioner.aroundNow("write", this.path, () => inner.write(executioner.part(source), position));
  }

  syncData(): void {
    this.executioner.aroundNow("syncData", this.path, () => this.inner.syncData());
  }

  size(): number {
    return this.inner.size();
  }

  close(): void {
    this.inner.close();
  }
}
