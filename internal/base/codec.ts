// Numbers in bytes. All fixed-width numbers are little endian, except where a format must sort as
// bytes (engine keys: big endian). A u64 holds a whole number below 2^53 and is written as two u32,
// so that no bigint is made. A varint is LEB128 of a whole number below 2^53.

import { BytePool } from "./byte-pool.ts";
import { corruption } from "./errors.ts";

const twoTo32 = 0x1_0000_0000;

/** Most bytes that a varint takes. */
export const varintBytesMax = 8;

export function writeU16(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
}

export function readU16(source: Uint8Array, at: number): number {
  return (source[at] as number) | ((source[at + 1] as number) << 8);
}

export function writeU32(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
  target[at + 2] = value >>> 16;
  target[at + 3] = value >>> 24;
}

export function readU32(source: Uint8Array, at: number): number {
  return (
    ((source[at] as number) |
      ((source[at + 1] as number) << 8) |
      ((source[at + 2] as number) << 16) |
      ((source[at + 3] as number) << 24)) >>>
    0
  );
}

export function writeU32BigEndian(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}

export function readU32BigEndian(source: Uint8Array, at: number): number {
  return (
    (((source[at] as number) << 24) |
      ((source[at + 1] as number) << 16) |
      ((source[at + 2] as number) << 8) |
      (source[at + 3] as number)) >>>
    0
  );
}

/** `value` is a whole number from 0 to 2^53 - 1. */
export function writeU64(target: Uint8Array, at: number, value: number): void {
  writeU32(target, at, value >>> 0);
  writeU32(target, at + 4, Math.floor(value / twoTo32));
}

/** May exceed 2^53 when the bytes are not ours: a reader of foreign bytes checks the range. */
export function readU64(source: Uint8Array, at: number): number {
  return readU32(source, at) + readU32(source, at + 4) * twoTo32;
}

export function varintLength(value: number): number {
  let length = 1;
  while (value >= 128) {
    value = Math.floor(value / 128);
    length++;
  }
  return length;
}

/** Writes `value` at `at` and returns the offset behind it. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  while (value >= twoTo32) {
    target[at++] = (value % 128) | 0x80;
    value = Math.floor(value / 128);
  }
  let low = value >>> 0;
  while (low >= 128) {
    target[at++] = (low & 0x7f) | 0x80;
    low >>>= 7;
  }
  target[at++] = low;
  return at;
}

/**
 * Reads forward over bytes that may be foreign. Every read is checked against the end and throws
 * `corruption` naming `what`. Views that it returns share the source's memory.
 */
export class ByteReader {
  readonly source: Uint8Array;
  readonly end: number;
  readonly what: string;
  at: number;

  constructor(source: Uint8Array, what: string, start = 0, end = source.length) {
    this.source = source;
    this.what = what;
    this.at = start;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.at;
  }

  u8(): number {
    return this.source[this.take(1)] as number;
  }

  u16(): number {
    return readU16(this.source, this.take(2));
  }

  u32(): number {
    return readU32(this.source, this.take(4));
  }

  u64(): number {
    const value = readU64(this.source, this.take(8));
    if (value > Number.MAX_SAFE_INTEGER) throw this.bad(`a number above 2^53 before offset ${this.at}`);
    return value;
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let count = 0; count < varintBytesMax; count++) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    throw this.bad(`a varint without end before offset ${this.at}`);
  }

  bytes(length: number): Uint8Array {
    const start = this.take(length);
    return this.source.subarray(start, start + length);
  }

  /** Bytes behind a varint that counts them. */
  block(): Uint8Array {
    return this.bytes(this.varint());
  }

  expectEnd(): void {
    if (this.at !== this.end) throw this.bad(`${this.end - this.at} bytes too many at offset ${this.at}`);
  }

  private take(length: number): number {
    const start = this.at;
    if (length > this.end - start) throw this.bad(`it ends at ${this.end}, ${length} bytes are wanted at ${start}`);
    this.at = start + length;
    return start;
  }

  private bad(detail: string): Error {
    return corruption(`${this.what}: ${detail}`);
  }
}

const pool = new BytePool();

/** Writes forward into memory that grows by doubling. */
export class ByteWriter {
  private buffer: Uint8Array;
  private length = 0;

  constructor(bytesExpected = 256) {
    this.buffer = pool.take(bytesExpected);
  }

  get size(): number {
    return this.length;
  }

  u8(value: number): this {
    // The claim may replace the buffer, so it comes first.
    const at = this.claim(1);
    this.buffer[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.claim(2);
    writeU16(this.buffer, at, value);
    return this;
  }

  u32(value: number): this {
    const at = this.claim(4);
    writeU32(this.buffer, at, value);
    return this;
  }

  u64(value: number): this {
    const at = this.claim(8);
    writeU64(this.buffer, at, value);
    return this;
  }

  varint(value: number): this {
    const at = this.claim(varintBytesMax);
    this.length = writeVarint(this.buffer, at, value);
    return this;
  }

  bytes(value: Uint8Array): this {
    const at = this.claim(value.length);
    this.buffer.set(value, at);
    return this;
  }

  /** Bytes behind a varint that counts them; ByteReader.block reads them. */
  block(value: Uint8Array): this {
    return this.varint(value.length).bytes(value);
  }

  /** What was written, as a view that the next write may outdate. */
  view(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  finish(): Uint8Array {
    return pool.copy(this.buffer, 0, this.length);
  }

  reset(): void {
    this.length = 0;
  }

  private claim(bytes: number): number {
    const at = this.length;
    const needed = at + bytes;
    if (needed > this.buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
      grown.set(this.buffer.subarray(0, at));
      this.buffer = grown;
    }
    this.length = needed;
    return at;
  }
}
