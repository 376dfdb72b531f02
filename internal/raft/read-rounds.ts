// Linearizable reads without a log entry (section 6.4 of the thesis). A read is good once its leader knows that it still was
// the leader when the read came: a quorum has answered a heartbeat that was sent afterwards. All reads that come before
// the next round of heartbeats share it.
//
//   reads come ...... begin() gives round n its number ...... a quorum has answered round n: take(n)
//
// Rounds are counted within one term of one leader, and an answer counts only in its term, so an old one confirms nothing.

import type { LogIndex, ReplicaId } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";

export interface PendingRead {
  /** Who asked, perhaps the leader itself. */
  readonly from: ReplicaId;
  readonly context: number;
  /** What the leader had committed, its last entry, and its time, when the read came. */
  readonly commit: LogIndex;
  readonly last: LogIndex;
  readonly time: Stamp;
}

export class ReadRounds {
  private begun = 0;
  /** Not in a round yet. */
  private waiting: PendingRead[] = [];
  /** In rounds that were begun, oldest first. */
  private rounds: { readonly round: number; readonly reads: readonly PendingRead[] }[] = [];
  private pending = 0;

  get count(): number {
    return this.pending;
  }

  get needsRound(): boolean {
    return this.waiting.length > 0;
  }

  /** The newest round: when a quorum has answered it, every read that came before it began is confirmed. */
  get round(): number {
    return this.begun;
  }

  add(read: PendingRead): void {
    this.waiting.push(read);
    this.pending++;
  }

  /** The number for heartbeats that leave from now on. */
  begin(): number {
    this.begun++;
    if (this.waiting.length > 0) {
      this.rounds.push({ round: this.begun, reads: this.waiting });
      this.waiting = [];
    }
    return this.begun;
  }

  /** The reads that are good when a quorum has answered `confirmed`. */
  take(confirmed: number): PendingRead[] {
    const good: PendingRead[] = [];
    let done = 0;
    for (const { round, reads } of this.rounds) {
      if (round > confirmed) break;
      good.push(...reads);
      done++;
    }
    this.rounds.splice(0, done);
    this.pending -= good.length;
    return good;
  }

  /** All of them: they will not be confirmed. */
  takeAll(): PendingRead[] {
    const all = [...this.rounds.flatMap((round) => round.reads), ...this.waiting];
    this.rounds = [];
    this.waiting = [];
    this.pending = 0;
    return all;
  }
}
