// What one log entry of the store says: operations that take effect together.
//
//   entry   := { operation }
//   operation := flags (1) | key length (2) | payload length (4) | [ expiry (8) ] | key | payload
//   payload := content type length (1) | content type | value        of a put; a delete has none
//
// The payload is what the engine stores, byte for byte.

import { readU16, readU32, readU64, writeU16, writeU32, writeU64 } from "../base/codec.ts";
import { corruption } from "../base/errors.ts";
import type { Incarnation } from "../base/ids.ts";
import { keyBytesMax } from "../base/limits.ts";
import { neverExpires, stamp } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import { copyRange } from "../engine/table/copy-range.ts";
import type { OperationSlot, WriteBatch, WriteOrigin } from "../engine/write-batch.ts";

/** The kind of a log entry that holds operations. */
export const operationsKind = 1;
export const contentTypeBytesMax = 255;

const noBytes: Uint8Array = new Uint8Array(0);
const headerBytes = 7;
const putFlag = 1;
const expiryFlag = 2;

export interface PutFields {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly contentType: Uint8Array;
  readonly expiry: Stamp;
}

/** Builds the payload of one log entry. Reused by `clear`; makes no garbage per operation. */
export class CommandWriter {
  count = 0;
  puts = 0;
  private buffer: Uint8Array;
  private end = 0;

  constructor(bytesExpected = 4096) {
    this.buffer = new Uint8Array(bytesExpected);
  }

  get bytes(): Uint8Array {
    return this.buffer;
  }

  /** The command is bytes[0, length). */
  get length(): number {
    return this.end;
  }

  clear(): void {
    this.count = 0;
    this.puts = 0;
    this.end = 0;
  }

  put({ key, value, contentType, expiry }: PutFields): void {
    const expires = expiry !== neverExpires;
    const payloadBytes = 1 + contentType.length + value.length;
    const body = headerBytes + (expires ? 8 : 0);
    const start = this.claim(body + key.length + payloadBytes);
    const { buffer } = this;
    buffer[start] = putFlag | (expires ? expiryFlag : 0);
    writeU16(buffer, start + 1, key.length);
    writeU32(buffer, start + 3, payloadBytes);
    if (expires) writeU64(buffer, start + headerBytes, expiry);
    let at = start + body;
    copyRange(buffer, at, key, 0, key.length);
    at += key.length;
    buffer[at] = contentType.length;
    // Mostly there is none, and a call of `set` is not free even then.
    if (contentType.length > 0) buffer.set(contentType, at + 1);
    buffer.set(value, at + 1 + contentType.length);
    this.count++;
    this.puts++;
  }

  delete(key: Uint8Array): void {
    const start = this.claim(headerBytes + key.length);
    const { buffer } = this;
    buffer[start] = 0;
    writeU16(buffer, start + 1, key.length);
    writeU32(buffer, start + 3, 0);
    buffer.set(key, start + headerBytes);
    this.count++;
  }

  private claim(bytes: number): number {
    const start = this.end;
    this.end = start + bytes;
    if (this.end > this.buffer.length) {
      const grown = new Uint8Array(Math.max(this.end, 2 * this.buffer.length));
      grown.set(this.buffer.subarray(0, start));
      this.buffer = grown;
    }
    return start;
  }
}

/** Where a command's bytes lie. */
export interface CommandBytes {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** An operation of a command, where it lies. */
export interface CommandOperation extends OperationSlot {
  isDelete: boolean;
  expiry: Stamp;
}

const emptyOperation = (): CommandOperation => ({
  keyBytes: noBytes,
  keyStart: 0,
  keyEnd: 0,
  payloadBytes: noBytes,
  payloadStart: 0,
  payloadEnd: 0,
  isDelete: false,
  expiry: neverExpires,
});

/** Filled in anew for each operation: applying makes no garbage. */
const operation = emptyOperation();

/** Adds a command's operations to a batch, as writes of the log entry `origin`. Throws `corruption` on bytes that are none. */
export function addCommand(batch: WriteBatch, group: Incarnation, command: CommandBytes, origin: WriteOrigin): void {
  const { bytes, end } = command;
  const header = {
    term: origin.term,
    index: origin.index,
    stamp: origin.stamp,
    expiry: neverExpires,
    tombstone: false,
  };
  for (let at = command.start; at < end;) {
    at = readOperation(bytes, at, end, operation);
    if (at < 0) {
      throw corruption(`log entry ${origin.term}.${origin.index} of the store: an operation is malformed`);
    }
    header.tombstone = operation.isDelete;
    header.expiry = operation.expiry;
    batch.add(group, operation, header);
  }
}

/** The operations of a command, for people; undefined when the bytes are none. */
export function operationsOf({ bytes, start, end }: CommandBytes): CommandOperation[] | undefined {
  const operations: CommandOperation[] = [];
  for (let at = start; at < end;) {
    const next = emptyOperation();
    at = readOperation(bytes, at, end, next);
    if (at < 0) return undefined;
    operations.push(next);
  }
  return operations;
}

/** Returns the offset behind the operation at `at`, or -1 when there is none before `end`. */
function readOperation(bytes: Uint8Array, at: number, end: number, into: CommandOperation): number {
  if (end - at < headerBytes) return -1;
  const flags = bytes[at] as number;
  const keyBytes = readU16(bytes, at + 1);
  const payloadBytes = readU32(bytes, at + 3);
  let keyAt = at + headerBytes;
  into.isDelete = (flags & putFlag) === 0;
  into.expiry = neverExpires;
  if ((flags & expiryFlag) !== 0) {
    if (end - keyAt < 8) return -1;
    into.expiry = stamp(readU64(bytes, keyAt));
    keyAt += 8;
  }
  const payloadAt = keyAt + keyBytes;
  const behind = payloadAt + payloadBytes;
  if (behind > end || keyBytes > keyBytesMax || (flags & ~(putFlag | expiryFlag)) !== 0) return -1;
  into.keyBytes = into.payloadBytes = bytes;
  into.keyStart = keyAt;
  into.keyEnd = into.payloadStart = payloadAt;
  into.payloadEnd = behind;
  return behind;
}
