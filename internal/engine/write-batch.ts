// Operations that take effect together. They are laid out in one run of bytes as they will lie in the
// memtable, so that a write is one copy from here:
//
//   per operation:  key length (4) | cell length (4) | engine key | cell
//
// A batch is reused by `clear`; it makes no garbage per operation once it has grown to its size.

import { assert } from "../base/assert.ts";
import { readU32, writeU32, writeU32BigEndian } from "../base/codec.ts";
import type { Incarnation } from "../base/ids.ts";
import { incarnationBytes, keyBytesMax } from "../base/limits.ts";
import { neverExpires } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import { cellHeaderBytesMax, writeCellHeader } from "./cell.ts";
import type { CellHeader, Version } from "./cell.ts";
import { emptySlot } from "./cursor.ts";
import type { EntrySlot, EntryView } from "./cursor.ts";

const lengthsBytes = 8;

/** What a put or a delete is told about itself: the log entry that it comes from, and when it ends. */
export interface WriteOrigin extends Version {
  readonly stamp: Stamp;
  readonly expiry?: Stamp;
}

export class WriteBatch {
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
    this.add(group, userKey, { term, index, stamp, expiry: origin.expiry ?? neverExpires, tombstone: false }, payload);
    return this;
  }

  delete(group: Incarnation, userKey: Uint8Array, origin: Version & { readonly stamp: Stamp }): this {
    const { term, index, stamp } = origin;
    this.add(group, userKey, { term, index, stamp, expiry: neverExpires, tombstone: true }, noPayload);
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

  private add(group: Incarnation, userKey: Uint8Array, header: CellHeader, payload: Uint8Array): void {
    assert(userKey.length <= keyBytesMax, "a key above its bound reached the engine", { bytes: userKey.length });
    const keyBytes = incarnationBytes + userKey.length;
    this.reserve(lengthsBytes + keyBytes + cellHeaderBytesMax + payload.length);
    const start = this.end;
    const keyAt = start + lengthsBytes;
    writeU32(this.buffer, start, keyBytes);
    writeU32BigEndian(this.buffer, keyAt, group);
    this.buffer.set(userKey, keyAt + incarnationBytes);
    const cellAt = keyAt + keyBytes;
    const payloadAt = writeCellHeader(this.buffer, cellAt, header);
    this.buffer.set(payload, payloadAt);
    this.end = payloadAt + payload.length;
    writeU32(this.buffer, start + 4, this.end - cellAt);
    this.operations++;
    this.cellBytes += this.end - keyAt;
  }

  private reserve(bytes: number): void {
    const needed = this.end + bytes;
    if (needed <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
    grown.set(this.buffer.subarray(0, this.end));
    this.buffer = grown;
  }
}

const noPayload = new Uint8Array(0);
