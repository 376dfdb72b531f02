// A cell is what the engine stores under a key, as one run of bytes that is made once and then copied
// verbatim: from a write batch into the memtable, into tables, through every compaction.
//
//   flags (1) | stamp (7) | expiry (7, only when flags say so) | term varint | index varint | payload
//
// Stamp and expiry lie at fixed offsets, because garbage collection reads them from every cell. The
// payload (content type and value) is the caller's; a tombstone has none.

import { readU16, readU32, varintBytesMax, writeU16, writeU32, writeVarint } from "../base/codec.ts";
import { logIndex, term } from "../base/ids.ts";
import type { LogIndex, Term } from "../base/ids.ts";
import { neverExpires, stamp, stampZero } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";

/** The log entry that first accepted a write; ordered by term, then index. */
export interface Version {
  readonly term: Term;
  readonly index: LogIndex;
}

/** What leads a payload. */
export interface CellHeader extends Version {
  readonly tombstone: boolean;
  readonly stamp: Stamp;
  /** `neverExpires`, or when it ends. */
  readonly expiry: Stamp;
}

export interface DecodedCell extends CellHeader {
  /** Shares the memory that it was decoded from. */
  readonly payload: Uint8Array;
}

export const cellHeaderBytesMax = 1 + 7 + 7 + 2 * varintBytesMax;
/** No cell is shorter. */
export const cellBytesMin = 1 + 7 + 1 + 1;

const tombstoneFlag = 1;
const expiryFlag = 2;
const knownFlags = tombstoneFlag | expiryFlag;
const stampAt = 1;
const expiryAt = 8;

/** Writes the header at `at` and returns the offset where the payload goes. Needs cellHeaderBytesMax of room. */
export function writeCellHeader(target: Uint8Array, at: number, header: CellHeader): number {
  const expires = header.expiry !== neverExpires;
  target[at] = (header.tombstone ? tombstoneFlag : 0) | (expires ? expiryFlag : 0);
  writeStamp(target, at + stampAt, header.stamp);
  let end = at + expiryAt;
  if (expires) {
    writeStamp(target, end, header.expiry);
    end += 7;
  }
  end = writeVarint(target, end, header.term);
  return writeVarint(target, end, header.index);
}

export function isTombstone(cell: Uint8Array, at: number): boolean {
  return ((cell[at] as number) & tombstoneFlag) !== 0;
}

export function stampOfCell(cell: Uint8Array, at: number): Stamp {
  return readStamp(cell, at + stampAt);
}

export function expiryOfCell(cell: Uint8Array, at: number): Stamp {
  return ((cell[at] as number) & expiryFlag) === 0 ? neverExpires : readStamp(cell, at + expiryAt);
}

/** Where term and index lie, two varints. */
export function versionStartOfCell(cell: Uint8Array, at: number): number {
  return ((cell[at] as number) & expiryFlag) === 0 ? at + expiryAt : at + expiryAt + 7;
}

/** Where the payload begins in cell[start, end), which is a cell. */
export function payloadStartOf(cell: Uint8Array, start: number, end: number): number {
  let at = start + (((cell[start] as number) & expiryFlag) === 0 ? expiryAt : expiryAt + 7);
  for (let varints = 2; varints > 0 && at < end; at++) if ((cell[at] as number) < 128) varints--;
  return at;
}

/** A cell's header as `readCell` fills it in, with where its payload begins. Reused by whoever reads many. */
export class CellReader implements CellHeader {
  tombstone = false;
  stamp: Stamp = stampZero;
  expiry: Stamp = neverExpires;
  term: Term = term(0);
  index: LogIndex = logIndex(0);
  payloadAt = 0;
  private number = 0;

  /** False when the bytes are no cell. */
  read(cell: Uint8Array, start: number, end: number): boolean {
    if (end - start < cellBytesMin) return false;
    const flags = cell[start] as number;
    if ((flags & ~knownFlags) !== 0) return false;
    this.tombstone = (flags & tombstoneFlag) !== 0;
    this.stamp = stampOfCell(cell, start);
    this.expiry = expiryOfCell(cell, start);
    const termEnd = this.takeVarint(cell, versionStartOfCell(cell, start), end);
    this.term = term(this.number);
    this.payloadAt = this.takeVarint(cell, termEnd, end);
    this.index = logIndex(this.number);
    return this.payloadAt <= end;
  }

  /** Leaves the number in `number` and returns the offset behind it; an offset behind `end` when there is none. */
  private takeVarint(bytes: Uint8Array, at: number, end: number): number {
    let value = 0;
    let scale = 1;
    while (at < end && scale <= 2 ** 49) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 128) {
        this.number = value;
        return value <= Number.MAX_SAFE_INTEGER ? at : end + 1;
      }
      scale *= 128;
    }
    return end + 1;
  }
}

/** undefined when the bytes are no cell. */
export function decodeCell(cell: Uint8Array, start: number, end: number): DecodedCell | undefined {
  const reader = new CellReader();
  if (!reader.read(cell, start, end)) return undefined;
  const { tombstone, stamp: stamped, expiry, term: ofTerm, index, payloadAt } = reader;
  return { tombstone, stamp: stamped, expiry, term: ofTerm, index, payload: cell.subarray(payloadAt, end) };
}

function writeStamp(target: Uint8Array, at: number, value: Stamp): void {
  const high = Math.floor(value / 0x1_0000_0000);
  writeU32(target, at, value >>> 0);
  writeU16(target, at + 4, high);
  target[at + 6] = high >>> 16;
}

function readStamp(source: Uint8Array, at: number): Stamp {
  const high = readU16(source, at + 4) + (source[at + 6] as number) * 0x1_0000;
  return stamp(readU32(source, at) + high * 0x1_0000_0000);
}
