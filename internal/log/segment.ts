// One segment of the log: where it lies in the stream of positions, and the file behind it, which may
// come later than the decision to begin it.

import { TrefoilError } from "../base/errors.ts";
import type { DiskFile } from "../platform/disk.ts";
import { segmentHeaderBytes } from "./format.ts";

const nameDigits = 8;
const namePattern = /^(\d{8,15})\.log$/;
const sparePattern = /^(\d{8,15})\.spare$/;
const draftPattern = /^(\d{8,15})\.new$/;

/** An empty file that is there as soon as the log has begun: a folder with it and without segments has lost them. */
export const begunName = "begun";

export type LogFileKind = "segment" | "spare" | "draft";

export function segmentName(number: number): string {
  return `${String(number).padStart(nameDigits, "0")}.log`;
}

/** A file that was a segment and waits to become one again. */
export function spareName(number: number): string {
  return `${String(number).padStart(nameDigits, "0")}.spare`;
}

/** A file that is not finished: whatever it holds is not part of the log. */
export function draftName(number: number): string {
  return `${String(number).padStart(nameDigits, "0")}.new`;
}

/** What a name in the log's folder means; undefined for a name that the log never gives. */
export function parseLogName(name: string): { readonly kind: LogFileKind; readonly number: number } | undefined {
  const kinds = [
    ["segment", namePattern, segmentName],
    ["spare", sparePattern, spareName],
    ["draft", draftPattern, draftName],
  ] as const;
  for (const [kind, pattern, nameOf] of kinds) {
    const digits = pattern.exec(name)?.[1];
    if (digits === undefined) continue;
    const number = Number(digits);
    return number > 0 && nameOf(number) === name ? { kind, number } : undefined;
  }
  return undefined;
}

export interface SegmentParts {
  readonly number: number;
  /** Position of the file's first byte. */
  readonly start: number;
  readonly path: string;
  readonly capacity: number;
}

export class Segment {
  readonly number: number;
  readonly start: number;
  readonly path: string;
  /** Where the last batch that was placed in it ends: offset in the file. */
  used = segmentHeaderBytes;
  /** How far batches may go. */
  capacity: number;
  /** Behind the checkpoint. */
  dataStart = segmentHeaderBytes;
  /** While its checkpoint is being staged. */
  isOpening = false;

  /** Undefined until the first batch is about to be written. */
  file: DiskFile | undefined;
  salt = 0;
  /** Bytes that the file has on disk. */
  allocated = 0;
  private holders = 0;
  private holdersGone: (() => void) | undefined;

  constructor(parts: SegmentParts) {
    this.number = parts.number;
    this.start = parts.start;
    this.path = parts.path;
    this.capacity = parts.capacity;
  }

  get end(): number {
    return this.start + this.used;
  }

  /** Whether it holds anything but its checkpoint, so that ending it is progress. */
  get mayEnd(): boolean {
    return !this.isOpening && this.used > this.dataStart;
  }

  /** The file, which stays open until it is let go. */
  hold(): DiskFile {
    if (this.file === undefined) throw new TrefoilError("stopping", `${this.path} is closed`);
    this.holders++;
    return this.file;
  }

  letGo(): void {
    if (--this.holders === 0) this.holdersGone?.();
  }

  /** Closes the file once nobody holds it; nobody can take hold of it any more. REQUIRES: no write or sync is pending. */
  async close(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    if (this.holders > 0) {
      await new Promise<void>((resolve) => {
        this.holdersGone = resolve;
      });
    }
    await file?.close();
  }
}
