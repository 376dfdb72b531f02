// Open files of the fault disk.

import { concatBytes } from "../../internal/base/bytes.ts";
import type { DiskFile, JobFile } from "../../internal/platform/disk.ts";
import type { FaultDisk } from "./fault-disk.ts";
import type { Strike } from "./fault-rules.ts";

export class FaultFile implements DiskFile {
  readonly path: string;
  private readonly disk: FaultDisk;
  private readonly inner: DiskFile;

  constructor(disk: FaultDisk, inner: DiskFile) {
    this.disk = disk;
    this.inner = inner;
    this.path = inner.path;
  }

  read(target: Uint8Array, position: number): Promise<number> {
    const run = async (strike: Strike): Promise<number> => {
      const view = shortened(strike, target);
      const bytes = await this.inner.read(view, position + strike.misdirectedBytes);
      if (strike.isFlipped) view.set(this.disk.flipped(strike, view.subarray(0, bytes)));
      return bytes;
    };
    return this.disk.call("read", this.path, run, target.length);
  }

  readNow(target: Uint8Array, position: number): number {
    return this.disk.callNow("read", this.path, readWith(this.disk, this.inner, { target, position }), target.length);
  }

  write(source: Uint8Array, position: number): Promise<number> {
    const run = async (strike: Strike): Promise<number> => {
      const granted = this.disk.granted(strike, this.path, position, source.length);
      const bytes = this.disk.flipped(strike, granted === source.length ? source : source.subarray(0, granted));
      const taken = await this.inner.write(bytes, position);
      this.disk.charge(this.path, position, taken);
      return taken;
    };
    return this.disk.call("write", this.path, run, source.length);
  }

  writeVector(sources: readonly Uint8Array[], position: number): Promise<number> {
    const length = sources.reduce((sum, source) => sum + source.length, 0);
    const run = async (strike: Strike): Promise<number> => {
      const granted = this.disk.granted(strike, this.path, position, length);
      const isWhole = granted === length && !strike.isFlipped;
      const taken = isWhole
        ? await this.inner.writeVector(sources, position)
        : await this.inner.write(this.disk.flipped(strike, concatBytes(sources).subarray(0, granted)), position);
      this.disk.charge(this.path, position, taken);
      return taken;
    };
    return this.disk.call("write", this.path, run, length);
  }

  async append(source: Uint8Array): Promise<number> {
    return this.write(source, await this.inner.size());
  }

  syncData(): Promise<void> {
    return this.disk.call("syncData", this.path, () => this.inner.syncData());
  }

  truncate(bytes: number): Promise<void> {
    const run = async (): Promise<void> => {
      await this.inner.truncate(bytes);
      this.disk.truncated(this.path, bytes);
    };
    return this.disk.call("truncate", this.path, run);
  }

  size(): Promise<number> {
    return this.disk.call("size", this.path, () => this.inner.size());
  }

  close(): Promise<void> {
    return this.disk.call("close", this.path, () => this.inner.close());
  }
}

export class FaultJobFile implements JobFile {
  readonly path: string;
  private readonly disk: FaultDisk;
  private readonly inner: JobFile;

  constructor(disk: FaultDisk, inner: JobFile) {
    this.disk = disk;
    this.inner = inner;
    this.path = inner.path;
  }

  read(target: Uint8Array, position: number): number {
    const inner = { readNow: (into: Uint8Array, at: number): number => this.inner.read(into, at) };
    return this.disk.callNow("read", this.path, readWith(this.disk, inner, { target, position }), target.length);
  }

  write(source: Uint8Array, position: number): number {
    const run = (strike: Strike): number => {
      const granted = this.disk.granted(strike, this.path, position, source.length);
      const bytes = this.disk.flipped(strike, granted === source.length ? source : source.subarray(0, granted));
      const taken = this.inner.write(bytes, position);
      this.disk.charge(this.path, position, taken);
      return taken;
    };
    return this.disk.callNow("write", this.path, run, source.length);
  }

  syncData(): void {
    this.disk.callNow("syncData", this.path, () => this.inner.syncData());
  }

  size(): number {
    return this.disk.callNow("size", this.path, () => this.inner.size());
  }

  close(): void {
    this.disk.callNow("close", this.path, () => this.inner.close());
  }
}

function readWith(
  disk: FaultDisk,
  inner: Pick<DiskFile, "readNow">,
  { target, position }: { readonly target: Uint8Array; readonly position: number },
): (strike: Strike) => number {
  return (strike) => {
    const view = shortened(strike, target);
    const bytes = inner.readNow(view, position + strike.misdirectedBytes);
    if (strike.isFlipped) view.set(disk.flipped(strike, view.subarray(0, bytes)));
    return bytes;
  };
}

function shortened(strike: Strike, target: Uint8Array): Uint8Array {
  const bytesMax = strike.bytesMax ?? target.length;
  return bytesMax < target.length ? target.subarray(0, bytesMax) : target;
}
