// A manifest in bytes: a header, then one frame per edit.
//
//   header:  magic "TREFOILM" (8) | format (4) | masked crc of the 12 before (4)
//   frame:   magic (4) | length (4) | number (4) | position (4) | masked crc (4) | edit (length)
//
// Frames are numbered from 1 and say at which offset they stand. The checksum covers all but the magic. Each frame is synced before
// the next is written, so after a crash at most the last one may be torn: a frame that is no frame is a
// torn tail only if no frame with a higher number follows it anywhere. Otherwise it is damage.

import { crc32, crc32Continue, maskCrc } from "../../base/checksum.ts";
import { readU32, writeU32 } from "../../base/codec.ts";
import { corruption } from "../../base/errors.ts";
import { equalBytes, utf8 } from "../../base/bytes.ts";

export const manifestFormat = 1;
export const headerBytes = 16;
export const frameHeaderBytes = 20;

const magic = utf8("TREFOILM");
const frameMagic = 0x54494445;

export function encodeHeader(): Uint8Array {
  const header = new Uint8Array(headerBytes);
  header.set(magic);
  writeU32(header, 8, manifestFormat);
  writeU32(header, 12, maskCrc(crc32(header, 0, 12)));
  return header;
}

/** Throws unless the file begins as a manifest of a format that is known here. */
export function checkHeader(bytes: Uint8Array, path: string): void {
  if (bytes.length < headerBytes || !equalBytes(bytes.subarray(0, magic.length), magic)) {
    throw corruption(`${path} is not a manifest of Trefoil's engine: it does not begin with "TREFOILM"`);
  }
  if (readU32(bytes, 12) !== maskCrc(crc32(bytes, 0, 12))) {
    throw corruption(`${path}: the checksum of its header is wrong`);
  }
  const format = readU32(bytes, 8);
  if (format !== manifestFormat) {
    const known = `this version reads format ${manifestFormat}`;
    throw corruption(`${path} has manifest format ${format}; ${known}. Use the version of Trefoil that wrote it`);
  }
}

export function encodeFrame(number: number, position: number, edit: Uint8Array): Uint8Array {
  const frame = new Uint8Array(frameHeaderBytes + edit.length);
  writeU32(frame, 0, frameMagic);
  writeU32(frame, 4, edit.length);
  writeU32(frame, 8, number);
  writeU32(frame, 12, position);
  frame.set(edit, frameHeaderBytes);
  writeU32(frame, 16, frameCrc(frame, 0, edit.length));
  return frame;
}

export interface Frame {
  readonly at: number;
  readonly number: number;
  /** A view of the file's bytes. */
  readonly edit: Uint8Array;
}

export interface Frames {
  readonly frames: readonly Frame[];
  /** Where the sound frames end. Behind it lies nothing, or a torn tail. */
  readonly end: number;
}

/** All frames of a manifest. Throws `corruption` on damage that no crash explains. */
export function readFrames(bytes: Uint8Array, path: string): Frames {
  checkHeader(bytes, path);
  const frames: Frame[] = [];
  let at = headerBytes;
  for (;;) {
    const frame = frameAt(bytes, at);
    if (frame === undefined || frame.number !== frames.length + 1) break;
    frames.push(frame);
    at += frameHeaderBytes + frame.edit.length;
  }
  for (let later = at; later + frameHeaderBytes <= bytes.length; later++) {
    const frame = frameAt(bytes, later);
    if (frame === undefined) continue;
    throw corruption(`${path}: edit ${frames.length + 1} at offset ${at} is damaged; edit ${frame.number} follows it`);
  }
  return { frames, end: at };
}

function frameAt(bytes: Uint8Array, at: number): Frame | undefined {
  if (at + frameHeaderBytes > bytes.length || readU32(bytes, at) !== frameMagic) return undefined;
  if (readU32(bytes, at + 12) !== at) return undefined;
  const length = readU32(bytes, at + 4);
  if (length > bytes.length - at - frameHeaderBytes) return undefined;
  if (readU32(bytes, at + 16) !== frameCrc(bytes, at, length)) return undefined;
  const start = at + frameHeaderBytes;
  return { at, number: readU32(bytes, at + 8), edit: bytes.subarray(start, start + length) };
}

function frameCrc(bytes: Uint8Array, at: number, length: number): number {
  const head = crc32(bytes, at + 4, at + 16);
  const start = at + frameHeaderBytes;
  return maskCrc(crc32Continue(head, bytes.subarray(start, start + length)));
}
