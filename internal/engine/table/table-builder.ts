// Writes a table from entries that come in order. What it holds in memory is one chunk of output, the
// index, and four bytes per distinct key for the filter; it never holds the table.

import { assert, AssertionFailure } from "../../base/assert.ts";
import { hashBytes } from "../../base/hash.ts";
import type { FileNumber } from "../../base/ids.ts";
import { writeFullyNow } from "../../platform/disk.ts";
import type { JobFile } from "../../platform/disk.ts";
import type { EntryView } from "../cursor.ts";
import type { TableMeta } from "../table-meta.ts";
import { BlockBuilder } from "./block-builder.ts";
import { BlockIndexBuilder } from "./block-index.ts";
import { BloomBuilder } from "./bloom.ts";
import { copyRange } from "./copy-range.ts";
import { encodeProperties, metaOf } from "./properties.ts";
import {
  blockBytesMax,
  blockTrailerBytes,
  encodeFooter,
  footerBytes,
  sealBlock,
  tableKeyBytesMax,
} from "./table-format.ts";
import type { BlockKind } from "./table-format.ts";
import { TableSummary } from "./table-summary.ts";

export interface TableBuilderOptions {
  readonly number: FileNumber;
  readonly blockBytes: number;
  readonly bloomBitsPerKey: number;
}

/** Output is written as soon as there is so much. */
const writeBytes = 256 * 1024;
const chunkBytes = writeBytes + blockBytesMax;
/** Output is synced whenever so much has been written, so that the last sync is short. */
const syncEveryBytes = 1024 * 1024;

export class TableBuilder {
  private readonly file: JobFile;
  private readonly number: FileNumber;
  private readonly blockBytes: number;
  private readonly block: BlockBuilder;
  private readonly index = new BlockIndexBuilder();
  private readonly bloom: BloomBuilder;
  private readonly summary = new TableSummary();
  /** chunk[0, filled) are finished blocks that have not been written. */
  private chunk = new Uint8Array(chunkBytes);
  private filled = 0;
  /** Bytes of the file that have been written. */
  private written = 0;
  private unyielded = 0;
  private unsynced = 0;
  private readonly lastKey = new Uint8Array(tableKeyBytesMax);
  private lastKeyLength = 0;
  private lastSequence = 0;
  private finished = false;

  /** The file is empty, and stays the caller's to close. */
  constructor(file: JobFile, options: TableBuilderOptions) {
    const { blockBytes } = options;
    assert(blockBytes >= 64 && blockBytes <= blockBytesMax, "block size of a table", { blockBytes });
    this.file = file;
    this.number = options.number;
    this.blockBytes = blockBytes;
    this.block = new BlockBuilder(blockBytes);
    this.bloom = new BloomBuilder(options.bloomBitsPerKey);
  }

  get entries(): number {
    return this.summary.entries;
  }

  /** What the file would take if it were finished now, about. */
  get bytesWritten(): number {
    const open = this.block.entries === 0 ? 0 : this.block.bytes;
    const tail = this.bloom.bytesEstimated + this.index.bytesEstimated + footerBytes;
    return this.written + this.filled + open + tail;
  }

  /** Bytes that went to the disk since this was asked last. */
  takeUnyieldedBytes(): number {
    const bytes = this.unyielded;
    this.unyielded = 0;
    return bytes;
  }

  /** Copies the entry. REQUIRES: it comes behind the one before it, in the order of cursors. */
  add(view: EntryView): void {
    const keyLength = view.keyEnd - view.keyStart;
    const cellLength = view.cellEnd - view.cellStart;
    const shared = this.sharedWithLast(view, keyLength);
    const isNewKey = shared < keyLength || shared < this.lastKeyLength || this.summary.entries === 0;
    if (!this.isBehindLast(view, shared, keyLength, isNewKey)) refuseOrder(view, keyLength);
    if (this.block.entries === 0) {
      this.beginBlock(keyLength, cellLength);
    } else if (!this.block.hasRoom(shared, keyLength, cellLength)) {
      this.finishBlock();
      this.separate(view, shared, isNewKey);
      this.beginBlock(keyLength, cellLength);
    }
    this.block.add(view, shared);
    if (isNewKey) {
      copyRange(this.lastKey, shared, view.keyBytes, view.keyStart + shared, view.keyEnd);
      this.lastKeyLength = keyLength;
      this.bloom.add(hashBytes(view.keyBytes, view.keyStart, view.keyEnd));
    }
    this.lastSequence = view.sequence;
    this.summary.add(view);
  }

  /** Writes what is left and syncs. REQUIRES: there was an entry. */
  finish(): TableMeta {
    assert(!this.finished && this.summary.entries > 0, "a table is finished once, and has entries", {
      entries: this.summary.entries,
    });
    this.finished = true;
    this.finishBlock();
    const dataBytes = this.written + this.filled;
    const properties = this.summary.properties({
      number: this.number,
      blockBytes: this.blockBytes,
      blocks: this.index.blockCount,
      keys: this.bloom.keys,
      largest: this.lastKey.slice(0, this.lastKeyLength),
    });
    const filterBytes = this.writeTailBlock("filter", this.bloom.build());
    const propertiesBytes = this.writeTailBlock("properties", encodeProperties(properties));
    const indexBytes = this.writeTailBlock("index", this.index.build());
    this.makeRoom(footerBytes);
    this.filled = encodeFooter(this.chunk, this.filled, {
      dataBytes,
      filterBytes,
      propertiesBytes,
      indexBytes,
      salt: this.salt,
    });
    this.writeChunk();
    this.sync();
    return metaOf(properties, { number: this.number, bytes: this.written });
  }

  private get salt(): number {
    return this.number >>> 0;
  }

  private sharedWithLast(view: EntryView, keyLength: number): number {
    const { lastKey } = this;
    const { keyBytes, keyStart } = view;
    const most = keyLength < this.lastKeyLength ? keyLength : this.lastKeyLength;
    let shared = 0;
    while (shared < most && lastKey[shared] === keyBytes[keyStart + shared]) shared++;
    return shared;
  }

  private isBehindLast(view: EntryView, shared: number, keyLength: number, isNewKey: boolean): boolean {
    if (keyLength > tableKeyBytesMax || this.finished) return false;
    if (!isNewKey) return view.sequence < this.lastSequence;
    if (shared === this.lastKeyLength) return true;
    if (shared === keyLength) return false;
    return (view.keyBytes[view.keyStart + shared] as number) > (this.lastKey[shared] as number);
  }

  private beginBlock(keyLength: number, cellLength: number): void {
    this.makeRoom(Math.max(this.blockBytes, BlockBuilder.bytesForOne(keyLength, cellLength)));
    this.block.begin(this.chunk, this.filled);
  }

  private finishBlock(): void {
    const start = this.filled;
    const end = this.block.finish();
    this.filled = sealBlock(this.chunk, start, end, { kind: "data", salt: this.salt, offset: this.written + start });
    this.index.addBlock(this.filled - start);
    if (this.filled >= writeBytes) this.writeChunk();
    this.block.begin(this.chunk, this.filled);
  }

  /** A separator between the block just finished and the entry that begins the next. */
  private separate(view: EntryView, shared: number, isNewKey: boolean): void {
    const { keyBytes, keyStart } = view;
    if (isNewKey) this.index.addSeparator(keyBytes.subarray(keyStart, keyStart + shared + 1), undefined);
    else this.index.addSeparator(keyBytes.subarray(keyStart, view.keyEnd), this.lastSequence);
  }

  /** Makes `bytes` of room behind chunk[0, filled). */
  private makeRoom(bytes: number): void {
    if (this.chunk.length - this.filled >= bytes) return;
    this.writeChunk();
    if (bytes > this.chunk.length) this.chunk = new Uint8Array(bytes);
    else if (bytes <= chunkBytes && this.chunk.length > chunkBytes) this.chunk = new Uint8Array(chunkBytes);
  }

  private writeTailBlock(kind: BlockKind, contents: Uint8Array): number {
    const bytes = contents.length + blockTrailerBytes;
    this.makeRoom(bytes);
    const start = this.filled;
    this.chunk.set(contents, start);
    const place = { kind, salt: this.salt, offset: this.written + start };
    this.filled = sealBlock(this.chunk, start, start + contents.length, place);
    return bytes;
  }

  private writeChunk(): void {
    if (this.filled === 0) return;
    writeFullyNow(this.file, this.chunk.subarray(0, this.filled), this.written);
    this.written += this.filled;
    this.unyielded += this.filled;
    this.unsynced += this.filled;
    this.filled = 0;
    if (this.unsynced >= syncEveryBytes) this.sync();
  }

  private sync(): void {
    this.file.syncData();
    this.unsynced = 0;
  }
}

function refuseOrder(view: EntryView, keyLength: number): never {
  const { sequence } = view;
  assert(keyLength <= tableKeyBytesMax, "a key longer than any key may be", { keyLength });
  throw new AssertionFailure("entries of a table come in order, before it is finished", { sequence, keyLength });
}
