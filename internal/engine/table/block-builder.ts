// Builds one data block in place, in memory that its owner provides.
//
//   +---------+---------+---     ---+------------------+-----------+------------------+
//   | entry 0 | entry 1 |    ...    | restart u16 each | count u16 | kind u8, crc u32 |
//   +---------+---------+---     ---+------------------+-----------+------------------+
//
// Every so many entries a key is written whole; the offset of such an entry, from the block's start,
// is a restart point. Searching halves over these. A block takes at most `blockBytes`, trailer
// included, unless its one entry does not fit into that.

import { assert } from "../../base/assert.ts";
import { writeU16 } from "../../base/codec.ts";
import type { EntryView } from "../cursor.ts";
import { writeEntryHeader } from "./block-entry.ts";
import { copyRange } from "./copy-range.ts";
import { blockTrailerBytes, restartInterval } from "./table-format.ts";

/** Bound of a header whose lengths are below 128, and of any other. */
const headerBytesSmall = 3 + 8;
const headerBytesLarge = 2 + 2 + 5 + 8;
const countBytes = 2;

export class BlockBuilder {
  /** Entries of the block that is being built. */
  entries = 0;
  private readonly blockBytes: number;
  private target = nothing;
  private start = 0;
  private at = 0;
  private restartCount = 0;
  private untilRestart = 0;
  private readonly restarts: Uint16Array;

  constructor(blockBytes: number) {
    this.blockBytes = blockBytes;
    this.restarts = new Uint16Array(Math.ceil(blockBytes / (4 * restartInterval)) + 1);
  }

  /** What a block of this one entry takes at most. */
  static bytesForOne(keyBytes: number, cellBytes: number): number {
    return headerBytesLarge + keyBytes + cellBytes + 2 + countBytes + blockTrailerBytes;
  }

  /** Starts a block at target[start, ...). */
  begin(target: Uint8Array, start: number): void {
    this.target = target;
    this.start = start;
    this.at = start;
    this.entries = 0;
    this.restartCount = 0;
    this.untilRestart = 0;
  }

  /** What the block takes so far, trailer included. */
  get bytes(): number {
    return this.at - this.start + 2 * this.restartCount + countBytes + blockTrailerBytes;
  }

  /** Whether one more entry fits, of a key that shares `shared` bytes with the one before. */
  hasRoom(shared: number, keyBytes: number, cellBytes: number): boolean {
    const unshared = this.untilRestart === 0 ? keyBytes : keyBytes - shared;
    const header = (keyBytes | cellBytes) < 128 ? headerBytesSmall : headerBytesLarge;
    return this.bytes + 2 + header + unshared + cellBytes <= this.blockBytes;
  }

  /** REQUIRES: it is the first entry or has room, and `target` has bytesForOne behind `start`. */
  add(view: EntryView, shared: number): void {
    const { target } = this;
    if (this.untilRestart === 0) {
      this.restarts[this.restartCount++] = this.at - this.start;
      this.untilRestart = restartInterval;
      shared = 0;
    }
    const { keyBytes, keyEnd, cellBytes, cellStart, cellEnd } = view;
    const keyFrom = view.keyStart + shared;
    const cellLength = cellEnd - cellStart;
    let at = writeEntryHeader(target, this.at, shared, keyEnd - keyFrom, cellLength, view.sequence);
    copyRange(target, at, keyBytes, keyFrom, keyEnd);
    at += keyEnd - keyFrom;
    copyRange(target, at, cellBytes, cellStart, cellEnd);
    this.at = at + cellLength;
    this.untilRestart--;
    this.entries++;
  }

  /** Writes the restart points; the contents end where this returns. The trailer is the owner's to write. */
  finish(): number {
    assert(this.entries > 0, "a block without entries");
    const { target, restarts, restartCount } = this;
    let at = this.at;
    for (let restart = 0; restart < restartCount; restart++, at += 2) writeU16(target, at, restarts[restart] as number);
    writeU16(target, at, restartCount);
    return at + countBytes;
  }
}

const nothing: Uint8Array = new Uint8Array(0);
