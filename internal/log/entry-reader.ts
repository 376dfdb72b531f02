// Reads entries of a group that have left memory: from an anchor on, one block of a segment at a time.
// What is read is checked (each entry has its own checksum) and belongs to the caller.

import { corruption } from "../base/errors.ts";
import { readU32 } from "../base/codec.ts";
import { readFully } from "../platform/disk.ts";
import type { DiskFile } from "../platform/disk.ts";
import { anchorBlockBytes } from "./anchors.ts";
import { batchHeaderBytes, batchMagic } from "./format.ts";
import type { GroupState } from "./group-state.ts";
import * as record from "./record.ts";
import { recordType } from "./record.ts";
import type { RecordView } from "./record.ts";
import type { SegmentFiles } from "./segment-files.ts";
import type { Segment } from "./segment.ts";

/** Where one walk goes: the entries from..last of a group lie from `offset` on and begin before `end`. */
interface Walk {
  readonly group: number;
  readonly segment: Segment;
  readonly offset: number;
  /** Offset behind which no wanted entry begins. */
  readonly end: number;
  /** The index of the entry at `offset`. */
  readonly first: number;
  readonly from: number;
  readonly last: number;
  readonly bytesMax: number;
}

/** How much behind a block is read along with it, so that its last entry is mostly whole. */
const overhangBytes = 4 * 1024;

export class EntryReader {
  private readonly files: SegmentFiles;
  private readonly whenOnDisk: (position: number) => Promise<void> | undefined;

  /** `whenOnDisk` gives something to wait for when what lies before a position is not written yet. */
  constructor(files: SegmentFiles, whenOnDisk: (position: number) => Promise<void> | undefined) {
    this.files = files;
    this.whenOnDisk = whenOnDisk;
  }

  /**
   * The entries from..to as far as they begin in the block of `from` and fit `bytesMax` (the first always
   * does). None when they went while a checkpoint that carries them was being written.
   * REQUIRES: they are above base, up to lastIndex, and not in memory alone.
   */
  async read(state: GroupState, from: number, to: number, bytesMax: number): Promise<RecordView[]> {
    for (;;) {
      if (from <= state.baseIndex || from > state.lastIndex) return [];
      const walk = this.walkFrom(state, from, to, bytesMax);
      // Carried entries are in no memory, and in the file only when their checkpoint is.
      const pending = this.whenOnDisk(Math.min(walk.segment.start + walk.end, walk.segment.end));
      if (pending === undefined) return this.walk(walk);
      await pending;
    }
  }

  private walkFrom(state: GroupState, from: number, to: number, bytesMax: number): Walk {
    const { anchors } = state;
    const slot = anchors.slotOf(from);
    const position = anchors.positionAt(slot);
    const segment = this.files.find(position);
    const offset = position - segment.start;
    const next = slot + 1 < anchors.count ? anchors.indexAt(slot + 1) : state.lastIndex + 1;
    return {
      group: state.group,
      segment,
      offset,
      end: (Math.floor(offset / anchorBlockBytes) + 1) * anchorBlockBytes,
      first: anchors.indexAt(slot),
      from,
      last: Math.min(to, next - 1),
      bytesMax,
    };
  }

  /** The segment may go meanwhile; its file does not. */
  private async walk(walk: Walk): Promise<RecordView[]> {
    const file = walk.segment.hold();
    try {
      return await this.walkIn(file, walk);
    } finally {
      walk.segment.letGo();
    }
  }

  private async walkIn(file: DiskFile, walk: Walk): Promise<RecordView[]> {
    let bytes = await bytesFrom(file, walk.offset, walk.end - walk.offset + overhangBytes);
    const entries: RecordView[] = [];
    let taken = 0;
    let index = walk.first;
    for (let at = 0; index <= walk.last;) {
      if (walk.offset + at >= walk.end || at + batchHeaderBytes > bytes.length) throw lost(walk, index, at);
      const length = readU32(bytes, at);
      if (length === batchMagic) {
        at += batchHeaderBytes;
        continue;
      }
      if (length < record.recordHeaderBytes || length > record.recordBytesMax) throw lost(walk, index, at);
      const start = this.entryOfGroup(bytes, at, walk.group);
      if (start >= 0) {
        if (at + length > bytes.length) {
          bytes = await bytesFrom(file, walk.offset, at + length);
          if (at + length > bytes.length) throw lost(walk, index, at);
        }
        if (record.indexOf(bytes, start) !== index || !record.isRecordIntact(bytes, start)) throw lost(walk, index, at);
        if (index >= walk.from) {
          taken += at + length - start;
          if (taken > walk.bytesMax && entries.length > 0) break;
          entries.push({ bytes, start, end: at + length });
        }
        index++;
      }
      at += length;
    }
    return entries;
  }

  /** Where the entry begins, when the record at `at` is or carries one of the group; else -1. */
  private entryOfGroup(bytes: Uint8Array, at: number, group: number): number {
    if (record.groupOf(bytes, at) !== group) return -1;
    const type = record.typeOf(bytes, at);
    if (type === recordType.entry) return at;
    return type === recordType.carried ? at + record.nestedAt : -1;
  }
}

async function bytesFrom(file: DiskFile, offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  return bytes.subarray(0, await readFully(file, bytes, offset));
}

function lost(walk: Walk, index: number, at: number): Error {
  return corruption(
    `${walk.segment.path}: entry ${index} of group ${walk.group} is not at offset ${walk.offset + at}, where it was written`,
  );
}
