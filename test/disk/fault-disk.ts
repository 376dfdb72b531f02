// A disk that stands before another and makes its calls go wrong, by rule (fault-rules.ts) or because it
// is full (space-budget.ts). Both faces ask the same rules. Without rules it is the other disk.
//
// Sequence of a call: strike, delay, failure before, the call with its bytes cut short, flipped or taken
// from elsewhere, failure after.

import { Prng } from "../../internal/base/prng.ts";
import type { Scheduler } from "../../internal/platform/clock.ts";
import { DiskFailure } from "../../internal/platform/disk.ts";
import type { Disk, DiskFile, FolderLock, JobDisk, JobFile, OpenOptions } from "../../internal/platform/disk.ts";
import { FaultFile, FaultJobFile } from "./fault-files.ts";
import { FaultRules, type ArmedRule, type FaultCall, type FaultRule, type Strike } from "./fault-rules.ts";
import { SpaceBudget } from "./space-budget.ts";

export interface FaultDiskOptions {
  /** Decides chances, bits and short lengths. */
  readonly random?: Prng;
  /** Needed by rules that delay. */
  readonly scheduler?: Scheduler;
  /** Told of each sync that was made to fail, before the caller is: MemoryDisk.dropUnsynced belongs here. */
  readonly onFailedSync?: (path: string) => void;
}

export class FaultDisk implements Disk {
  readonly jobs: JobDisk;
  private readonly inner: Disk;
  private readonly options: FaultDiskOptions;
  private readonly rules: FaultRules;
  private readonly space = new SpaceBudget();

  constructor(inner: Disk, options: FaultDiskOptions = {}) {
    this.inner = inner;
    this.options = options;
    this.rules = new FaultRules(options.random ?? new Prng(1));
    this.jobs = {
      createFile: (path) => this.openJob(path, () => this.inner.jobs.createFile(path)),
      openFile: (path) => this.openJob(path, () => this.inner.jobs.openFile(path)),
    };
  }

  arm(rule: FaultRule): ArmedRule {
    return this.rules.arm(rule);
  }

  /** From now on files may grow by so many bytes together. */
  limitSpace(bytes: number): SpaceBudget {
    this.space.limit(bytes);
    return this.space;
  }

  async openFile(path: string, options: OpenOptions): Promise<DiskFile> {
    const file = await this.call("openFile", path, () => this.inner.openFile(path, options));
    this.space.know(path, await file.size());
    return new FaultFile(this, file);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.call("rename", from, () => this.inner.rename(from, to));
    this.space.rename(from, to);
  }

  async link(existing: string, path: string): Promise<void> {
    await this.call("link", existing, () => this.inner.link(existing, path));
    this.space.link(existing, path);
  }

  async remove(path: string): Promise<void> {
    const bytes = await this.inner.sizeOf(path);
    await this.call("remove", path, () => this.inner.remove(path));
    if (bytes !== undefined) this.space.know(path, bytes);
    this.space.remove(path);
  }

  makeFolder(path: string): Promise<void> {
    return this.call("makeFolder", path, () => this.inner.makeFolder(path));
  }

  removeFolder(path: string): Promise<void> {
    return this.call("removeFolder", path, () => this.inner.removeFolder(path));
  }

  list(folder: string): Promise<string[]> {
    return this.call("list", folder, () => this.inner.list(folder));
  }

  absolute(path: string): string {
    return this.inner.absolute(path);
  }

  syncFolder(folder: string): Promise<void> {
    return this.call("syncFolder", folder, () => this.inner.syncFolder(folder));
  }

  sizeOf(path: string): Promise<number | undefined> {
    return this.call("sizeOf", path, () => this.inner.sizeOf(path));
  }

  async freeBytes(folder: string): Promise<number> {
    const bytes = await this.call("freeBytes", folder, () => this.inner.freeBytes(folder));
    return Math.min(bytes, this.space.left);
  }

  lockFolder(folder: string): Promise<FolderLock> {
    return this.call("lockFolder", folder, () => this.inner.lockFolder(folder));
  }

  // What follows is for the files.

  /** Makes an asynchronous call, or lets it go wrong. */
  async call<T>(name: FaultCall, path: string, action: (strike: Strike) => Promise<T>, bytes = 0): Promise<T> {
    const strike = this.rules.strike(name, path, bytes);
    if (strike.delayMilliseconds > 0) await this.wait(strike.delayMilliseconds);
    if (strike.fail?.after !== true) this.failBy(strike, name, path);
    const result = await action(strike);
    this.failBy(strike, name, path);
    return result;
  }

  /** The same for a synchronous one, which nothing can delay. */
  callNow<T>(name: FaultCall, path: string, action: (strike: Strike) => T, bytes = 0): T {
    const strike = this.rules.strike(name, path, bytes);
    if (strike.fail?.after !== true) this.failBy(strike, name, path);
    const result = action(strike);
    this.failBy(strike, name, path);
    return result;
  }

  /** How many of `length` bytes a write is let take. Throws when the disk is full. */
  granted(strike: Strike, path: string, position: number, length: number): number {
    const wanted = Math.min(length, strike.bytesMax ?? length);
    const granted = this.space.grant(path, position, wanted);
    if (granted === 0 && wanted > 0) throw new DiskFailure("full", "write", path);
    return granted;
  }

  charge(path: string, position: number, length: number): void {
    this.space.charge(path, position, length);
  }

  truncated(path: string, bytes: number): void {
    this.space.truncate(path, bytes);
  }

  flipped(strike: Strike, bytes: Uint8Array): Uint8Array {
    return strike.isFlipped ? this.rules.flipped(bytes) : bytes;
  }

  private openJob(path: string, open: () => JobFile): JobFile {
    const file = this.callNow("openFile", path, open);
    this.space.know(path, file.size());
    return new FaultJobFile(this, file);
  }

  private failBy(strike: Strike, name: FaultCall, path: string): void {
    if (strike.fail === undefined) return;
    if (name === "syncData") this.options.onFailedSync?.(path);
    throw new DiskFailure(strike.fail.failure, name, path, new Error("a fault that the test injected"));
  }

  private wait(milliseconds: number): Promise<void> {
    const { scheduler } = this.options;
    if (milliseconds === Number.POSITIVE_INFINITY) return new Promise(never);
    if (scheduler === undefined) throw new Error("a rule that delays needs a scheduler");
    return new Promise((resolve) => {
      scheduler.after(milliseconds, resolve);
    });
  }
}

function never(): void {
  // A promise made with this never settles.
}
