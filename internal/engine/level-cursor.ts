// A sorted level as one cursor: its tables lie one behind the other, and each is opened only when the
// walk comes to it.
//
//   tables:  [a..f]  [h..k]  [m..z]
//                      ^ open, the walk is here

import { assert } from "../base/assert.ts";
import { compareRanges } from "../base/bytes.ts";
import type { Cursor } from "./cursor.ts";
import type { TableMeta } from "./table-meta.ts";
import type { TableSource } from "./table-source.ts";

type Movement =
  | { readonly to: "first" | "last" }
  | { readonly to: "at" | "before"; readonly key: Uint8Array; readonly length: number };

const nothing: Uint8Array = new Uint8Array(0);

export class LevelCursor implements Cursor {
  // Copied from the table's cursor at each movement: a merge reads them more often than that.
  valid = false;
  needsLoad = false;
  keyBytes = nothing;
  keyStart = 0;
  keyEnd = 0;
  cellBytes = nothing;
  cellStart = 0;
  cellEnd = 0;
  sequence = 0;
  private readonly tables: readonly TableMeta[];
  private readonly source: TableSource;
  private at = -1;
  private cursor: Cursor | undefined;
  /** How to move within the table at `at` once it is open. */
  private pending: Movement | undefined;
  private forward = true;

  constructor(tables: readonly TableMeta[], source: TableSource) {
    this.tables = tables;
    this.source = source;
  }

  seekToFirst(): void {
    this.enter(0, { to: "first" }, true);
  }

  seekToLast(): void {
    this.enter(this.tables.length - 1, { to: "last" }, false);
  }

  seek(key: Uint8Array, length: number): void {
    this.enter(firstTableReaching(this.tables, key, length), { to: "at", key: key.slice(0, length), length }, true);
  }

  seekBefore(key: Uint8Array, length: number): void {
    const last = firstTableReaching(this.tables, key, length);
    const begins = this.tables[last]?.smallest;
    const within = begins !== undefined && compareRanges(begins, 0, begins.length, key, 0, length) < 0;
    this.enter(within ? last : last - 1, { to: "before", key: key.slice(0, length), length }, false);
  }

  next(): void {
    const cursor = this.present();
    this.forward = true;
    cursor.next();
    this.goOn();
  }

  previous(): void {
    const cursor = this.present();
    this.forward = false;
    cursor.previous();
    this.goOn();
  }

  async load(): Promise<void> {
    const movement = this.pending;
    if (movement !== undefined) {
      const table = this.tables[this.at] as TableMeta;
      const cursor = await this.source.openCursor(table);
      // Closed meanwhile.
      if (this.pending !== movement) return cursor.close();
      this.pending = undefined;
      this.cursor = cursor;
      move(cursor, movement);
    } else {
      await this.cursor?.load();
    }
    this.goOn();
  }

  close(): void {
    this.leave();
    this.at = -1;
    this.pending = undefined;
    this.show();
  }

  private enter(at: number, movement: Movement, forward: boolean): void {
    this.leave();
    this.at = at;
    this.forward = forward;
    this.pending = undefined;
    const table = this.tables[at];
    if (table === undefined) return this.show();
    this.cursor = this.source.cursorNow(table);
    if (this.cursor === undefined) this.pending = movement;
    else move(this.cursor, movement);
    this.goOn();
  }

  /** The table at hand is used up: on to its neighbour. */
  private goOn(): void {
    const { cursor } = this;
    if (cursor === undefined || cursor.needsLoad || cursor.valid) this.show();
    else if (this.forward) this.enter(this.at + 1, { to: "first" }, true);
    else this.enter(this.at - 1, { to: "last" }, false);
  }

  private leave(): void {
    this.cursor?.close();
    this.cursor = undefined;
  }

  private show(): void {
    const { cursor } = this;
    this.needsLoad = this.pending !== undefined || (cursor?.needsLoad ?? false);
    this.valid = !this.needsLoad && cursor !== undefined && cursor.valid;
    if (!this.valid || cursor === undefined) return;
    this.keyBytes = cursor.keyBytes;
    this.keyStart = cursor.keyStart;
    this.keyEnd = cursor.keyEnd;
    this.cellBytes = cursor.cellBytes;
    this.cellStart = cursor.cellStart;
    this.cellEnd = cursor.cellEnd;
    this.sequence = cursor.sequence;
  }

  private present(): Cursor {
    assert(this.cursor !== undefined && this.cursor.valid, "a level cursor was moved from nowhere");
    return this.cursor;
  }
}

/** The first table whose greatest key is at or above the key; tables.length when there is none. */
function firstTableReaching(tables: readonly TableMeta[], key: Uint8Array, length: number): number {
  let low = 0;
  let high = tables.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const { largest } = tables[middle] as TableMeta;
    if (compareRanges(largest, 0, largest.length, key, 0, length) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function move(cursor: Cursor, movement: Movement): void {
  switch (movement.to) {
    case "first":
      return cursor.seekToFirst();
    case "last":
      return cursor.seekToLast();
    case "at":
      return cursor.seek(movement.key, movement.length);
    case "before":
      return cursor.seekBefore(movement.key, movement.length);
  }
}
