// Builds batches. A record is given its place, in memory and in the log, when it is staged: records are
// staged in the order of the log, and every decision about that order (a full batch, a full segment, the
// checkpoint that opens a segment) falls here, at once, without waiting for the disk. So what a group
// knows of itself when a checkpoint is staged is exactly what the log before it says.
//
//   claim(length) -> write the record at bytes[at] -> claim ... -> take() -> write -> release()
//
// One batch is being filled; those before it are sealed and wait in order.

import { assert } from "../base/assert.ts";
import type { Chunk, ChunkCache } from "./chunk-cache.ts";
import { batchHeaderBytes, checkpointEndFlag, checkpointFlag, goesOnFlag, segmentHeaderBytes } from "./format.ts";
import type { LogOptions } from "./options.ts";
import type { Segment } from "./segment.ts";

declare const brand: unique symbol;
/** Numbers batches from 1 since the log was opened: what was staged into batch n is durable when n is. */
export type BatchNumber = number & { readonly [brand]: "BatchNumber" };

export class Batch {
  readonly number: BatchNumber;
  readonly segment: Segment;
  readonly chunk: Chunk;
  /** In the chunk. */
  readonly start: number;
  /** Offset in the segment. */
  readonly offset: number;
  /** Header included. */
  length = batchHeaderBytes;
  flags = 0;
  records = 0;
  /** Must be synced before it counts as written, whatever the mode. */
  mustSync = false;
  /** Must have its file before this is written, which says that it has. */
  next: Segment | undefined;

  constructor(number: BatchNumber, segment: Segment, chunk: Chunk) {
    this.number = number;
    this.segment = segment;
    this.chunk = chunk;
    this.start = chunk.used;
    this.offset = segment.used;
  }

  get position(): number {
    return this.segment.start + this.offset;
  }
}

export interface StagerParts {
  readonly cache: ChunkCache;
  readonly options: LogOptions;
  /** Where staging goes on: a segment of an opened log, or a first one without a checkpoint. */
  readonly segment: Segment;
  /** Called when a segment begins, to stage its checkpoint into it. */
  readonly stageCheckpoint: (segment: Segment) => void;
  /** Makes the segment that follows. */
  readonly nextSegment: (previous: Segment) => Segment;
}

export class BatchStager {
  // Where the last claim was granted.
  bytes: Uint8Array = new Uint8Array(0);
  at = 0;
  address = 0;
  position = 0;

  /** Bytes of batches that no write has begun for. */
  bytesWaiting = 0;
  segment: Segment;

  private readonly parts: StagerParts;
  private readonly sealed: Batch[] = [];
  private filling: Batch | undefined;
  private fillingEnd = 0;
  private lastNumber = 0;
  private checkpointFlags = 0;

  constructor(parts: StagerParts) {
    this.parts = parts;
    this.segment = parts.segment;
  }

  /** The number of the batch that the last claim went into. */
  get number(): BatchNumber {
    return this.lastNumber as BatchNumber;
  }

  get hasSealed(): boolean {
    return this.sealed.length > 0;
  }

  get isEmpty(): boolean {
    return this.filling === undefined && this.sealed.length === 0;
  }

  /** Grants room for a record of `length` bytes, which the caller writes at once. */
  claim(length: number): void {
    let batch = this.filling;
    if (batch === undefined || batch.length + length > this.fillingEnd) {
      this.seal();
      batch = this.begin(length);
    }
    this.bytes = batch.chunk.bytes;
    this.at = batch.start + batch.length;
    this.address = batch.chunk.address + this.at;
    this.position = batch.position + batch.length;
    batch.length += length;
    batch.records++;
    this.bytesWaiting += length;
  }

  /** What was claimed last must be synced before it counts as written. */
  demandSync(): void {
    assert(this.filling !== undefined, "a sync of nothing", {});
    this.filling.mustSync = true;
  }

  /** A batch without records, with a meaning of its own. */
  stageEmpty(flags: number): BatchNumber {
    this.seal();
    this.begin(0).flags = flags;
    this.seal();
    return this.number;
  }

  /** Ends the present segment, saying so in it, and begins the next with its checkpoint. */
  private roll(): void {
    this.seal();
    const end = this.beginHere(0);
    end.flags = goesOnFlag;
    this.seal();
    const next = this.parts.nextSegment(this.segment);
    next.used = segmentHeaderBytes;
    end.next = next;
    this.segment = next;
    this.beginCheckpoint();
  }

  /** Stages the checkpoint of a segment in which nothing stands yet. */
  beginCheckpoint(): void {
    const { segment } = this;
    segment.isOpening = true;
    this.checkpointFlags = checkpointFlag;
    this.parts.stageCheckpoint(segment);
    assert(this.filling !== undefined, "a checkpoint without records", { segment: segment.number });
    this.filling.flags |= checkpointEndFlag;
    this.seal();
    this.checkpointFlags = 0;
    segment.isOpening = false;
    // A large checkpoint must not leave a segment without room for what it is for.
    segment.dataStart = segment.used;
    segment.capacity = Math.max(segment.capacity, segment.used + Math.floor(this.parts.options.segmentBytes / 2));
  }

  /** The batch to write next, or undefined. It is released after the write. */
  take(): Batch | undefined {
    if (this.sealed.length === 0) this.seal();
    const batch = this.sealed.shift();
    if (batch !== undefined) this.bytesWaiting -= batch.length;
    return batch;
  }

  release(batch: Batch): void {
    batch.chunk.batchesUnwritten--;
  }

  private seal(): void {
    const batch = this.filling;
    if (batch === undefined) return;
    this.filling = undefined;
    batch.chunk.used = batch.start + batch.length;
    this.segment.used = batch.offset + batch.length;
    this.sealed.push(batch);
  }

  private begin(length: number): Batch {
    // The batch that ends a segment finds room behind the last one with records.
    const needed = batchHeaderBytes + length + (length === 0 ? 0 : batchHeaderBytes);
    if (this.segment.used + needed > this.segment.capacity && this.segment.mayEnd) this.roll();
    return this.beginHere(length);
  }

  private beginHere(length: number): Batch {
    const needed = batchHeaderBytes + length;
    const { batchBytesMax } = this.parts.options;
    const { segment } = this;
    segment.capacity = Math.max(segment.capacity, segment.used + needed);
    const room = segment.capacity - segment.used - batchHeaderBytes;
    const most = Math.max(needed, Math.min(batchBytesMax, room));
    const chunk = this.parts.cache.withRoom(most);
    chunk.batchesUnwritten++;
    this.lastNumber++;
    const batch = new Batch(this.number, segment, chunk);
    batch.flags = this.checkpointFlags;
    this.filling = batch;
    this.fillingEnd = most;
    this.bytesWaiting += batchHeaderBytes;
    return batch;
  }
}
