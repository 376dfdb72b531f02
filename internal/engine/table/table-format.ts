// The table format: a sorted, immutable file of entries. Numbers are little endian; docs/formats/table.md
// has the grammar and an example in hex.
//
//   +--------------------+ 0
//   | data block 0       |   entries in order of key ascending, then sequence descending
//   | data block 1       |
//   | ...                |
//   +--------------------+ dataBytes
//   | filter block       |   Bloom filter over the distinct keys
//   | properties block   |   counts and ranges: what TableMeta says
//   | index block        |   where each data block begins, and from which key on
//   | footer (40)        |
//   +--------------------+
//
//   block  = contents | kind u8 | crc u32
//   footer = dataBytes u64 | filterBytes u32 | propertiesBytes u32 | indexBytes u32 | salt u32
//          | version u32 | crc u32 | magic (8)
//
// Parts lie without gaps, so their lengths give their places, and their sum must be the file's size. A
// block's checksum starts from its offset and the table's salt (the number that the table was built
// under): a block that was read from another place of the file, or from another table, does not pass.
// In every version of the format the last 16 bytes keep their layout, and the checksum covers the 28 bytes before it: where it
// does not match, there is damage, whatever version the footer names.

import { crc32, crc32Continue, maskCrc } from "../../base/checksum.ts";
import { readU32, readU64, writeU32, writeU64 } from "../../base/codec.ts";
import { corruption, TrefoilError } from "../../base/errors.ts";
import { engineKeyBytesMax } from "../../base/limits.ts";

const formatVersion = 1;
export const footerBytes = 40;
export const blockTrailerBytes = 5;
/** The longest key that a reader makes room for. */
export const tableKeyBytesMax = engineKeyBytesMax;
/** One entry of several in a block lies within the first so many bytes of it. */
export const blockBytesMax = 16 * 1024;
/** Entries from one restart point to the next. Readers take it from the block, not from here. */
export const restartInterval = 8;

export const blockKind = { data: 1, filter: 2, properties: 3, index: 4 } as const;
export type BlockKind = keyof typeof blockKind;

const magic = Uint8Array.of(0x89, 0x54, 0x52, 0x46, 0x54, 0x42, 0x4c, 0x0a);
const versionAt = 24;
const crcAt = 28;
const magicAt = 32;

export interface Footer {
  readonly dataBytes: number;
  /** Of whole blocks, trailers included. */
  readonly filterBytes: number;
  readonly propertiesBytes: number;
  readonly indexBytes: number;
  readonly salt: number;
}

/** What a block's checksum starts from, and what it should be. */
export interface BlockPlace {
  readonly salt: number;
  readonly offset: number;
  readonly kind: BlockKind;
}

/** Writes the trailer behind the contents bytes[start, end) and returns the offset behind it. */
export function sealBlock(bytes: Uint8Array, start: number, end: number, place: BlockPlace): number {
  bytes[end] = blockKind[place.kind];
  const crc = crc32Continue(checksumSeed(place.salt, place.offset), bytes.subarray(start, end + 1));
  writeU32(bytes, end + 1, maskCrc(crc));
  return end + blockTrailerBytes;
}

/** What is wrong with the block bytes[start, end), trailer included; undefined when it is sound. */
export function faultOfBlock(bytes: Uint8Array, start: number, end: number, place: BlockPlace): string | undefined {
  const kindAt = end - blockTrailerBytes;
  if (kindAt < start) return `${end - start} bytes are no block`;
  const crc = crc32Continue(checksumSeed(place.salt, place.offset), bytes.subarray(start, kindAt + 1));
  if (maskCrc(crc) !== readU32(bytes, kindAt + 1)) return "the checksum does not match";
  return bytes[kindAt] === blockKind[place.kind] ? undefined : `it is of kind ${bytes[kindAt]}`;
}

export function blockDamage(place: { path: string; offset: number; kind: BlockKind }, what: string): TrefoilError {
  return tableDamage(place.path, place.offset, `${place.kind} block: ${what}`);
}

export function tableDamage(path: string, offset: number, what: string): TrefoilError {
  return corruption(`table ${path}, offset ${offset}: ${what}`);
}

export function encodeFooter(target: Uint8Array, at: number, footer: Footer): number {
  writeU64(target, at, footer.dataBytes);
  writeU32(target, at + 8, footer.filterBytes);
  writeU32(target, at + 12, footer.propertiesBytes);
  writeU32(target, at + 16, footer.indexBytes);
  writeU32(target, at + 20, footer.salt);
  writeU32(target, at + versionAt, formatVersion);
  writeU32(target, at + crcAt, maskCrc(crc32(target, at, at + crcAt)));
  target.set(magic, at + magicAt);
  return at + footerBytes;
}

/**
 * The footer in the last bytes of a file of `fileBytes`. Throws `corruption` for damage and for a foreign
 * file, `bad_request` for a format that this program does not know.
 */
export function decodeFooter(tail: Uint8Array, path: string, fileBytes: number): Footer {
  if (fileBytes < footerBytes || tail.length < footerBytes) {
    throw tableDamage(path, 0, `${fileBytes} bytes are less than a footer: it is cut short, or no table`);
  }
  const offset = fileBytes - footerBytes;
  const at = tail.length - footerBytes;
  if (magic.some((byte, position) => tail[at + magicAt + position] !== byte)) {
    throw tableDamage(path, offset + magicAt, "it does not end as a table does: a foreign file, cut short, or damaged");
  }
  const version = readU32(tail, at + versionAt);
  if (!hasFooterCrc(tail, at)) throw tableDamage(path, offset, "the footer's checksum does not match");
  if (version !== formatVersion) throw unknownVersion(path, version);
  const footer: Footer = {
    dataBytes: readU64(tail, at),
    filterBytes: readU32(tail, at + 8),
    propertiesBytes: readU32(tail, at + 12),
    indexBytes: readU32(tail, at + 16),
    salt: readU32(tail, at + 20),
  };
  const { dataBytes, filterBytes, propertiesBytes, indexBytes } = footer;
  const sum = dataBytes + filterBytes + propertiesBytes + indexBytes + footerBytes;
  if (sum !== fileBytes) {
    throw tableDamage(
      path,
      offset,
      `the parts make ${sum} bytes and the file has ${fileBytes}: it is cut short or grown`,
    );
  }
  return footer;
}

function unknownVersion(path: string, version: number): TrefoilError {
  const detail = `table ${path} has format ${version}, and this program knows ${formatVersion}: use the program that wrote it`;
  return new TrefoilError("bad_request", detail);
}

function hasFooterCrc(tail: Uint8Array, at: number): boolean {
  return maskCrc(crc32(tail, at, at + crcAt)) === readU32(tail, at + crcAt);
}

/** Differs for each offset of a table, and for each salt at one offset. */
function checksumSeed(salt: number, offset: number): number {
  const high = Math.floor(offset / 0x1_0000_0000);
  return (Math.imul(salt, 0x9e3779b1) ^ offset ^ Math.imul(high, 0x85ebca6b)) >>> 0;
}
