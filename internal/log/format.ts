// The frame of the log on disk: segments and batches. What batches carry is in record.ts; the whole
// format with a worked example is docs/formats/log.md.
//
//   segment = header block (512) | batch | batch | ... | zeros, or what an earlier life of the file left
//   batch   = header (32) | record | record | ...
//             magic | crc of all | position | synced | length | flags (1) and crc of the header (3)
//
// A position counts the bytes of the log since its beginning: byte `offset` of a segment has position
// `start + offset`, and the next segment starts where the last batch of this one ended. A batch names
// its own position and its checksum begins with its segment's salt, so neither the stale bytes of a
// recycled file nor bytes that a client chose can pass for a batch. It also names the position up to
// which the log was synced before it was written: that is what tells damage from a torn tail. Its header has a
// short checksum of its own, so that whoever looks for batches believes no length that is not one.

import { crc32, crc32Continue, maskCrc } from "../base/checksum.ts";
import { readU32, readU64, writeU32, writeU64 } from "../base/codec.ts";
import { TrefoilError, corruption } from "../base/errors.ts";

const formatVersion = 1;
/** One sector, which is written whole or not at all, and never again while the segment lives. */
export const segmentHeaderBytes = 512;
export const batchHeaderBytes = 32;

/** Part of a checkpoint. */
export const checkpointFlag = 1;
/** The last batch of a checkpoint. */
export const checkpointEndFlag = 2;
/** The log was closed in order: everything before this batch is synced. */
export const stopFlag = 4;
/** The segment ends behind this batch, and the next one is there: its name was synced before this was written. */
export const goesOnFlag = 8;

const segmentMagic = Uint8Array.of(0x54, 0x72, 0x65, 0x66, 0x4c, 0x6f, 0x67, 0x0a); // "TrefLog\n"
/** Read as a number it is above every record's length, so that a walk over a segment can tell them apart. */
export const batchMagic = 0x746162e5;
const batchMagicFirstByte = 0xe5;

// Offsets within the segment's header.
const headerCrcAt = 8;
const versionAt = 12;
const numberAt = 16;
const saltAt = 24;

// Offsets within a batch's header.
const batchCrcAt = 4;
export const batchPositionAt = 8;
const batchSyncedAt = 16;
const batchLengthAt = 24;
const batchFlagsAt = 28;
const batchFlagsMask = 0xff;

export interface SegmentHeader {
  readonly number: number;
  readonly salt: number;
}

export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const block = new Uint8Array(segmentHeaderBytes);
  block.set(segmentMagic, 0);
  writeU32(block, versionAt, formatVersion);
  writeU64(block, numberAt, header.number);
  writeU32(block, saltAt, header.salt);
  writeU32(block, headerCrcAt, maskCrc(crc32(block, versionAt, segmentHeaderBytes)));
  return block;
}

/** Throws what is wrong with it; `path` and `number` say which segment it should be. */
export function decodeSegmentHeader(block: Uint8Array, path: string, number: number): SegmentHeader {
  if (block.length < segmentHeaderBytes) {
    throw corruption(`${path} has ${block.length} bytes, less than the header of a log segment`);
  }
  if (segmentMagic.some((byte, at) => block[at] !== byte)) {
    throw corruption(
      `${path} does not begin as a log segment does: it is another program's file, or damaged at offset 0`,
    );
  }
  if (readU32(block, headerCrcAt) !== maskCrc(crc32(block, versionAt, segmentHeaderBytes))) {
    throw corruption(`${path}: the checksum of the segment's header (offset 0) does not match`);
  }
  const version = readU32(block, versionAt);
  if (version !== formatVersion) {
    throw new TrefoilError(
      "bad_request",
      `${path} has log format ${version}, and this program knows ${formatVersion}: use the newer program that wrote it`,
    );
  }
  const own = readU64(block, numberAt);
  if (own !== number) throw corruption(`${path} says that it is segment ${own}: files were renamed or copied`);
  return { number, salt: readU32(block, saltAt) };
}

export interface BatchFrame {
  /** Of the batch's first byte. */
  readonly position: number;
  readonly synced: number;
  /** Bytes of records behind the header. */
  readonly length: number;
  readonly flags: number;
}

/** Writes the header of the batch that fills bytes[start, end), its records being there already. */
export function sealBatch(bytes: Uint8Array, start: number, frame: BatchFrame, salt: number): void {
  writeU32(bytes, start, batchMagic);
  writeU64(bytes, start + batchPositionAt, frame.position);
  writeU64(bytes, start + batchSyncedAt, frame.synced);
  writeU32(bytes, start + batchLengthAt, frame.length);
  bytes[start + batchFlagsAt] = frame.flags;
  writeU32(bytes, start + batchFlagsAt, checkedFlags(bytes, start, salt));
  writeU32(bytes, start + batchCrcAt, batchCrc(bytes, start, frame.length, salt));
}

/** The header at `at`; undefined when no batch header of this position and salt stands there. The records are unverified. */
export function readBatchFrame(bytes: Uint8Array, at: number, position: number, salt: number): BatchFrame | undefined {
  if (readU32(bytes, at) !== batchMagic || readU64(bytes, at + batchPositionAt) !== position) return undefined;
  if (readU32(bytes, at + batchFlagsAt) !== checkedFlags(bytes, at, salt)) return undefined;
  return {
    position,
    synced: readU64(bytes, at + batchSyncedAt),
    length: readU32(bytes, at + batchLengthAt),
    flags: readU32(bytes, at + batchFlagsAt) & batchFlagsMask,
  };
}

export function isBatchIntact(bytes: Uint8Array, at: number, length: number, salt: number): boolean {
  return readU32(bytes, at + batchCrcAt) === batchCrc(bytes, at, length, salt);
}

/** The next place in bytes[from, to) where a batch may begin, or -1. Four bytes must be left there. */
export function findBatchMagic(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  for (;;) {
    at = bytes.indexOf(batchMagicFirstByte, at);
    if (at < 0 || at + 4 > to) return -1;
    if (readU32(bytes, at) === batchMagic) return at;
    at++;
  }
}

/** The flags below, and above them three bytes of the checksum of the header from its position to its flags. */
function checkedFlags(bytes: Uint8Array, start: number, salt: number): number {
  const flagsEnd = start + batchFlagsAt + 1;
  const crc = maskCrc(crc32Continue(salt, bytes.subarray(start + batchPositionAt, flagsEnd)));
  return ((crc & ~batchFlagsMask) | (bytes[flagsEnd - 1] as number)) >>> 0;
}

function batchCrc(bytes: Uint8Array, start: number, length: number, salt: number): number {
  return maskCrc(crc32Continue(salt, bytes.subarray(start + batchPositionAt, start + batchHeaderBytes + length)));
}
