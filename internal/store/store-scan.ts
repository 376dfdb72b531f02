// A walk over a store's records in the order of their keys. Close it when done: until then it holds what
// it reads from. One thing at a time: while a `next` or `load` is pending, anything but closing is refused.

import { corruption, TrefoilError } from "../base/errors.ts";
import { incarnationBytes } from "../base/limits.ts";
import { payloadStartOf } from "../engine/cell.ts";
import type { CopyPool } from "../engine/copy-pool.ts";
import type { EntryView } from "../engine/cursor.ts";
import { engineKey } from "../engine/reader.ts";
import type { RecordIterator, Step } from "../engine/record-iterator.ts";
import type { Incarnation } from "../base/ids.ts";

export class StoreScan {
  private readonly iterator: RecordIterator;
  private readonly incarnation: Incarnation;
  private readonly copies: CopyPool;

  constructor(iterator: RecordIterator, incarnation: Incarnation, copies: CopyPool) {
    this.iterator = iterator;
    this.incarnation = incarnation;
    this.copies = copies;
  }

  /** Moves on without waiting for long; "load": `await load()`, then call it again. */
  nextNow(): Step {
    return this.iterator.next();
  }

  load(): Promise<void> {
    return this.iterator.load();
  }

  /** Moves on; false behind the last record. REQUIRES: no other `next` or `load` is pending. */
  next(): Promise<boolean> {
    return this.iterator.nextLoaded();
  }

  /** The next step goes to the first record at or beyond the key, in the direction of the walk. REQUIRES: no `next` or `load` is pending. */
  seek(key: Uint8Array): void {
    this.iterator.seek(engineKey(this.incarnation, key));
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
    return this.copies.copy(keyBytes, keyStart + incarnationBytes, keyEnd);
  }

  /** A copy of the value. */
  value(): Uint8Array {
    const { entry } = this;
    return this.copies.copy(entry.cellBytes, valueStartOf(entry), entry.cellEnd);
  }

  close(): void {
    this.iterator.close();
  }

  /** An entry that no step has come to yet has no key. */
  private get entry(): EntryView {
    const { entry } = this.iterator;
    if (entry.keyEnd === 0) throw new TrefoilError("bad_request", "a scan is on no record before the first next()");
    return entry;
  }
}

function valueStartOf({ cellBytes, cellStart, cellEnd }: EntryView): number {
  const at = payloadStartOf(cellBytes, cellStart, cellEnd);
  const valueAt = at < cellEnd ? at + 1 + (cellBytes[at] as number) : cellEnd + 1;
  if (valueAt > cellEnd) throw corruption("a record that was scanned has no content type");
  return valueAt;
}
