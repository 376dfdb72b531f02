// Operations that take effect together. They are laid out in one run of bytes as they will lie in the
// memtable, so that a write is one copy from here:
//
//   per operation:  key length (4) | cell length (4) | engine key | cell
//
// A batch is reused by `clear`; it makes no garbage per operation once it has grown to its size.

import { assert } from "../base/assert.ts";
import { readU32, writeU32, writeU32BigEndian } from "../base/codec.ts";
import type { Incarnation } from "../base/ids.ts";
import { groupKeyBytesMax, incarnationBytes } from "../base/limits.ts";
import { neverExpires } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import { cellHeaderBytesMax, writeCellHeader } from "./cell.ts";
import type { CellHeader, Version } from "./cell.ts";
import { emptySlot } from "./cursor.ts";
import type { EntrySlot, EntryView } from "./cursor.ts";
import { copyRange } from "./table/copy-range.ts";

const lengthsBytes = 8;
const nothing: Uint8Array = new Uint8Array(0);

/** What a put or a delete is told about itself: the log entry that it comes from, and when it ends. */
export interface WriteOrigin extends Version {
  readonly stamp: Stamp;
  readonly expiry?: Stamp;
}

/** Key and payload of an operation in memory that others own. Filled in anew for each operation, where there are many. */
export interface OperationSlot {
  keyBytes: Uint8Array;
  keyStart: number;
  keyEnd: number;
  payloadBytes: Uint8Array;
  payloadStart: number;
  payloadEnd: number;
}

export class WriteBatch {
  private readonly source: OperationSlot = {
    keyBytes: nothing,
    keyStart: 0,
    keyEnd: 0,
    payloadBytes: nothing,
    payloadStart: 0,
    payloadEnd: 0,
  };
  private buffer: Uint8Array;
  private end = 0;
  private operations = 0;
  private cellBytes = 0;

  constructor(bytesExpected = 1024) {
    this.buffer = new Uint8Array(bytesExpected);
  }

  get count(): number {
    return this.operations;
  }

  /** Bytes of all keys and cells. */
  get bytes(): number {
    return this.cellBytes;
  }

  put(group: Incarnation, userKey: Uint8Array, origin: WriteOrigin, payload: Uint8Array): this {
    // Field by field: copied by a spread, this object costs more than everything else that a put does.
    const { term, index, stamp } = origin;
    this.addWhole(
      group,
      userKey,
      { term, index, stamp, expiry: origin.expiry ?? neverExpires, tombstone: false },
      payload,
    );
    return this;
  }

  delete(group: Incarnation, userKey: Uint8Array, origin: Version & { readonly stamp: Stamp }): this {
    const { term, index, stamp } = origin;
    this.addWhole(group, userKey, { term, index, stamp, expiry: neverExpires, tombstone: true }, nothing);
    return this;
  }

  clear(): void {
    this.end = 0;
    this.operations = 0;
    this.cellBytes = 0;
  }

  /** Calls `visit` with each operation in order, as a view into this batch; sequences count up from `first`. */
  forEach(first: number, visit: (entry: EntryView) => void): void {
    const view = this.view;
    let at = 0;
    view.keyBytes = view.cellBytes = this.buffer;
    for (view.sequence = first; at < this.end; view.sequence++) {
      view.keyStart = at + lengthsBytes;
      view.keyEnd = view.keyStart + readU32(this.buffer, at);
      view.cellStart = view.keyEnd;
      view.cellEnd = view.cellStart + readU32(this.buffer, at + 4);
      visit(view);
      at = view.cellEnd;
    }
  }

  private readonly view: EntrySlot = emptySlot();

  /** Adds a put or a delete of user key and payload as the slot names them. Makes no object of its own. */
  add(group: Incarnation, source: OperationSlot, header: CellHeader): void {
    const { keyStart, keyEnd, payloadStart, payloadEnd } = source;
    const keyLength = keyEnd - keyStart;
    const payloadLength = payloadEnd - payloadStart;
    if (keyLength > groupKeyBytesMax) assert(false, "a key above its bound reached the engine", { bytes: keyLength });
    this.reserve(lengthsBytes + incarnationBytes + keyLength + cellHeaderBytesMax + payloadLength);
    const { buffer } = this;
    const start = this.end;
    const keyAt = start + lengthsBytes;
    writeU32(buffer, start, incarnationBytes + keyLength);
    writeU32BigEndian(buffer, keyAt, group);
    copyRange(buffer, keyAt + incarnationBytes, source.keyBytes, keyStart, keyEnd);
    const cellAt = keyAt + incarnationBytes + keyLength;
    const payloadAt = writeCellHeader(buffer, cellAt, header);
    copyRange(buffer, payloadAt, source.payloadBytes, payloadStart, payloadEnd);
    this.end = payloadAt + payloadLength;
    writeU32(buffer, start + 4, this.end - cellAt);
    this.operations++;
    this.cellBytes += this.end - keyAt;
  }

  private addWhole(group: Incarnation, userKey: Uint8Array, header: CellHeader, payload: Uint8Array): void {
    const { source } = this;
    source.keyBytes = userKey;
    source.keyEnd = userKey.length;
    source.payloadBytes = payload;
    source.payloadEnd = payload.length;
    this.add(group, source, header);
  }

  private reserve(bytes: number): void {
    const needed = this.end + bytes;
    if (needed <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    grown.set(this.buffer.subarray(0, this.end));
    this.buffer = grown;
  }
}
