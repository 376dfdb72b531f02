// A disk of a few megabytes for one node: a tmpfs that its folder is a link into, and a file beside its data that takes what is left.

import { execFileSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, symlinkSync, writeSync } from "node:fs";
import { join } from "node:path";

const chunk = new Uint8Array(64 * 1024);

export class SmallDisk {
  private readonly folder: string;

  /** `data` is going to lie on it. Only where mounts are the test's own. */
  constructor(data: string, bytes: number) {
    this.folder = `${data}.disk`;
    mkdirSync(this.folder, { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", this.folder]);
    mkdirSync(join(this.folder, "data"));
    symlinkSync(join(this.folder, "data"), data);
  }

  /** To the last byte. */
  fill(): void {
    const file = openSync(this.filler, "a");
    try {
      for (let size = chunk.length; size > 0;) {
        if (!tryToWrite(file, size)) size = Math.floor(size / 2);
      }
    } finally {
      closeSync(file);
    }
  }

  empty(): void {
    rmSync(this.filler, { force: true });
  }

  unmount(): void {
    execFileSync("umount", ["--lazy", this.folder]);
  }

  private get filler(): string {
    return join(this.folder, "filler");
  }
}

/** Whether all of it found room. */
function tryToWrite(file: number, size: number): boolean {
  try {
    return writeSync(file, chunk, 0, size) === size;
  } catch (failure) {
    if ((failure as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw failure;
  }
}
