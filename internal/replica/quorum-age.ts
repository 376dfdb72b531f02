// For how long a leader may have been without its quorum (rule 10). Ticks do not tell: a process that stood still for an hour
// has seen none of them when it wakes, and answers that were waiting for it look as if they came just now. What counts is when
// the newest round of heartbeats was sent that a quorum has answered; before there is one, when the term began here:
//
//   rounds:  7, sent at 200   8, sent at 230   9, sent at 260     a quorum answered 8: it was there at 230
//
// Nobody who answered a round had given up its leader before; so whoever waits for a leader that went away waits for longer. And
// who has applied all that the leader's log had by then is no staler than that (rule 15).

import type { Version } from "../engine/cell.ts";
import { millisecondsBetween } from "./moment.ts";
import type { Moment } from "./moment.ts";

/** Where the leader's log ended at `at`, or behind that; a quorum has confirmed since that it led. */
export interface LeaderConfirmed {
  readonly at: Moment;
  readonly last: Version;
}

interface SentRound extends LeaderConfirmed {
  readonly round: number;
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
  began(round: number, at: Moment, last: Version): void {
    if (!this.isNew(round)) return;
    this.newest = round;
    if (this.sent.length >= roundsMax) this.sent.shift();
    this.sent.push({ round, at, last });
  }

  /** A quorum has answered a round. Returns what that confirms, when it is news. */
  confirmed(round: number): LeaderConfirmed | undefined {
    const { sent } = this;
    let answered = 0;
    while (answered < sent.length && (sent[answered] as SentRound).round <= round) answered++;
    const newest = sent.splice(0, answered).at(-1);
    if (newest !== undefined) this.knownAt = newest.at;
    return newest;
  }

  milliseconds(now: Moment): number {
    return millisecondsBetween(this.knownAt, now);
  }
}
