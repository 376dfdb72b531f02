// A data block where it lies, in a frame of the cache or elsewhere, and the search for a key in it.

import { readU16 } from "../../base/codec.ts";
import { compareRanges } from "../../base/bytes.ts";
import { EntryHeader } from "./block-entry.ts";
import { blockTrailerBytes } from "./table-format.ts";

const countBytes = 2;

/**
 * Points at one block at a time; whoever owns the bytes says how long they stay. Its checksum has been
 * verified. Search and walk check the rest where they go, so that bytes which pass for a block by
 * accident or intent lead to "bad", not astray.
 */
export class BlockView {
  bytes = nothing;
  /** Of the block within `bytes`. Restart points count from here. */
  start = 0;
  /** Where the entries end and the restart points begin. */
  entriesEnd = 0;
  restartCount = 0;
  /** What `locate` found: the offset of an entry in `bytes`, or entriesEnd. */
  at = 0;
  /** Whether that entry's key is the one that was looked for. */
  isKey = false;
  /** That entry, unless `at` is entriesEnd. */
  readonly entry = new EntryHeader();

  /** Points at the block bytes[start, end), trailer included. False when it cannot be one. */
  open(bytes: Uint8Array, start: number, end: number): boolean {
    this.bytes = bytes;
    this.start = start;
    const countAt = end - blockTrailerBytes - countBytes;
    if (countAt <= start) return false;
    this.restartCount = readU16(bytes, countAt);
    this.entriesEnd = countAt - 2 * this.restartCount;
    return this.restartCount > 0 && this.entriesEnd > start && this.restart(0) === start;
  }

  /** Where the entry at a restart point begins. A wrong one is found out when it is used. */
  restart(number: number): number {
    const at = this.entriesEnd + 2 * number;
    return this.start + readU16(this.bytes, at);
  }

  /**
   * Finds the first entry at or behind (key, limit): of the key itself, its newest version at or below `limit`.
   * False when the block is malformed.
   */
  locate(key: Uint8Array, length: number, limit: number): boolean {
    const restart = this.firstRestartReaching(key, length, limit);
    if (restart < 0) return false;
    return this.scan(restart, key, length, limit);
  }

  /** The number of restart points whose entry lies before (key, limit), or -1. */
  private firstRestartReaching(key: Uint8Array, length: number, limit: number): number {
    const { bytes, entriesEnd, entry } = this;
    let low = 0;
    let high = this.restartCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = this.restart(middle);
      if (at >= entriesEnd || !entry.decode(bytes, at, entriesEnd) || entry.shared !== 0) return -1;
      const order = compareRanges(bytes, entry.suffixAt, entry.cellAt, key, 0, length);
      if (order < 0 || (order === 0 && entry.sequence > limit)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Walks from the restart point before `reaching` up to the entry at it. No key is put together on
   * the way: `matched`, the length of the prefix that the entry before shares with the key looked for, and
   * the prefix that an entry shares with the one before it decide nearly every step without looking at the key.
   */
  private scan(reaching: number, key: Uint8Array, length: number, limit: number): boolean {
    const { bytes, entriesEnd, entry } = this;
    let at = reaching === 0 ? this.start : this.restart(reaching - 1);
    const stop = reaching < this.restartCount ? this.restart(reaching) : entriesEnd;
    let matched = 0;
    this.isKey = false;
    while (at < entriesEnd) {
      if (!entry.decode(bytes, at, entriesEnd)) return false;
      if (at === stop) matched = 0;
      const { shared } = entry;
      if (shared < matched) break;
      if (shared === matched) {
        let suffix = entry.suffixAt;
        const suffixEnd = entry.cellAt;
        while (matched < length && suffix < suffixEnd && bytes[suffix] === key[matched]) {
          suffix++;
          matched++;
        }
        if (suffix < suffixEnd) {
          if (matched === length || (bytes[suffix] as number) > (key[matched] as number)) break;
        } else if (matched === length && entry.sequence <= limit) {
          this.isKey = true;
          break;
        }
      }
      at = entry.end;
    }
    this.at = at;
    return true;
  }
}

const nothing: Uint8Array = new Uint8Array(0);
