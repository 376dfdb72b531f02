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
   * All keys of the block begin with the first `known` bytes of the key. False when the block is malformed.
   */
  locate(key: Uint8Array, length: number, limit: number, known: number): boolean {
    const { bytes, entriesEnd, entry } = this;
    // Restart points [0, low) lie before (key, limit), [high, ...) do not.
    let low = 0;
    let high = this.restartCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = this.restart(middle);
      if (at >= entriesEnd || !entry.decode(bytes, at, entriesEnd) || entry.shared !== 0) return false;
      const order = compareRanges(bytes, entry.suffixAt + known, entry.cellAt, key, known, length);
      if (order < 0 || (order === 0 && entry.sequence > limit)) low = middle + 1;
      else high = middle;
    }
    const start = low === 0 ? this.start : this.restart(low - 1);
    const stop = low < this.restartCount ? this.restart(low) : entriesEnd;
    return this.scan(start, stop, key, length, limit, known);
  }

  /**
   * Walks from one restart point to the entry at the next. No key is put together on the way: `matched`, the
   * length of the prefix that the entry before has in common with the key, and what an entry shares with the one
   * before it decide nearly every step without a look at the key:
   *
   *   shares more: it differs from the key where the one before does, and is before it too
   *   shares less: it is above the one before in a byte in which that agrees with the key, so it is behind the key
   */
  // oxlint-disable-next-line max-params -- the inner loop of every lookup
  private scan(start: number, stop: number, key: Uint8Array, length: number, limit: number, known: number): boolean {
    const { bytes, entriesEnd, entry } = this;
    let at = start;
    let matched = known;
    this.isKey = false;
    while (at < entriesEnd) {
      const isRestart = at === start || at === stop;
      if (!isRestart) {
        // An entry that shares more is passed over at once when its lengths take a byte each.
        const shared = bytes[at] as number;
        const unshared = bytes[at + 1] as number;
        const cellLength = bytes[at + 2] as number;
        if (shared > matched && (shared | unshared | cellLength) < 128) {
          at += 3;
          while ((bytes[at] as number) >= 128) at++;
          at += 1 + unshared + cellLength;
          continue;
        }
      }
      if (!entry.decode(bytes, at, entriesEnd)) return false;
      let suffix = entry.suffixAt;
      if (isRestart) {
        matched = known;
        suffix += known;
      } else if (entry.shared > matched) {
        at = entry.end;
        continue;
      } else if (entry.shared < matched) {
        break;
      }
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
      at = entry.end;
    }
    this.at = at;
    return true;
  }
}

const nothing: Uint8Array = new Uint8Array(0);
