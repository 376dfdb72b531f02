// Walks one table from some key to its end, for jobs. It reads the file in large pieces, synchronously,
// and leaves the block cache alone, which a compaction would only flush of what others use.

import { assert } from "../../base/assert.ts";
import type { TrefoilError } from "../../base/errors.ts";
import { readFullyNow } from "../../platform/disk.ts";
import type { JobFile } from "../../platform/disk.ts";
import type { Cursor } from "../cursor.ts";
import type { TableMeta } from "../table-meta.ts";
import { anySequence } from "./block-index.ts";
import { BlockWalker } from "./block-walker.ts";
import { blockDamage, faultOfBlock, decodeFooter, footerBytes, tableDamage } from "./table-format.ts";
import { checkAgainstMeta, decodeTail, tailBytesOf } from "./table-tail.ts";
import type { TableTail } from "./table-tail.ts";

/** A read takes as many whole blocks as fit; at least one. */
const readBytes = 256 * 1024;

export class TableScan extends BlockWalker implements Cursor {
  private readonly file: JobFile;
  private readonly tail: TableTail;
  private piece = nothing;
  /** The blocks [pieceFirst, pieceEnd) are in the piece. */
  private pieceFirst = 0;
  private pieceEnd = 0;
  private block = 0;

  /** Reads the tail and throws `corruption` when it is damaged or is not that of `meta`. The file stays the caller's. */
  constructor(file: JobFile, meta: TableMeta) {
    super(meta.sequenceOverride);
    this.file = file;
    this.tail = readTailNow(file);
    checkAgainstMeta(this.tail, file.path, meta);
  }

  seekToFirst(): void {
    this.enter(0);
    this.showFirst();
  }

  seek(key: Uint8Array, length: number): void {
    const { index } = this.tail;
    this.enter(index.find(key, length, anySequence));
    if (!this.showFound(key, length, index.sharedIn(this.block))) this.enterNext();
  }

  next(): void {
    if (!this.stepForward()) this.enterNext();
  }

  seekToLast(): void {
    assert(false, "a scan walks forward only");
  }

  seekBefore(): void {
    assert(false, "a scan walks forward only");
  }

  previous(): void {
    assert(false, "a scan walks forward only");
  }

  load(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.valid = false;
    this.piece = nothing;
    this.pieceEnd = 0;
  }

  protected override damage(what: string): TrefoilError {
    this.valid = false;
    return blockDamage({ path: this.file.path, offset: this.tail.index.offsetOf(this.block), kind: "data" }, what);
  }

  private enterNext(): void {
    assert(this.valid, "next on a scan that stands nowhere");
    this.valid = false;
    if (this.block + 1 === this.tail.index.blocks) return;
    this.enter(this.block + 1);
    this.showFirst();
  }

  private enter(block: number): void {
    const { index, footer } = this.tail;
    this.valid = false;
    this.block = block;
    if (block < this.pieceFirst || block >= this.pieceEnd) this.read(block);
    const offset = index.offsetOf(block);
    const start = offset - index.offsetOf(this.pieceFirst);
    const end = start + index.lengthOf(block);
    const fault = faultOfBlock(this.piece, start, end, { salt: footer.salt, offset, kind: "data" });
    if (fault !== undefined) throw this.damage(fault);
    if (!this.view.open(this.piece, start, end)) throw this.damage("its restart points cannot be");
  }

  private read(first: number): void {
    const { index } = this.tail;
    const offset = index.offsetOf(first);
    let end = first + 1;
    while (end < index.blocks && index.offsetOf(end + 1) - offset <= readBytes) end++;
    const bytes = index.offsetOf(end) - offset;
    // Large enough for every read, unless a single block is larger than a read should be.
    const room = Math.max(bytes, Math.min(readBytes, this.tail.footer.dataBytes));
    if (this.piece.length < bytes || this.piece.length > room) this.piece = new Uint8Array(room);
    this.pieceEnd = 0;
    const taken = readFullyNow(this.file, this.piece.subarray(0, bytes), offset);
    if (taken < bytes) throw tableDamage(this.file.path, offset + taken, "the file ends within its data blocks");
    this.pieceFirst = first;
    this.pieceEnd = end;
  }
}

function readTailNow(file: JobFile): TableTail {
  const fileBytes = file.size();
  const end = new Uint8Array(Math.min(footerBytes, fileBytes));
  fillNow(file, end, fileBytes - end.length);
  const footer = decodeFooter(end, file.path, fileBytes);
  const tail = new Uint8Array(tailBytesOf(footer));
  fillNow(file, tail, footer.dataBytes);
  return decodeTail(tail, file.path, footer);
}

function fillNow(file: JobFile, target: Uint8Array, position: number): void {
  const taken = readFullyNow(file, target, position);
  if (taken < target.length) throw tableDamage(file.path, position + taken, "the file ends here, before its end");
}

const nothing: Uint8Array = new Uint8Array(0);
