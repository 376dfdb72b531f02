// A snapshot on its way into this replica: chunks are asked for one after the other, gathered to tables in a folder of their own,
// and when the last has come all of them are taken in at once, under a fresh incarnation. Half of a snapshot is never seen:
// until the switch everything is as before, and what a crash leaves behind is removed at the next start.
//
//   offered -> ask, ask again -> chunk ... chunk -> table ... last chunk -> table -> install (Replica) -> installed
//
// A chunk counts only when it belongs to the snapshot that is wanted and follows the last key that is here.

import { compareBytes } from "../base/bytes.ts";
import { ByteReader } from "../base/codec.ts";
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

export interface SnapshotReceiverParts {
  readonly id: ReplicaId;
  readonly disk: Disk;
  readonly background: Background;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Where tables are prepared: on the engine's file system, and nobody else's. */
  readonly folder: string;
  readonly table: TableFormatOptions;
  readonly tableBytes: number;
  /** A chunk that has not come after so long is asked for again. */
  readonly retryMilliseconds: number;
  reserveIncarnation(): Promise<Incarnation>;
  send(message: ChunkRequest): void;
  /** All of it is here. Resolves when it is installed, or was not wanted any more. */
  install(snapshot: ReceivedSnapshot): Promise<void>;
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
  /** A chunk is being worked on. */
  isBusy: boolean;
}

export class SnapshotReceiver {
  private readonly parts: SnapshotReceiverParts;
  private incoming: Incoming | undefined;
  private files = 0;
  private isClosed = false;

  constructor(parts: SnapshotReceiverParts) {
    this.parts = parts;
  }

  offered(offer: SnapshotOffer): void {
    const known = this.incoming;
    if (known?.isBusy === true) {
      // It is being written, or installed: what comes next will be seen when that is done.
      this.parts.failed(offer);
      return;
    }
    if (known !== undefined && known.offer.index === offer.index && known.offer.term === offer.term) {
      this.incoming = { ...known, offer, source: offer.from };
      this.ask(this.incoming);
      return;
    }
    const after = new Uint8Array(0);
    const made = { offer, source: offer.from, tables: [], chunks: [], bytes: 0, after, askedAt: 0 };
    this.incoming = { ...made, incarnation: undefined, isBusy: false };
    this.ask(this.incoming);
  }

  chunk(message: ChunkMessage): void {
    const { incoming } = this;
    if (incoming === undefined || incoming.isBusy || !isOf(message, incoming)) return;
    if (compareBytes(message.after, incoming.after) !== 0) return;
    incoming.isBusy = true;
    this.take(incoming, message).catch((reason: unknown) => {
      this.parts.onFailure(reason);
    });
  }

  /** The source has it no more. */
  refused(message: ChunkRefused): void {
    const { incoming } = this;
    if (incoming === undefined || incoming.isBusy || !isOf(message, incoming)) return;
    this.incoming = undefined;
    this.parts.failed(incoming.offer);
  }

  tick(): void {
    const { incoming, parts } = this;
    if (incoming === undefined || incoming.isBusy) return;
    if (parts.clock.monotonicMilliseconds() - incoming.askedAt >= parts.retryMilliseconds) this.ask(incoming);
  }

  close(): void {
    this.isClosed = true;
    this.incoming = undefined;
  }

  private ask(incoming: Incoming): void {
    incoming.askedAt = this.parts.clock.monotonicMilliseconds();
    const { index, term } = incoming.offer;
    const { id: from } = this.parts;
    this.parts.send({ type: "chunk_request", from, to: incoming.source, index, term, after: incoming.after });
  }

  private async take(incoming: Incoming, message: ChunkMessage): Promise<void> {
    incoming.incarnation ??= await this.parts.reserveIncarnation();
    const { incarnation } = incoming;
    const last = lastKeyOf(message.bytes);
    if (last !== undefined) {
      incoming.chunks.push(message.bytes);
      incoming.bytes += message.bytes.length;
      incoming.after = last;
    }
    const isFull = incoming.bytes >= this.parts.tableBytes || message.isLast;
    if (isFull && incoming.bytes > 0 && !(await this.writeTable(incoming, incarnation))) return;
    if (this.isClosed) return;
    if (message.isLast) {
      const { offer, tables } = incoming;
      await this.parts.install({ offer, incarnation, tables });
      this.incoming = undefined;
      await clearFolder(this.parts.disk, this.parts.folder);
      return;
    }
    incoming.isBusy = false;
    this.ask(incoming);
  }

  /** False: it could not be written, and the snapshot is given up until it is offered again. */
  private async writeTable(incoming: Incoming, incarnation: Incarnation): Promise<boolean> {
    const { disk, background, folder, table, logger } = this.parts;
    const path = `${folder}/${String(++this.files).padStart(6, "0")}.table`;
    const { chunks, offer } = incoming;
    try {
      const meta = await background.run(prepareTableJob, { path, incarnation, chunks, table });
      incoming.tables.push({ path, meta });
      incoming.chunks = [];
      incoming.bytes = 0;
      return true;
    } catch (reason) {
      const why = reason instanceof Error ? reason.message : String(reason);
      logger.warn("a snapshot could not be written; it will be asked for again", { path, why });
      this.incoming = undefined;
      if (!this.isClosed) {
        await clearFolder(disk, folder);
        this.parts.failed(offer);
      }
      return false;
    }
  }
}

/** Removes what an earlier life, or snapshot, left. */
export async function clearFolder(disk: Disk, folder: string): Promise<void> {
  await disk.makeFolder(folder);
  for (const name of await disk.list(folder)) await disk.remove(`${folder}/${name}`);
}

const isOf = (message: ChunkMessage | ChunkRefused, incoming: Incoming): boolean =>
  message.from === incoming.source && message.index === incoming.offer.index && message.term === incoming.offer.term;

function lastKeyOf(bytes: Uint8Array): Uint8Array | undefined {
  const reader = new ByteReader(bytes, "a chunk of a snapshot");
  let last: Uint8Array | undefined;
  while (reader.remaining > 0) {
    last = reader.block();
    reader.block();
  }
  return last?.slice();
}
