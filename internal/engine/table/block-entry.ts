// One entry of a data block, and the checks that make it safe to read from bytes that may be anybody's.
//
//   entry = shared varint | unshared varint | cell length varint | sequence varint | key suffix | cell
//
// `shared` bytes of the key are those of the entry before; at a restart point it is 0.

import { writeVarint } from "../../base/codec.ts";

/** An entry's header, decoded. Reused for each entry that its owner looks at. */
export class EntryHeader {
  shared = 0;
  unshared = 0;
  sequence = 0;
  /** Where the key suffix begins; it ends where the cell begins. */
  suffixAt = 0;
  cellAt = 0;
  /** Where the cell ends and the next entry begins. */
  end = 0;
  private at = 0;

  /**
   * Decodes what lies at `at`, and tells whether it is an entry that ends at or before `end`.
   * REQUIRES: at < end, and four more bytes to read behind `end` (a block's tail is longer).
   */
  decode(bytes: Uint8Array, at: number, end: number): boolean {
    let shared = bytes[at] as number;
    let unshared = bytes[at + 1] as number;
    let cellLength = bytes[at + 2] as number;
    if ((shared | unshared | cellLength) < 128) {
      at += 3;
    } else {
      this.at = at;
      shared = this.varint(bytes, end);
      unshared = this.varint(bytes, end);
      cellLength = this.varint(bytes, end);
      at = this.at;
    }
    // Sequences of up to four bytes are read here, the others below; `at` is checked last, as `end` is.
    let byte = bytes[at++] as number;
    let sequence = byte & 0x7f;
    if (byte >= 128) {
      byte = bytes[at++] as number;
      sequence |= (byte & 0x7f) << 7;
      if (byte >= 128) {
        byte = bytes[at++] as number;
        sequence |= (byte & 0x7f) << 14;
        if (byte >= 128) {
          this.at = at - 3;
          sequence = this.varint(bytes, end);
          at = this.at;
        }
      }
    }
    this.shared = shared;
    this.unshared = unshared;
    this.sequence = sequence;
    this.suffixAt = at;
    this.cellAt = at + unshared;
    this.end = at + unshared + cellLength;
    return this.end <= end;
  }

  /** A varint that runs past the end, or past 2^53, puts the end of the entry out of bounds. */
  private varint(bytes: Uint8Array, end: number): number {
    let at = this.at;
    let value = 0;
    for (let shift = 0; shift < 28 && at < end; shift += 7) {
      const byte = bytes[at++] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 128) {
        this.at = at;
        return value;
      }
    }
    for (let scale = 2 ** 28; scale < 2 ** 56 && at < end; scale *= 128) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 128) {
        this.at = at;
        return value <= Number.MAX_SAFE_INTEGER ? value : this.refuse(end);
      }
    }
    return this.refuse(end);
  }

  private refuse(end: number): number {
    this.at = end + 1;
    return 0;
  }
}

/** Writes what precedes the key suffix, and returns where that goes. */
// oxlint-disable-next-line max-params -- the four numbers of an entry, on the path of every flush and compaction
export function writeEntryHeader(
  target: Uint8Array,
  at: number,
  shared: number,
  unshared: number,
  cellLength: number,
  sequence: number,
): number {
  if ((shared | unshared | cellLength) < 128) {
    target[at] = shared;
    target[at + 1] = unshared;
    target[at + 2] = cellLength;
    at += 3;
  } else {
    at = writeVarint(target, at, shared);
    at = writeVarint(target, at, unshared);
    at = writeVarint(target, at, cellLength);
  }
  return writeVarint(target, at, sequence);
}
