// The two ends of snapshots for one replica: what it sends to others, and what it receives.

import { logIndex } from "../base/ids.ts";
import type { Incarnation, LogIndex, ReplicaId } from "../base/ids.ts";
import type { Raft } from "../raft/raft.ts";
import type { SnapshotMark, SnapshotOffer } from "../raft/types.ts";
import type { ChunkMessage, ChunkRefused, ChunkRequest } from "./messages.ts";
import type { ReplicaParts } from "./replica-parts.ts";
import type { ReplicaNumbers } from "./replica-numbers.ts";
import { SnapshotReceiver } from "./snapshot-receiver.ts";
import type { ReceivedSnapshot } from "./snapshot-receiver.ts";
import { SnapshotSender } from "./snapshot-sender.ts";
import type { UnderWay } from "./under-way.ts";

export interface SnapshotHooks {
  /** The state as it is applied now. */
  present(): { readonly mark: SnapshotMark; readonly incarnation: Incarnation };
  install(snapshot: ReceivedSnapshot): Promise<"installed" | "not_wanted" | "failed">;
  onFailure(reason: unknown): void;
}

export class SnapshotTraffic {
  private readonly raft: Raft;
  private readonly numbers: ReplicaNumbers;
  private readonly sender: SnapshotSender;
  private readonly receiver: SnapshotReceiver;
  /** When it was last asked what may be let go of. */
  private commitBefore = logIndex(0);

  constructor(parts: ReplicaParts, underWay: UnderWay, hooks: SnapshotHooks) {
    const { id, raft, engine, group, seams, options, disk, background, numbers } = parts;
    const { clock, scheduler, logger } = seams;
    const onFailure = (reason: unknown): void => hooks.onFailure(reason);
    this.raft = raft;
    this.numbers = numbers;
    this.sender = new SnapshotSender({
      id,
      engine,
      group,
      clock,
      scheduler,
      underWay,
      chunkBytes: options.chunkBytes,
      bytesPerSecond: options.snapshotBytesPerSecond,
      idleMilliseconds: options.snapshotIdleMilliseconds,
      present: () => hooks.present(),
      offer: (to, mark) => raft.offerSnapshot(to, mark),
      made: () => void numbers.made++,
      withdraw: (from) => raft.withdrawSnapshot(from),
      send: (message) => {
        if (message.type === "chunk") numbers.sentBytes += message.bytes.length;
        seams.send(message);
      },
      onFailure,
    });
    this.receiver = new SnapshotReceiver({
      id,
      disk,
      background,
      clock,
      logger,
      underWay,
      folder: parts.snapshotFolder,
      table: engine.tableFormat,
      tableBytes: options.snapshotTableBytes,
      retryMilliseconds: options.chunkRetryMilliseconds,
      reserveIncarnation: () => engine.reserveIncarnation(),
      send: (message) => seams.send(message),
      install: (snapshot) => hooks.install(snapshot),
      installed: () => void numbers.installed++,
      failed: (offer) => raft.snapshotFailed(offer.index),
      onFailure,
    });
  }

  wanted(by: ReplicaId): void {
    this.sender.wanted(by);
  }

  offered(offer: SnapshotOffer): void {
    this.receiver.offered(offer);
  }

  receive(message: ChunkMessage | ChunkRequest | ChunkRefused): void {
    if (message.type === "chunk") this.chunk(message);
    else if (message.type === "chunk_request") this.sender.requested(message);
    else this.receiver.refused(message);
  }

  private chunk(message: ChunkMessage): void {
    this.numbers.receivedBytes += message.bytes.length;
    this.receiver.chunk(message);
  }

  tick(): void {
    this.sender.tick();
    this.receiver.tick();
  }

  /**
   * To be called now and then. Nothing is held for followers that have caught up: with what was committed when it was called before, for
   * those who keep pace are never quite level. Up to where a snapshot is held, if one is.
   */
  letGo(): LogIndex | undefined {
    const { commitBefore } = this;
    this.commitBefore = this.raft.status.commit;
    if (this.sender.holding === undefined) return undefined;
    for (const { id, state, match } of this.raft.followers()) {
      if (state === "snapshot") continue;
      if (match >= commitBefore) this.sender.finished(id);
      else this.sender.catchesUp(id, match);
    }
    return this.holding;
  }

  get holding(): LogIndex | undefined {
    return this.sender.holding;
  }

  get isReceiving(): boolean {
    return this.receiver.isReceiving;
  }

  /** This replica's data is about to be replaced: nobody gets a snapshot of it any more. */
  drop(): void {
    this.sender.drop();
  }

  close(): void {
    this.sender.close();
    this.receiver.close();
  }
}
