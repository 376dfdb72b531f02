// Snapshots for replicas whose next entry is gone from the log. One is made at a time, of what is applied, and shared by all who
// want one meanwhile; they pull it in sorted chunks, each asking behind the last key that it has, so that a broken
// stream is taken up where it broke, and memory holds one chunk. Until it is given up the engine keeps what it shows
// and the log the entries behind it; it is given up at the latest when this replica's own data is replaced.

import { assert } from "../base/assert.ts";
import { compareBytes } from "../base/bytes.ts";
import { ByteWriter } from "../base/codec.ts";
import type { Incarnation, LogIndex, ReplicaId } from "../base/ids.ts";
import type { Engine } from "../engine/engine.ts";
import type { EngineSnapshot } from "../engine/live-snapshots.ts";
import type { GroupLog, Pin } from "../log/group-log.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import type { SnapshotMark } from "../raft/types.ts";
import type { ChunkMessage, ChunkRefused, ChunkRequest } from "./messages.ts";
import type { UnderWay } from "./under-way.ts";

export interface SnapshotSenderParts {
  readonly id: ReplicaId;
  readonly engine: Engine;
  readonly group: GroupLog;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly chunkBytes: number;
  readonly bytesPerSecond: number;
  /** One with which nobody has come further for so long is given up. */
  readonly idleMilliseconds: number;
  /** The state as it is applied now. */
  present(): { readonly mark: SnapshotMark; readonly incarnation: Incarnation };
  /** False: the replica does not want it any more. */
  offer(to: ReplicaId, mark: SnapshotMark): boolean;
  made(): void;
  withdraw(from: ReplicaId): void;
  readonly underWay: UnderWay;
  send(message: ChunkMessage | ChunkRefused): void;
  onFailure(reason: unknown): void;
}

interface Held {
  /** What was asked for last by each replica whose chunk is not on its way yet. */
  readonly asked: Map<ReplicaId, ChunkRequest>;
  readonly mark: SnapshotMark;
  readonly incarnation: Incarnation;
  readonly at: EngineSnapshot;
  readonly pin: Pin;
  readonly for: Set<ReplicaId>;
  /** The last key behind which each replica has asked: one that cannot keep what it gets asks for the same again and again. */
  readonly furthest: Map<ReplicaId, Uint8Array>;
  /** How far the log of each is that has taken it in. */
  readonly matches: Map<ReplicaId, LogIndex>;
  progressAt: number;
  reading: number;
}

export class SnapshotSender {
  private readonly parts: SnapshotSenderParts;
  private held: Held | undefined;
  /** When the rate permits the next chunk. */
  private nextAt = 0;
  private isClosed = false;

  constructor(parts: SnapshotSenderParts) {
    this.parts = parts;
  }

  wanted(by: ReplicaId): void {
    this.held ??= this.make();
    const { incarnation } = this.parts.present();
    assert(this.held.incarnation === incarnation, "a snapshot of data that is gone", {
      held: this.held.incarnation,
      incarnation,
    });
    if (!this.held.for.has(by)) this.held.progressAt = this.parts.clock.monotonicMilliseconds();
    this.held.for.add(by);
    this.parts.offer(by, this.held.mark);
  }

  requested(request: ChunkRequest): void {
    const { held, parts } = this;
    const { from, index, term } = request;
    if (held === undefined || held.mark.index !== index || held.mark.term !== term) {
      parts.send({ type: "chunk_refused", from: parts.id, to: from, index, term });
      return;
    }
    const now = parts.clock.monotonicMilliseconds();
    if (compareBytes(request.after, held.furthest.get(from) ?? beginning) > 0) {
      held.furthest.set(from, request.after);
      held.progressAt = now;
    }
    const isWaiting = held.asked.has(from);
    held.asked.set(from, request);
    // Asked again, perhaps for the next one, while it waits: one chunk at a time for each.
    if (isWaiting) return;
    const wait = Math.max(0, this.nextAt - now);
    this.charge(parts.chunkBytes, now);
    const answer = (): void => {
      this.answer(held, from).catch((reason: unknown) => parts.onFailure(reason));
    };
    if (wait === 0) answer();
    else parts.scheduler.after(wait, answer);
  }

  /** Gives up what helps nobody: it keeps the log from being compacted, on all replicas. */
  tick(): void {
    const { held, parts } = this;
    if (held === undefined || held.reading > 0) return;
    if (parts.clock.monotonicMilliseconds() - held.progressAt < parts.idleMilliseconds) return;
    this.release();
    for (const to of held.for) parts.withdraw(to);
  }

  /** A replica has taken it in, and has the log behind it up to `match`. */
  catchesUp(by: ReplicaId, match: LogIndex): void {
    const { held } = this;
    if (held === undefined || !held.for.has(by) || match <= (held.matches.get(by) ?? 0)) return;
    held.matches.set(by, match);
    held.progressAt = this.parts.clock.monotonicMilliseconds();
  }

  /** A replica has caught up: nothing is held for it. */
  finished(by: ReplicaId): void {
    const { held } = this;
    if (held === undefined || !held.for.delete(by) || held.for.size > 0 || held.reading > 0) return;
    this.release();
  }

  /**
   * The data that it shows is about to go: an incarnation that is dead is kept for nobody. What is asked for is refused from now
   * on, and what is being read is sent to nobody.
   */
  drop(): void {
    const { held } = this;
    this.held = undefined;
    if (held?.reading === 0) letGo(held);
  }

  /** What is being sent: the log behind it is needed by those who get it. */
  get holding(): LogIndex | undefined {
    return this.held?.mark.index;
  }

  /** What is being read is let go of when that has ended. */
  close(): void {
    this.isClosed = true;
    if (this.held?.reading === 0) this.release();
  }

  private make(): Held {
    const { parts } = this;
    const { mark, incarnation } = parts.present();
    const progressAt = parts.clock.monotonicMilliseconds();
    const pin = parts.group.pin(mark.index);
    parts.made();
    return {
      mark,
      incarnation,
      at: parts.engine.snapshot(),
      pin,
      for: new Set(),
      furthest: new Map(),
      matches: new Map(),
      asked: new Map(),
      progressAt,
      reading: 0,
    };
  }

  private release(): void {
    const { held } = this;
    if (held === undefined) return;
    this.held = undefined;
    letGo(held);
  }

  private async answer(held: Held, to: ReplicaId): Promise<void> {
    if (this.held !== held || this.isClosed) return;
    const { parts } = this;
    held.reading++;
    try {
      const { index, term, after } = held.asked.get(to) as ChunkRequest; // only taken away below
      const { bytes, isLast } = await parts.underWay.add(this.read(held, after));
      // It ends behind a whole record: of a large one there is more than was counted when it was asked for.
      this.charge(Math.max(0, bytes.length - parts.chunkBytes), parts.clock.monotonicMilliseconds());
      if (this.held === held && !this.isClosed)
        parts.send({ type: "chunk", from: parts.id, to, index, term, after, bytes, isLast });
    } finally {
      held.asked.delete(to);
      held.reading--;
      if ((this.isClosed || this.held !== held || held.for.size === 0) && held.reading === 0) {
        if (this.held === held) this.held = undefined;
        letGo(held);
      }
    }
  }

  private charge(bytes: number, now: number): void {
    if (bytes > 0) this.nextAt = Math.max(this.nextAt, now) + (1000 * bytes) / this.parts.bytesPerSecond;
  }

  private async read(held: Held, after: Uint8Array): Promise<{ readonly bytes: Uint8Array; readonly isLast: boolean }> {
    // Behind a key is that key with a byte more.
    const lower = after.length === 0 ? after : Uint8Array.from([...after, 0]);
    const walk = this.parts.engine.iterate(held.incarnation, { lower, snapshot: held.at, tombstones: true });
    const writer = new ByteWriter(this.parts.chunkBytes + 4096);
    try {
      while (writer.size < this.parts.chunkBytes) {
        if (!(await walk.nextLoaded())) return { bytes: writer.finish(), isLast: true };
        const { cellBytes, cellStart, cellEnd } = walk.entry;
        writer.block(walk.key()).block(cellBytes.subarray(cellStart, cellEnd));
      }
      return { bytes: writer.finish(), isLast: false };
    } finally {
      walk.close();
    }
  }
}

/** Before all keys. */
const beginning = new Uint8Array(0);

function letGo({ at, pin }: Held): void {
  at.release();
  pin.release();
}
