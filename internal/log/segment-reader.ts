// Reads the batches of one segment in order, through a window of memory that is filled by large reads.
// It decides only what stands at an offset; what a bad batch means is recovery's to say.

import { readU64 } from "../base/codec.ts";
import { readFully } from "../platform/disk.ts";
import type { DiskFile } from "../platform/disk.ts";
import {
  batchHeaderBytes,
  batchPositionAt,
  findBatchMagic,
  isBatchIntact,
  readBatchFrame,
  segmentHeaderBytes,
} from "./format.ts";
import type { BatchFrame } from "./format.ts";

const windowBytes = 4 * 1024 * 1024;
/** No batch is longer: it holds one record of the greatest length at most. */
const batchLengthMax = 2 ** 25;

export class SegmentReader {
  readonly path: string;
  readonly size: number;
  salt = 0;
  /** Position of the file's first byte. While it is undefined, batches are believed what they say of it. */
  start: number | undefined;

  /** Of the batch that was found last; its records are bytes[recordsStart, recordsEnd). */
  frame: BatchFrame = { position: 0, synced: 0, length: 0, flags: 0 };
  bytes: Uint8Array;
  recordsStart = 0;
  recordsEnd = 0;

  private readonly file: DiskFile;
  /** The window holds [from, to) of the file. */
  private from = 0;
  private to = 0;

  constructor(file: DiskFile, path: string, size: number) {
    this.file = file;
    this.path = path;
    this.size = size;
    this.bytes = new Uint8Array(Math.min(windowBytes, size));
  }

  /** As much of the segment's header as the file has. */
  async header(): Promise<Uint8Array> {
    const length = Math.min(segmentHeaderBytes, this.size);
    await this.load(0, length);
    return this.bytes.subarray(0, Math.min(length, this.to));
  }

  /** Whether an intact batch stands at `offset`; undefined says that memory does not hold enough: ask batchAt. */
  batchInMemory(offset: number): boolean | undefined {
    const at = offset - this.from;
    if (offset + batchHeaderBytes > this.size) return false;
    if (at < 0 || offset + batchHeaderBytes > this.to) return undefined;
    const frame = this.frameAt(offset);
    if (frame === undefined) return false;
    const end = at + batchHeaderBytes + frame.length;
    if (this.from + end > this.to) return undefined;
    if (!isBatchIntact(this.bytes, at, frame.length, this.salt)) return false;
    this.frame = frame;
    this.recordsStart = at + batchHeaderBytes;
    this.recordsEnd = end;
    return true;
  }

  /** Whether an intact batch stands at `offset`. */
  async batchAt(offset: number): Promise<boolean> {
    for (let length = batchHeaderBytes; ;) {
      const found = this.batchInMemory(offset);
      if (found !== undefined) return found;
      await this.load(offset, length);
      // The file has become shorter while it was read.
      if (offset + length > this.to) return false;
      length = batchHeaderBytes + (this.frameAt(offset)?.length ?? 0);
    }
  }

  /** The offset of the first intact batch at or behind `offset` that `accept` takes, or -1. */
  async findBatch(offset: number, accept: (frame: BatchFrame, offset: number) => boolean): Promise<number> {
    for (let at = offset; at + batchHeaderBytes <= this.size;) {
      if (at < this.from || at + batchHeaderBytes > this.to) await this.load(at, batchHeaderBytes);
      if (at + batchHeaderBytes > this.to) return -1;
      const found = findBatchMagic(this.bytes, at - this.from, this.to - this.from);
      // The last bytes of the window may be the first ones of a batch's mark.
      if (found < 0) {
        at = Math.max(at + 1, this.to - 3);
        continue;
      }
      at = this.from + found;
      if ((await this.batchAt(at)) && accept(this.frame, at)) return at;
      at++;
    }
    return -1;
  }

  /** Whether all bytes from `offset` on are zeros. */
  async isBlankFrom(offset: number): Promise<boolean> {
    for (let at = offset; at < this.size;) {
      await this.load(at, 1);
      if (at === this.to) break;
      if (this.bytes.subarray(0, this.to - at).some((byte) => byte !== 0)) return false;
      at = this.to;
    }
    return true;
  }

  /** REQUIRES: the window holds a batch's header at `offset`. Undefined when it cannot be one of this segment. */
  private frameAt(offset: number): BatchFrame | undefined {
    const at = offset - this.from;
    const position = this.start === undefined ? readU64(this.bytes, at + batchPositionAt) : this.start + offset;
    const frame = readBatchFrame(this.bytes, at, position, this.salt);
    if (frame === undefined || frame.length > batchLengthMax || position < offset) return undefined;
    return offset + batchHeaderBytes + frame.length > this.size ? undefined : frame;
  }

  /** Brings at least `length` bytes from `offset` into the window, as far as the file has them. */
  private async load(offset: number, length: number): Promise<void> {
    let target = this.bytes;
    if (length > target.length) target = new Uint8Array(Math.min(length + windowBytes, this.size));
    if (offset >= this.from && offset < this.to) {
      target.set(this.bytes.subarray(offset - this.from, this.to - this.from), 0);
    } else {
      this.to = offset;
    }
    this.from = offset;
    this.bytes = target;
    this.to += await readFully(this.file, target.subarray(this.to - offset), this.to);
  }
}
