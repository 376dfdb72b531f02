// A snapshot on its way into this replica: chunks are asked for one after the other, gathered to tables in a folder of their own,
// and when the last has come all of them are taken in at once, under a fresh incarnation. Half of a snapshot is never seen:
// until the switch everything is as before, and what a crash leaves behind is removed at the next start.
//
//   offered -> ask, ask again -> chunk ... chunk -> table ... last chunk -> table -> install (Replica) -> installed
//
// A chunk counts only when it belongs to the snapshot that is wanted and follows the last key that is here. The same snapshot
// may be gone on with from another replica. When the disk has no room, it is given up with all that was written of it, and
// taken when it is offered again.

import { compareBytes } from "../base/bytes.ts";
import { ByteReader } from "../base/codec.ts";
import { TrefoilError } from "../base/errors.ts";
import type { Incarnation, ReplicaId } from "../base/ids.ts";
import { prepareTableJob } from "../engine/compaction/prepare-table-job.ts";
import type { TableFormatOptions } from "../engine/compaction/compaction-job.ts";
import type { PreparedTable } from "../engine/ingest.ts";
import type { Background } from "../platform/background.ts";
import type { Clock } from "../platform/clock.ts";
import type { Disk } from "../platform/disk.ts";
import type { Logger } from "../platform/logger.ts";
import type { SnapshotOffer } from "../raft/types.ts";
import type { ChunkMessage, ChunkRefused, ChunkRequest } from "./messages.ts";
import type { UnderWay } from "./under-way.ts";

export interface SnapshotReceiverParts {
  readonly id: ReplicaId;
  readonly disk: Disk;
  readonly background: Background;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly underWay: UnderWay;
  /** Where tables are prepared: on the engine's file system, and nobody else's. */
  readonly folder: string;
  readonly table: TableFormatOptions;
  readonly tableBytes: number;
  /** A chunk that has not come after so long is asked for again. */
  readonly retryMilliseconds: number;
  reserveIncarnation(): Promise<Incarnation>;
  send(message: ChunkRequest): void;
  /** All of it is here. "installed", or "not_wanted" any more; "failed": to be offered again. */
  install(snapshot: ReceivedSnapshot): Promise<"installed" | "not_wanted" | "failed">;
  installed(): void;
  failed(offer: SnapshotOffer): void;
  onFailure(reason: unknown): void;
}

export interface ReceivedSnapshot {
  readonly offer: SnapshotOffer;
  readonly incarnation: Incarnation;
  readonly tables: readonly PreparedTable[];
}

interface Incoming {
  readonly offer: SnapshotOffer;
  readonly source: ReplicaId;
  /** Reserved when its first chunk has come. */
  incarnation: Incarnation | undefined;
  readonly tables: PreparedTable[];
  chunks: Uint8Array[];
  bytes: number;
  after: Uint8Array;
  askedAt: number;
  /** When it was begun, or moved on last. */
  movedAt: number;
  /** A chunk is being worked on. */
  isBusy: boolean;
}

/** A source that has been silent for so many retries is believed to be gone. */
const retriesMax = 4;

export class SnapshotReceiver {
  private readonly parts: SnapshotReceiverParts;
  private incoming: Incoming | undefined;
  private files = 0;
  private isClosed = false;
  private clearing: Promise<void> = Promise.resolve();
  /** After a failure nothing is begun before this. */
  private pauseUntil = 0;

  constructor(parts: SnapshotReceiverParts) {
    this.parts = parts;
  }

  offered(offer: SnapshotOffer): void {
    const known = this.incoming;
    if (known !== undefined && isSame(offer, known.offer) && !known.isBusy) {
      this.incoming = { ...known, offer, source: offer.from };
      this.ask(this.incoming);
      return;
    }
    // What is on its way from a former leader comes to its end all the same; a source has one snapshot at a time.
    if (known !== undefined && (known.isBusy || (known.source !== offer.from && !this.isStale(known)))) {
      this.parts.failed(offer);
      return;
    }
    const now = this.parts.clock.monotonicMilliseconds();
    if (now < this.pauseUntil) {
      this.parts.failed(offer);
      return;
    }
    if (known !== undefined) this.giveUp(known);
    const after = new Uint8Array(0);
    const made = { offer, source: offer.from, tables: [], chunks: [], bytes: 0, after, askedAt: now, movedAt: now };
    this.incoming = { ...made, incarnation: undefined, isBusy: false };
    this.ask(this.incoming);
  }

  chunk(message: ChunkMessage): void {
    const { incoming } = this;
    if (incoming === undefined || incoming.isBusy || !isOf(message, incoming)) return;
    if (compareBytes(message.after, incoming.after) !== 0) return;
    incoming.isBusy = true;
    incoming.movedAt = this.parts.clock.monotonicMilliseconds();
    this.parts.underWay.add(this.take(incoming, message)).catch((reason: unknown) => this.parts.onFailure(reason));
  }

  /** The source has it no more. */
  refused(message: ChunkRefused): void {
    const { incoming } = this;
    if (incoming === undefined || incoming.isBusy || !isOf(message, incoming)) return;
    this.giveUp(incoming);
  }

  get isReceiving(): boolean {
    return this.incoming !== undefined;
  }

  tick(): void {
    const { incoming, parts } = this;
    if (incoming === undefined || incoming.isBusy) return;
    if (parts.clock.monotonicMilliseconds() - incoming.askedAt < parts.retryMilliseconds) return;
    if (this.isStale(incoming)) this.giveUp(incoming);
    else this.ask(incoming);
  }

  close(): void {
    this.isClosed = true;
    this.incoming = undefined;
  }

  private isStale(incoming: Incoming): boolean {
    const { clock, retryMilliseconds } = this.parts;
    return clock.monotonicMilliseconds() - incoming.movedAt > retriesMax * retryMilliseconds;
  }

  private ask(incoming: Incoming): void {
    incoming.askedAt = this.parts.clock.monotonicMilliseconds();
    const { index, term } = incoming.offer;
    const { id: from } = this.parts;
    this.parts.send({ type: "chunk_request", from, to: incoming.source, index, term, after: incoming.after });
  }

  private async take(incoming: Incoming, message: ChunkMessage): Promise<void> {
    const last = lastKeyOf(message);
    if (last === undefined) {
      this.parts.logger.warn("a chunk of a snapshot is no such thing; it is asked for again", { from: message.from });
    } else if (!(await this.takeGood(incoming, message, last))) {
      return;
    }
    incoming.isBusy = false;
    // When to ask again is for the next tick to say, after a bad one.
    if (last !== undefined && !this.isClosed) this.ask(incoming);
  }

  /** False: that was its end, one way or the other. */
  private async takeGood(incoming: Incoming, message: ChunkMessage, last: Uint8Array): Promise<boolean> {
    const { parts } = this;
    try {
      incoming.incarnation ??= await parts.reserveIncarnation();
      if (message.bytes.length > 0) {
        incoming.chunks.push(message.bytes);
        incoming.bytes += message.bytes.length;
        incoming.after = last;
      }
      const isFull = incoming.bytes >= parts.tableBytes || message.isLast;
      if (isFull && incoming.bytes > 0) await this.writeTable(incoming, incoming.incarnation);
    } catch (reason) {
      // A disk that is full, or fails here, fails nobody else. What has to do with all of the node says so itself.
      const why = reason instanceof Error ? reason.message : String(reason);
      parts.logger.warn("a snapshot could not be written; it will be asked for again", { why });
      this.pause();
      this.giveUp(incoming);
      return false;
    }
    if (this.isClosed) return false;
    if (!message.isLast) return true;
    const { offer, tables, incarnation } = incoming;
    const end = await parts.install({ offer, incarnation, tables });
    if (end === "installed") parts.installed();
    if (this.isClosed) return false;
    if (end === "failed") {
      this.pause();
      parts.failed(offer);
    }
    this.incoming = undefined;
    await this.clear();
    return false;
  }

  private async writeTable(incoming: Incoming, incarnation: Incarnation): Promise<void> {
    const { disk, background, folder, table } = this.parts;
    const path = `${folder}/${String(++this.files).padStart(6, "0")}.table`;
    if (incoming.tables.length === 0) {
      await this.clearing;
      await clearFolder(disk, folder);
    }
    const { chunks } = incoming;
    const meta = await background.run(prepareTableJob, { path, incarnation, chunks, table });
    incoming.tables.push({ path, meta });
    incoming.chunks = [];
    incoming.bytes = 0;
  }

  private pause(): void {
    this.pauseUntil = this.parts.clock.monotonicMilliseconds() + this.parts.retryMilliseconds;
  }

  private giveUp({ offer }: Incoming): void {
    this.incoming = undefined;
    if (this.isClosed) return;
    this.parts.failed(offer);
    void this.parts.underWay.add(this.clear());
  }

  /** What cannot be removed now is removed before the next one is written, or at the next start. */
  private clear(): Promise<void> {
    const { disk, folder, logger } = this.parts;
    this.clearing = this.clearing
      .then(() => clearFolder(disk, folder))
      .catch((reason: unknown) => {
        logger.warn("what is left of a snapshot could not be removed", { folder, reason: String(reason) });
      });
    return this.clearing;
  }
}

/** Removes what an earlier life, or snapshot, left. */
export async function clearFolder(disk: Disk, folder: string): Promise<void> {
  await disk.makeFolder(folder);
  for (const name of await disk.list(folder)) await disk.remove(`${folder}/${name}`);
}

const isSame = (left: SnapshotOffer, right: SnapshotOffer): boolean =>
  left.index === right.index && left.term === right.term;

const isOf = (message: ChunkMessage | ChunkRefused, incoming: Incoming): boolean =>
  message.from === incoming.source && message.index === incoming.offer.index && message.term === incoming.offer.term;

/** The last key of a chunk, or where it was asked behind when it is empty; undefined for what is no chunk. */
function lastKeyOf({ bytes, after }: ChunkMessage): Uint8Array | undefined {
  const reader = new ByteReader(bytes, "a chunk of a snapshot");
  let last = after;
  try {
    while (reader.remaining > 0) {
      const key = reader.block();
      if (compareBytes(key, last) <= 0) return undefined;
      last = key;
      reader.block();
    }
  } catch (reason) {
    if (reason instanceof TrefoilError) return undefined;
    throw reason;
  }
  return last.slice();
}
