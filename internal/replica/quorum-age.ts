// For how long a leader may have been without its quorum (rule 10). Ticks do not tell: a process that stood still for an hour
// has seen none of them when it wakes, and answers that were waiting for it look as if they came just now. What counts is when
// the newest round of heartbeats was sent that a quorum has answered; before there is one, when the term began here:
//
//   rounds:  7, sent at 200   8, sent at 230   9, sent at 260     a quorum answered 8: it was there at 230
//
// Nobody who answered a round had given up its leader before; so whoever waits for a leader that went away waits for longer.

import { millisecondsBetween } from "./moment.ts";
import type { Moment } from "./moment.ts";

interface SentRound {
  readonly round: number;
  readonly at: Moment;
}

/** Without a quorum the oldest ones are forgotten: newer ones will be answered when it comes back. */
const roundsMax = 64;

export class QuorumAge {
  private sent: SentRound[] = [];
  private newest = 0;
  private knownAt: Moment;

  constructor(at: Moment) {
    this.knownAt = at;
  }

  /** A term has begun; nothing was sent in it before `at`. */
  newTerm(at: Moment): void {
    this.sent = [];
    this.newest = 0;
    this.knownAt = at;
  }

  isNew(round: number): boolean {
    return round > this.newest;
  }

  /** Rounds up to `round` have begun, and those that are new were sent at `at` or later. */
  began(round: number, at: Moment): void {
    if (!this.isNew(round)) return;
    this.newest = round;
    if (this.sent.length >= roundsMax) this.sent.shift();
    this.sent.push({ round, at });
  }

  /** A quorum has answered a round. */
  confirmed(round: number): void {
    const { sent } = this;
    let answered = 0;
    while (answered < sent.length && (sent[answered] as SentRound).round <= round) answered++;
    for (const { at } of sent.splice(0, answered)) this.knownAt = at;
  }

  milliseconds(now: Moment): number {
    return millisecondsBetween(this.knownAt, now);
  }
}
