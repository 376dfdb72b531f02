// Where each data block begins, and from which key on. Between two neighbours stands a separator: the
// shortest key above the last of the left block and at or below the first of the right one. When both
// are versions of one key, the separator is that key and the sequence at which the left block ends.
//
//   contents of the index block =
//       blocks varint | prefix length varint | prefix          (the prefix that all separators share)
//       | block length varint                     x blocks     (trailers included; block 0 is at offset 0)
//       | suffix length varint                    x blocks - 1
//       | 0, or sequence + 1, varint              x blocks - 1
//       | suffix                                  x blocks - 1
//
// In memory it stays as it lies in the file, with three typed arrays beside it: where suffixes end,
// where blocks begin, and the first four bytes of each suffix as one number, which decides nearly every step of
// a search.

import { ByteReader, ByteWriter } from "../../base/codec.ts";
import { assert } from "../../base/assert.ts";
import { compareRanges, sharedPrefixLength } from "../../base/bytes.ts";
import { corruption } from "../../base/errors.ts";
import { headOf } from "./key-head.ts";
import { blockTrailerBytes, tableKeyBytesMax } from "./table-format.ts";

/** As a limit: of any sequence. */
export const anySequence = Number.MAX_SAFE_INTEGER;
/** Stands where the key alone separates: every version of it lies to the right. */
const wholeKey = Infinity;
const blockLengthMin = blockTrailerBytes + 1;

/** Collects separators and lengths; memory grows with the count of blocks only. */
export class BlockIndexBuilder {
  private readonly lengths = new ByteWriter(4096);
  private readonly separators = new ByteWriter(8192);
  private readonly sequences = new ByteWriter(4096);
  private separatorLengths = new Uint16Array(512);
  private blocks = 0;
  private separatorCount = 0;

  get bytesEstimated(): number {
    return this.lengths.size + this.separators.size + this.sequences.size + 2 * this.separatorCount;
  }

  get blockCount(): number {
    return this.blocks;
  }

  /** `length` counts the trailer. */
  addBlock(length: number): void {
    this.blocks++;
    this.lengths.varint(length);
  }

  /** Between the block added last and the next. `sequence` only when the key alone does not separate. */
  addSeparator(key: Uint8Array, sequence: number | undefined): void {
    if (this.separatorCount === this.separatorLengths.length) {
      const grown = new Uint16Array(this.separatorCount * 2);
      grown.set(this.separatorLengths);
      this.separatorLengths = grown;
    }
    this.separatorLengths[this.separatorCount++] = key.length;
    this.separators.bytes(key);
    this.sequences.varint(sequence === undefined ? 0 : sequence + 1);
  }

  /** The contents of an index block. */
  build(): Uint8Array {
    assert(this.separatorCount === this.blocks - 1, "blocks and separators", {
      blocks: this.blocks,
      separators: this.separatorCount,
    });
    const all = this.separators.view();
    const prefix = this.commonPrefix(all);
    const out = new ByteWriter(this.bytesEstimated + 64);
    out.varint(this.blocks).block(prefix).bytes(this.lengths.view());
    for (let at = 0; at < this.separatorCount; at++) out.varint((this.separatorLengths[at] as number) - prefix.length);
    out.bytes(this.sequences.view());
    for (let at = 0, start = 0; at < this.separatorCount; at++) {
      const end = start + (this.separatorLengths[at] as number);
      out.bytes(all.subarray(start + prefix.length, end));
      start = end;
    }
    return out.finish();
  }

  /** Separators are sorted, so what the first and the last share, all share. */
  private commonPrefix(all: Uint8Array): Uint8Array {
    if (this.separatorCount === 0) return all.subarray(0, 0);
    const first = all.subarray(0, this.separatorLengths[0]);
    const last = all.subarray(all.length - (this.separatorLengths[this.separatorCount - 1] as number));
    return first.subarray(0, sharedPrefixLength(first, last));
  }
}

export class BlockIndex {
  readonly blocks: number;
  /** What it takes in memory beside the contents. */
  readonly bytesBeside: number;
  private readonly prefix: Uint8Array;
  /** Of each block, how many first bytes all its keys share for certain, up to 255. */
  private readonly shared: Uint8Array;
  /** The suffixes, one behind the other. */
  private readonly suffixes: Uint8Array;
  private readonly suffixEnds: Uint32Array;
  private readonly heads: Uint32Array;
  /** Of each block, and of the end of the last. */
  private readonly offsets: Float64Array;
  /** Of the separators that need one; undefined when none does, as nearly always. */
  private readonly sequences: Float64Array | undefined;

  /** Throws `corruption` when the contents are no index over `dataBytes` of blocks. They are kept. */
  constructor(contents: Uint8Array, what: string, dataBytes: number) {
    const reader = new ByteReader(contents, what);
    const blocks = reader.varint();
    if (blocks < 1 || blocks > dataBytes / blockLengthMin || blocks > contents.length) {
      throw corruption(`${what}: it counts ${blocks} blocks`);
    }
    this.blocks = blocks;
    this.prefix = reader.block();
    this.offsets = readOffsets(reader, blocks, dataBytes);
    this.suffixEnds = readSuffixEnds(reader, blocks - 1, this.prefix.length);
    this.sequences = readSequences(reader, blocks - 1);
    this.suffixes = reader.bytes(this.suffixEnds[blocks - 2] ?? 0);
    reader.expectEnd();
    this.heads = headsOf(this.suffixes, this.suffixEnds);
    this.shared = new Uint8Array(blocks);
    this.compareNeighbours(what);
    this.bytesBeside = (this.sequences === undefined ? 17 : 25) * blocks;
  }

  offsetOf(block: number): number {
    return this.offsets[block] as number;
  }

  /** Trailer included. */
  lengthOf(block: number): number {
    return (this.offsets[block + 1] as number) - (this.offsets[block] as number);
  }

  /** All keys of the block, and all keys that `find` leads to it, begin with so many equal bytes. */
  sharedIn(block: number): number {
    return this.shared[block] as number;
  }

  /**
   * The block that may hold the key's newest version at or below `limit`: no other does. If that block has
   * no entry at or behind (key, limit), the next block begins with the first such entry.
   */
  find(key: Uint8Array, length: number, limit: number): number {
    const prefixLength = this.prefix.length;
    const shared = length < prefixLength ? length : prefixLength;
    for (let at = 0; at < shared; at++) {
      const difference = (key[at] as number) - (this.prefix[at] as number);
      if (difference !== 0) return difference < 0 ? 0 : this.blocks - 1;
    }
    if (length < prefixLength) return 0;
    const head = headOf(key, prefixLength, length);
    const { heads } = this;
    // Separators [0, low) are at or before the key, [high, ...) behind it.
    let low = 0;
    let high = heads.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = heads[middle] as number;
      if (other < head || (other === head && this.isAtOrBefore(middle, key, length, limit))) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** For inspection. */
  separator(at: number): { readonly key: Uint8Array; readonly sequence: number | undefined } {
    const start = at === 0 ? 0 : (this.suffixEnds[at - 1] as number);
    const suffix = this.suffixes.subarray(start, this.suffixEnds[at]);
    const key = new Uint8Array(this.prefix.length + suffix.length);
    key.set(this.prefix);
    key.set(suffix, this.prefix.length);
    const sequence = this.sequences?.[at] ?? wholeKey;
    return { key, sequence: sequence === wholeKey ? undefined : sequence };
  }

  private isAtOrBefore(separator: number, key: Uint8Array, length: number, limit: number): boolean {
    const start = separator === 0 ? 0 : (this.suffixEnds[separator - 1] as number);
    const end = this.suffixEnds[separator] as number;
    const order = compareRanges(this.suffixes, start, end, key, this.prefix.length, length);
    if (order !== 0) return order < 0;
    return this.sequences === undefined || limit < (this.sequences[separator] as number);
  }

  /** Two separators have all keys of the block between them: what they share, those share. */
  private compareNeighbours(what: string): void {
    const { suffixes, suffixEnds, sequences } = this;
    for (let at = 1; at < suffixEnds.length; at++) {
      const start = at === 1 ? 0 : (suffixEnds[at - 2] as number);
      const middle = suffixEnds[at - 1] as number;
      const end = suffixEnds[at] as number;
      const most = Math.min(middle - start, end - middle);
      let shared = 0;
      while (shared < most && suffixes[start + shared] === suffixes[middle + shared]) shared++;
      this.shared[at] = Math.min(255, this.prefix.length + shared);
      const order = compareRanges(suffixes, start + shared, middle, suffixes, middle + shared, end);
      const ascends = order < 0 || (order === 0 && sequences !== undefined && descends(sequences, at));
      if (!ascends) throw corruption(`${what}: separators ${at - 1} and ${at} are out of order`);
    }
  }
}

function descends(sequences: Float64Array, at: number): boolean {
  return (sequences[at - 1] as number) > (sequences[at] as number);
}

function readOffsets(reader: ByteReader, blocks: number, dataBytes: number): Float64Array {
  const offsets = new Float64Array(blocks + 1);
  let offset = 0;
  for (let block = 0; block < blocks; block++) {
    const length = reader.varint();
    if (length < blockLengthMin) throw corruption(`${reader.what}: block ${block} has ${length} bytes`);
    offset += length;
    offsets[block + 1] = offset;
  }
  if (offset !== dataBytes) throw corruption(`${reader.what}: blocks make ${offset} bytes, and there are ${dataBytes}`);
  return offsets;
}

function readSuffixEnds(reader: ByteReader, count: number, prefixLength: number): Uint32Array {
  const ends = new Uint32Array(count);
  let end = 0;
  for (let at = 0; at < count; at++) {
    const length = reader.varint();
    if (prefixLength + length > tableKeyBytesMax) throw corruption(`${reader.what}: separator ${at} is too long`);
    end += length;
    ends[at] = end;
  }
  return ends;
}

function readSequences(reader: ByteReader, count: number): Float64Array | undefined {
  let sequences: Float64Array | undefined;
  for (let at = 0; at < count; at++) {
    const stored = reader.varint();
    if (stored === 0) continue;
    sequences ??= new Float64Array(count).fill(wholeKey);
    sequences[at] = stored - 1;
  }
  return sequences;
}

function headsOf(suffixes: Uint8Array, ends: Uint32Array): Uint32Array {
  const heads = new Uint32Array(ends.length);
  for (let at = 0, start = 0; at < ends.length; at++) {
    const end = ends[at] as number;
    heads[at] = headOf(suffixes, start, end);
    start = end;
  }
  return heads;
}
