// A manifest in bytes: a header, then one frame per edit.
//
//   header:  magic "TREFOILM" (8) | format (4) | number of the manifest (8) | masked crc of the 20 before (4)
//   frame:   magic "EDIT" (4) | length (4) | number (4) | position (4) | masked crc (4) | edit (length)
//   current: the manifest's name | space | masked crc of the name, as 8 hex digits | line feed
//
// Frames are numbered from 1 and say at which offset they stand. A frame's checksum covers all of it but
// the magic and starts from the header's, so that bytes of another manifest never pass. Each frame is
// synced before the next is written, so after a crash at most the last one may be torn: what is no frame
// is a torn tail only if no frame follows it anywhere. Otherwise it is damage.
//
// An edit holds keys, which clients choose: one that holds a frame must not turn a torn tail into damage.
// So a zero is written behind each "EDI" in an edit, and no edit contains the magic.
// docs/formats/manifest.md has the grammar and a worked example.

import { equalBytes, utf8, utf8Text } from "../../base/bytes.ts";
import { crc32, crc32Continue, maskCrc } from "../../base/checksum.ts";
import { readU32, readU64, writeU32, writeU64 } from "../../base/codec.ts";
import { corruption, TrefoilError } from "../../base/errors.ts";
import { fileNumber } from "../../base/ids.ts";
import type { FileNumber } from "../../base/ids.ts";
import { manifestName, parseFileName } from "../file-names.ts";

export const manifestFormat = 2;
export const headerBytes = 24;
export const frameHeaderBytes = 20;

const magic = utf8("TREFOILM");
/** "EDIT". No byte of it is the tag of a field, so none begins where a frame's head ends and its edit begins. */
const frameMagic = 0x54494445;
const [letterE, letterD, letterI] = [0x45, 0x44, 0x49];
const formatAt = 8;
const numberAt = 12;
const headerCrcAt = 20;

/** What every frame's checksum starts from. */
export type FrameSeed = number;

export function encodeHeader(number: FileNumber): Uint8Array {
  const header = new Uint8Array(headerBytes);
  header.set(magic);
  writeU32(header, formatAt, manifestFormat);
  writeU64(header, numberAt, number);
  writeU32(header, headerCrcAt, maskCrc(crc32(header, 0, headerCrcAt)));
  return header;
}

/** REQUIRES: the bytes begin with a header that is sound. */
export function seedOf(bytes: Uint8Array): FrameSeed {
  return crc32(bytes, 0, headerCrcAt);
}

/** The manifest's number. Throws unless the file begins as a manifest of a format that is known here. */
export function decodeHeader(bytes: Uint8Array, path: string): FileNumber {
  const foreign = bytes.length < headerBytes || !equalBytes(bytes.subarray(0, magic.length), magic);
  if (foreign) throw corruption(`${path} is not a manifest of Trefoil's engine: it does not begin as one`);
  const format = readU32(bytes, formatAt);
  if (readU32(bytes, headerCrcAt) !== maskCrc(crc32(bytes, 0, headerCrcAt))) {
    throw corruption(`${path}: the header at offset 0 does not match its checksum`);
  }
  if (format !== manifestFormat) {
    const known = `this version of Trefoil reads format ${manifestFormat}`;
    throw new TrefoilError("bad_request", `${path} has manifest format ${format}; ${known}: use the one that wrote it`);
  }
  return fileNumber(readU64(bytes, numberAt));
}

export interface FramePlace {
  readonly seed: FrameSeed;
  readonly number: number;
  readonly position: number;
}

export function encodeFrame(place: FramePlace, edit: Uint8Array): Uint8Array {
  const stuffed = stuff(edit);
  const { length } = stuffed;
  const frame = new Uint8Array(frameHeaderBytes + length);
  writeU32(frame, 0, frameMagic);
  writeU32(frame, 4, length);
  writeU32(frame, 8, place.number);
  writeU32(frame, 12, place.position);
  frame.set(stuffed, frameHeaderBytes);
  writeU32(frame, 16, frameCrc(frame, { at: 0, length, seed: place.seed }));
  return frame;
}

export interface Frame {
  readonly at: number;
  /** Where the next one begins. */
  readonly end: number;
  readonly number: number;
  /** May be a view of the file's bytes. */
  readonly edit: Uint8Array;
}

export interface FrameHead {
  readonly hasMagic: boolean;
  readonly length: number;
  readonly number: number;
  readonly position: number;
}

export interface Frames {
  readonly frames: readonly Frame[];
  /** Where the sound frames end. Behind it lies nothing, or a torn tail. */
  readonly end: number;
}

/** All frames of a manifest. Throws `corruption` on damage that no crash explains. */
export function readFrames(bytes: Uint8Array, path: string): Frames {
  decodeHeader(bytes, path);
  const frames: Frame[] = [];
  let at = headerBytes;
  for (;;) {
    const frame = frameAt(bytes, at, seedOf(bytes));
    if (frame === undefined || frame.number !== frames.length + 1) break;
    frames.push(frame);
    at = frame.end;
  }
  const later = nextFrame(bytes, at);
  if (later === undefined) return { frames, end: at };
  throw corruption(
    `${path}: edit ${frames.length + 1} at offset ${at} is damaged: edit ${later.number} follows it at offset ${later.at}`,
  );
}

/** The first sound frame at or behind `from`. */
export function nextFrame(bytes: Uint8Array, from: number): Frame | undefined {
  const seed = seedOf(bytes);
  for (let at = from; at + frameHeaderBytes <= bytes.length; at++) {
    const frame = frameAt(bytes, at, seed);
    if (frame !== undefined) return frame;
  }
  return undefined;
}

/** What stands where a frame's head should, sound or not. REQUIRES: so many bytes are there. */
export function readFrameHead(bytes: Uint8Array, at: number): FrameHead {
  return {
    hasMagic: readU32(bytes, at) === frameMagic,
    length: readU32(bytes, at + 4),
    number: readU32(bytes, at + 8),
    position: readU32(bytes, at + 12),
  };
}

function frameAt(bytes: Uint8Array, at: number, seed: FrameSeed): Frame | undefined {
  if (at + frameHeaderBytes > bytes.length || readU32(bytes, at) !== frameMagic) return undefined;
  if (readU32(bytes, at + 12) !== at) return undefined;
  const length = readU32(bytes, at + 4);
  if (length > bytes.length - at - frameHeaderBytes) return undefined;
  if (readU32(bytes, at + 16) !== frameCrc(bytes, { at, length, seed })) return undefined;
  const start = at + frameHeaderBytes;
  const end = start + length;
  return { at, end, number: readU32(bytes, at + 8), edit: unstuff(bytes.subarray(start, end)) };
}

function frameCrc(bytes: Uint8Array, frame: { at: number; length: number; seed: FrameSeed }): number {
  const { at, length, seed } = frame;
  const head = crc32Continue(seed, bytes.subarray(at + 4, at + 16));
  const start = at + frameHeaderBytes;
  return maskCrc(crc32Continue(head, bytes.subarray(start, start + length)));
}

/** The bytes with a zero behind each "EDI". */
function stuff(bytes: Uint8Array): Uint8Array {
  const ends = endsOfThree(bytes);
  if (ends.length === 0) return bytes;
  const stuffed = new Uint8Array(bytes.length + ends.length);
  let from = 0;
  for (const [before, end] of ends.entries()) {
    stuffed.set(bytes.subarray(from, end), from + before);
    from = end;
  }
  stuffed.set(bytes.subarray(from), from + ends.length);
  return stuffed;
}

/** What was given to `stuff`. */
function unstuff(bytes: Uint8Array): Uint8Array {
  const ends = endsOfThree(bytes);
  if (ends.length === 0) return bytes;
  const zeros = new Set(ends);
  return bytes.filter((_, at) => !zeros.has(at));
}

/** The offsets behind each "EDI". */
function endsOfThree(bytes: Uint8Array): number[] {
  const ends: number[] = [];
  for (let at = bytes.indexOf(letterE); at >= 0; at = bytes.indexOf(letterE, at + 1)) {
    if (bytes[at + 1] === letterD && bytes[at + 2] === letterI) ends.push(at + 3);
  }
  return ends;
}

/** What `current` holds. A flipped bit in it would lead to another manifest, one of another time perhaps. */
export function encodeCurrent(number: FileNumber): Uint8Array {
  const name = manifestName(number);
  return utf8(`${name} ${checksumOf(name)}\n`);
}

export function decodeCurrent(bytes: Uint8Array, path: string): FileNumber {
  const text = utf8Text(bytes);
  const [, name = "", checksum] = /^(\S+) ([0-9a-f]{8})\n$/.exec(text) ?? [];
  const parsed = parseFileName(name);
  if (parsed?.kind !== "manifest") {
    throw corruption(`${path} does not name a manifest: it holds ${JSON.stringify(text.slice(0, 80))}`);
  }
  if (checksum !== checksumOf(name)) throw corruption(`${path}: what it names, ${name}, does not match its checksum`);
  return parsed.number;
}

function checksumOf(name: string): string {
  return maskCrc(crc32(utf8(name)))
    .toString(16)
    .padStart(8, "0");
}
