// Hybrid time: the wall clock, never behind what was stamped before. Each stamp is above the last one.

import { stamp, stampOfMilliseconds } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Clock } from "../platform/clock.ts";

export class HybridClock {
  private readonly clock: Clock;
  private last: Stamp;

  /** Stamps begin above `last`. */
  constructor(clock: Clock, last: Stamp) {
    this.clock = clock;
    this.last = last;
  }

  /** A fresh stamp. */
  next(): Stamp {
    this.last = stamp(Math.max(stampOfMilliseconds(this.clock.wallMilliseconds()), this.last + 1));
    return this.last;
  }

  /** The time for reading: no stamp given so far lies above it. */
  now(): Stamp {
    return stamp(Math.max(stampOfMilliseconds(this.clock.wallMilliseconds()), this.last));
  }

  /** A stamp was seen: later ones lie above it. */
  observe(seen: Stamp): void {
    if (seen > this.last) this.last = seen;
  }
}
