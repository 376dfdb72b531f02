// What a leader knows of one follower, and how it sends to it:
//
//   probe      where the logs agree is not known: one append at a time, then wait for its answer; when it has to be
//              repeated, because nothing is heard of it, without its entries, which may be many bytes. Only its own answer ends it;
//              that of a repetition cannot be told from older ones, so one append at a time goes on until the follower has more
//   replicate  appends follow one another without waiting, up to a window of messages and bytes
//   snapshot   what it needs next is gone from the log: it fetches a snapshot; nothing is appended meanwhile
//
//      probe <--- rejected, or silent ---> replicate        snapshot ---> probe (when it has caught up)
//
// `match` only grows, and only by what the follower said it has durably: never by what its log may hold beside.

import { assert } from "../base/assert.ts";
import { logIndex } from "../base/ids.ts";
import type { LogIndex, ReplicaId } from "../base/ids.ts";
import type { SnapshotMark } from "./types.ts";

export interface Window {
  readonly messagesMax: number;
  readonly bytesMax: number;
}

/** Appends that were sent and not answered: the last index and the bytes of each, oldest first. */
export class InFlight {
  private readonly window: Window;
  private readonly lasts: Float64Array;
  private readonly sizes: Float64Array;
  private start = 0;
  private count = 0;
  private bytes = 0;

  constructor(window: Window) {
    this.window = window;
    this.lasts = new Float64Array(window.messagesMax);
    this.sizes = new Float64Array(window.messagesMax);
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  get isFull(): boolean {
    return this.count === this.window.messagesMax || this.bytes >= this.window.bytesMax;
  }

  add(last: LogIndex, bytes: number): void {
    assert(!this.isFull, "an append outside of the window");
    const at = (this.start + this.count) % this.window.messagesMax;
    this.lasts[at] = last;
    this.sizes[at] = bytes;
    this.count++;
    this.bytes += bytes;
  }

  /** Everything up to `index` has arrived. */
  freeTo(index: LogIndex): void {
    while (this.count > 0 && (this.lasts[this.start] as number) <= index) {
      this.bytes -= this.sizes[this.start] as number;
      this.start = (this.start + 1) % this.window.messagesMax;
      this.count--;
    }
  }

  clear(): void {
    this.count = 0;
    this.bytes = 0;
  }

  /** What is on its way ends behind `match` and before `next`, and grows. */
  checkInvariants(match: LogIndex, next: LogIndex): void {
    let before: number = match;
    for (let at = 0; at < this.count; at++) {
      const last = this.lasts[(this.start + at) % this.window.messagesMax] as number;
      assert(last > before && last < next, "an append on its way out of order", { last, before, next });
      before = last;
    }
  }
}

export type ProgressState = "probe" | "replicate" | "snapshot";

export class Progress {
  readonly id: ReplicaId;
  readonly inFlight: InFlight;
  state: ProgressState = "probe";
  match = logIndex(0);
  next: LogIndex;
  /** The leader's tick when it was heard last, or when the term began, if it was there then; undefined: not heard yet. */
  heardAt: number | undefined;
  /** The last read round that it has answered. */
  round = 0;
  /** As it said last, with its match or later. */
  hasSalvage = false;
  /** The newest read round when its match last grew. */
  matchRound = 0;
  /** It refused entries for their stamps, and has taken nothing new since. */
  refusesStamps = false;
  /** When it did so last. */
  stampsRefusedAt: number | undefined;
  /** The highest commit index that it was told in an append. */
  commitTold = logIndex(0);
  /** In probe: an append is on its way. */
  isProbeSent = false;
  /** In probe: what its answer acknowledges; undefined: none has left for where it is tried now. */
  probeLast: LogIndex | undefined;
  /** In probe: entries were sent with the last one, which may be on their way yet. */
  isProbeRepeated = false;
  /** A probe was repeated since match grew last: one append at a time. */
  isCareful = false;
  /** The entries that it needs next are being loaded. */
  isLoading = false;
  /** In replicate: when an answer came last, or an append was sent while none was on its way. */
  movedAt = 0;
  /** In snapshot: what was offered, and when, once the driver has made one. */
  offered: { readonly mark: SnapshotMark; at: number } | undefined;

  constructor(id: ReplicaId, next: LogIndex, window: Window) {
    this.id = id;
    this.next = next;
    this.inFlight = new InFlight(window);
  }

  get maySend(): boolean {
    if (this.isLoading) return false;
    if ((this.refusesStamps || this.isCareful) && !this.inFlight.isEmpty) return false;
    if (this.state === "probe") return !this.isProbeSent;
    return this.state === "replicate" && !this.inFlight.isFull;
  }

  becomeProbe(): void {
    this.state = "probe";
    this.isProbeSent = false;
    this.probeLast = undefined;
    this.isProbeRepeated = false;
    this.offered = undefined;
    this.inFlight.clear();
    this.next = logIndex(this.match + 1);
  }

  becomeReplicate(): void {
    this.state = "replicate";
    this.offered = undefined;
    this.inFlight.clear();
    this.next = logIndex(this.match + 1);
  }

  becomeSnapshot(): void {
    this.state = "snapshot";
    this.offered = undefined;
    this.inFlight.clear();
  }

  /** The log agrees with the leader's up to `index`. An old answer changes nothing. */
  accepted(index: LogIndex): void {
    if (index > this.match) {
      this.match = index;
      this.isCareful = false;
    }
    if (this.next <= this.match) this.next = logIndex(this.match + 1);
    if (this.state === "replicate") this.inFlight.freeTo(index);
    // What says less than the probe's own answer will is of an append from before: were it taken for that, all that is on its way would be
    // sent again, and each of the answers to that might be taken so.
    if (this.state === "probe" && this.probeLast !== undefined && index >= this.probeLast) this.becomeReplicate();
  }

  /** An append behind `rejected` was refused; `retry` is where to try next. False: the answer is an old one. */
  rejected(rejected: LogIndex, retry: LogIndex): boolean {
    if (rejected <= this.match) return false;
    if (this.state === "replicate") {
      this.becomeProbe();
    } else if (this.state === "snapshot" || this.next !== rejected + 1) {
      return false;
    }
    this.next = logIndex(Math.max(Math.min(rejected, retry), this.match + 1));
    this.isProbeSent = false;
    this.probeLast = undefined;
    this.isProbeRepeated = false;
    return true;
  }

  /** It is heard, and not of the probe: one of both was lost, or its disk is slow. */
  repeatProbe(): void {
    if (this.state !== "probe" || !this.isProbeSent) return;
    this.isProbeSent = false;
    this.isProbeRepeated = true;
    this.isCareful = true;
  }
}
