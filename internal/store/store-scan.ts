// A walk over a store's records in the order of their keys. Close it when done: until then it holds what
// it reads from. One thing at a time: while a `next` or `load` is pending, anything but closing is refused.

import { corruption, TrefoilError } from "../base/errors.ts";
import { incarnationBytes } from "../base/limits.ts";
import { payloadStartOf } from "../engine/cell.ts";
import type { BytePool } from "../base/byte-pool.ts";
import type { EntryView } from "../engine/cursor.ts";
import { engineKey } from "../engine/reader.ts";
import type { RecordIterator, Step } from "../engine/record-iterator.ts";
import type { Incarnation } from "../base/ids.ts";
import { checkKey } from "./input.ts";
import type { TurnShare } from "./turn-share.ts";

export interface ScannedRecord {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** What a scan needs of its store. */
export interface ScannedStore {
  readonly incarnation: Incarnation;
  readonly copies: BytePool;
  readonly share: TurnShare;
  /** Why nothing is read any more, when the store is closed. */
  refusal(): TrefoilError | undefined;
}

export class StoreScan {
  private readonly iterator: RecordIterator;
  private readonly store: ScannedStore;
  private awaitsTurn = false;

  constructor(iterator: RecordIterator, store: ScannedStore) {
    this.iterator = iterator;
    this.store = store;
  }

  /** Moves on at once, for loops that give others their turn now and then; "load": `await load()`, then call it again. */
  nextNow(): Step {
    const refusal = this.refusal();
    if (refusal !== undefined) throw refusal;
    return this.iterator.next();
  }

  load(): Promise<void> {
    const refusal = this.refusal();
    return refusal === undefined ? this.iterator.load() : Promise.reject(refusal);
  }

  /** Moves on; false behind the last record. REQUIRES: no other `next` or `load` is pending. */
  next(): Promise<boolean> {
    const refusal = this.refusal();
    if (refusal !== undefined) return Promise.reject(refusal);
    return this.store.share.take() ? this.iterator.nextLoaded() : this.nextInTurn();
  }

  /** Copies of all that is still to come; the scan is closed when the loop ends, however it does. */
  async *[Symbol.asyncIterator](): AsyncGenerator<ScannedRecord, void, undefined> {
    try {
      while (await this.next()) yield { key: this.key(), value: this.value() };
    } finally {
      this.close();
    }
  }

  /** The next step goes to the first record at or beyond the key, in the direction of the walk. REQUIRES: no `next` or `load` is pending. */
  seek(key: Uint8Array): void {
    checkKey(key);
    const refusal = this.refusal();
    if (refusal !== undefined) throw refusal;
    this.iterator.seek(engineKey(this.store.incarnation, key));
  }

  /** The key, in memory that changes with the next step. */
  get keyView(): Uint8Array {
    const { keyBytes, keyStart, keyEnd } = this.entry;
    return keyBytes.subarray(keyStart + incarnationBytes, keyEnd);
  }

  /** The value, in memory that changes with the next step. */
  get valueView(): Uint8Array {
    const { entry } = this;
    return entry.cellBytes.subarray(valueStartOf(entry), entry.cellEnd);
  }

  /** A copy of the key. */
  key(): Uint8Array {
    const { keyBytes, keyStart, keyEnd } = this.entry;
    return this.store.copies.copy(keyBytes, keyStart + incarnationBytes, keyEnd);
  }

  /** A copy of the value. */
  value(): Uint8Array {
    const { entry } = this;
    return this.store.copies.copy(entry.cellBytes, valueStartOf(entry), entry.cellEnd);
  }

  close(): void {
    this.iterator.close();
  }

  private get entry(): EntryView {
    const { entry } = this.iterator;
    if (entry.keyEnd === 0) {
      const detail = "a scan is on no record before the first next(), behind the last record, and when it is closed";
      throw new TrefoilError("bad_request", detail);
    }
    return entry;
  }

  private async nextInTurn(): Promise<boolean> {
    this.awaitsTurn = true;
    await this.store.share.nextTurn();
    this.awaitsTurn = false;
    const refusal = this.refusal();
    if (refusal !== undefined) throw refusal;
    return this.iterator.nextLoaded();
  }

  private refusal(): TrefoilError | undefined {
    const { use } = this.iterator;
    if (use === "closed") return new TrefoilError("bad_request", "the scan was closed: begin another");
    if (use === "waiting" || this.awaitsTurn) {
      return new TrefoilError("bad_request", "a next() or load() of this scan is pending: await it first");
    }
    return this.store.refusal();
  }
}

function valueStartOf({ cellBytes, cellStart, cellEnd }: EntryView): number {
  const at = payloadStartOf(cellBytes, cellStart, cellEnd);
  const valueAt = at < cellEnd ? at + 1 + (cellBytes[at] as number) : cellEnd + 1;
  if (valueAt > cellEnd) throw corruption("a record that was scanned has no content type");
  return valueAt;
}
