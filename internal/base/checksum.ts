// CRC-32 (the polynomial of zlib and gzip), computed by zlib's own code. A checksum that lies in the
// bytes beside what it covers is stored masked, so that a checksum of bytes that hold a checksum
// stays as good as any.

import { crc32 as zlibCrc32 } from "node:zlib";

export function crc32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  return start === 0 && end === bytes.length ? zlibCrc32(bytes) : zlibCrc32(bytes.subarray(start, end));
}

/** crc32 of the bytes that `previous` covers followed by these. */
export function crc32Continue(previous: number, bytes: Uint8Array): number {
  return zlibCrc32(bytes, previous);
}

export function maskCrc(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
