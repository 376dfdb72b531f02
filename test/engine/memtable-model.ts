// The plain thing that a memtable must be indistinguishable from: a sorted list of entries; and how tests write
// into a memtable and read it back.

import { compareBytes, hex, utf8 } from "../../internal/base/bytes.ts";
import { hashBytes } from "../../internal/base/hash.ts";
import { cellBytesMin } from "../../internal/engine/cell.ts";
import { emptySlot, type Cursor, type EntryView } from "../../internal/engine/cursor.ts";
import { LookupKey } from "../../internal/engine/lookup-key.ts";
import type { Memtable } from "../../internal/engine/memtable/memtable.ts";
import { compareEntries, type Entry } from "./array-cursor.ts";

export class MemtableModel {
  readonly entries: Entry[] = [];

  add(entry: Entry): void {
    this.entries.splice(this.rank(entry), 0, entry);
  }

  find(key: Uint8Array, limit: number): Entry | undefined {
    return this.entries.find((entry) => compareBytes(entry.key, key) === 0 && entry.sequence <= limit);
  }

  /** How many entries sort before one. */
  rank(entry: Entry): number {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareEntries(this.entries[middle] as Entry, entry) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where the first entry whose key is at or above `key` lies. */
  lowerBound(key: Uint8Array): number {
    return this.rank({ key, cell: key, sequence: Infinity });
  }
}

/** The entry inside larger arrays inside larger buffers, where whoever ignores a start or an end goes wrong. */
export function viewOf(entry: Entry, padding = 0): EntryView {
  return {
    keyBytes: padded(entry.key, padding),
    keyStart: padding,
    keyEnd: padding + entry.key.length,
    cellBytes: padded(entry.cell, padding + 1),
    cellStart: padding + 1,
    cellEnd: padding + 1 + entry.cell.length,
    sequence: entry.sequence,
  };
}

function padded(bytes: Uint8Array, padding: number): Uint8Array {
  const wide = new Uint8Array(3 + bytes.length + padding * 2).fill(0xee).subarray(3);
  wide.set(bytes, padding);
  return wide;
}

/** A copy of what a cursor or a slot shows. */
export function entryOf(view: EntryView): Entry {
  return {
    key: view.keyBytes.slice(view.keyStart, view.keyEnd),
    cell: view.cellBytes.slice(view.cellStart, view.cellEnd),
    sequence: view.sequence,
  };
}

export function show(entry: Entry | undefined): string {
  return entry === undefined ? "nothing" : `${hex(entry.key)}@${entry.sequence}=${hex(entry.cell)}`;
}

export function showCursor(cursor: Cursor): string {
  return cursor.valid ? show(entryOf(cursor)) : "nothing";
}

/** What `find` says. */
export function showFound(memtable: Memtable, key: Uint8Array, limit: number): string {
  const slot = emptySlot();
  return memtable.find(lookupOf(key), limit, slot) ? show(entryOf(slot)) : "nothing";
}

export function lookupOf(key: Uint8Array): LookupKey {
  const lookup = new LookupKey();
  lookup.bytes.set(key);
  lookup.length = key.length;
  lookup.hash = hashBytes(key, 0, key.length);
  return lookup;
}

/** A cell as short as they come, with a payload. */
export function cellOf(payload: string, tombstone = false): Uint8Array {
  const bytes = utf8(payload);
  const cell = new Uint8Array(cellBytesMin + bytes.length);
  cell[0] = tombstone ? 1 : 0;
  cell.set(bytes, cellBytesMin);
  return cell;
}

/** Everything that a cursor comes by from one end to the other. */
export function walk(cursor: Cursor, direction: "forward" | "backward"): string[] {
  const seen: string[] = [];
  if (direction === "forward") cursor.seekToFirst();
  else cursor.seekToLast();
  while (cursor.valid) {
    seen.push(show(entryOf(cursor)));
    if (direction === "forward") cursor.next();
    else cursor.previous();
  }
  return seen;
}
