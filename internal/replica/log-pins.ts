// The log that a snapshot on its way will need behind it stays, here and on every other voter (rule 23): whoever leads when it has
// arrived can go on from there. The sender says so again and again; who hears no more of it lets go. When what is kept
// is more than the log may hold, the group slows its writers down to a pace that the log can bear for a while, and the pins
// stay.

import { logIndex } from "../base/ids.ts";
import type { LogIndex, ReplicaId } from "../base/ids.ts";
import type { GroupLog, Pin } from "../log/group-log.ts";
import type { Log } from "../log/log.ts";
import type { ReplicaOptions } from "./options.ts";

interface Kept {
  readonly index: LogIndex;
  readonly pin: Pin;
  until: number;
}

export class LogPins {
  private readonly log: Log;
  private readonly group: GroupLog;
  private readonly milliseconds: number;
  private readonly kept = new Map<ReplicaId, Kept>();
  /** Until when a voter is believed whose log is full. */
  private fullUntil = 0;
  private isFull = false;
  private readonly bytesPerSecond: number;
  /** When the pace of slowed writers permits the next one. */
  private nextAt = 0;

  constructor(
    log: Log,
    group: GroupLog,
    options: Pick<ReplicaOptions, "keepLogMilliseconds" | "slowedBytesPerSecond">,
  ) {
    this.log = log;
    this.group = group;
    this.milliseconds = options.keepLogMilliseconds;
    this.bytesPerSecond = options.slowedBytesPerSecond;
  }

  /** A snapshot up to `index` travels from `sender`. */
  keep(sender: ReplicaId, index: LogIndex, now: number): void {
    const known = this.kept.get(sender);
    const until = now + this.milliseconds;
    if (known?.index === index) {
      known.until = until;
      return;
    }
    known?.pin.release();
    this.kept.set(sender, { index, pin: this.group.pin(index), until });
  }

  /** Now and then. True: what this replica keeps for snapshots is more than its log may hold. */
  review(now: number, isSending: boolean): boolean {
    for (const [sender, { pin, until }] of this.kept) {
      if (now < until) continue;
      pin.release();
      this.kept.delete(sender);
    }
    const isKeeping = isSending || this.kept.size > 0;
    this.isFull = isKeeping && this.log.stats().bytesOverBound > 0;
    return this.isFull;
  }

  /**
   * Of `index`, what may be let go of while it keeps: what is let go of stays so, though entries stay as long as they are pinned, and
   * who has just taken a snapshot in needs all that came behind it.
   */
  atMost(index: LogIndex): LogIndex {
    let least: number = index;
    for (const kept of this.kept.values()) least = Math.min(least, kept.index);
    return logIndex(least);
  }

  /** A voter says that its log is full of what it keeps. */
  fullElsewhere(now: number): void {
    this.fullUntil = now + this.milliseconds;
  }

  /** Whether the next writer has to wait. */
  isPressed(now: number): boolean {
    return this.isSlow(now) && now < this.nextAt;
  }

  /** An entry of so many bytes was taken. */
  took(bytes: number, now: number): void {
    if (this.isSlow(now)) this.nextAt = Math.max(this.nextAt, now) + (1000 * bytes) / this.bytesPerSecond;
  }

  private isSlow(now: number): boolean {
    return this.isFull || now < this.fullUntil;
  }

  close(): void {
    for (const { pin } of this.kept.values()) pin.release();
    this.kept.clear();
  }
}
