// Hybrid time: the wall clock, but never behind what was stamped or told before. While the wall clock lies behind, it goes on
// at the pace of the monotonic clock: what has expired once does not come back when the machine's clock is set back, and
// what is to expire does. Each stamp is above the last one.

import { TrefoilError } from "../base/errors.ts";
import { stamp, stampOfMilliseconds, stampsPerMillisecond } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Clock } from "../platform/clock.ts";

/** The beginning of the year 2148: a hundred years of a ttl behind it are still a stamp. */
const end = stampOfMilliseconds(5_617_123_200_000);

export class HybridClock {
  private readonly clock: Clock;
  /** The greatest time that was told. */
  private told: Stamp;
  /** Time goes on from here, at the pace of the monotonic clock, until the wall clock is ahead of it. */
  private base: Stamp;
  private baseAt: number;

  /** Stamps begin above `last`. */
  constructor(clock: Clock, last: Stamp) {
    this.clock = clock;
    this.told = this.base = last;
    this.baseAt = clock.monotonicMilliseconds();
  }

  /** A fresh stamp. */
  next(): Stamp {
    const before = this.told;
    const now = this.now();
    this.told = now > before ? now : stamp(before + 1);
    return this.told;
  }

  /** The time for reading: no stamp given so far, and no time told, lies above it. */
  now(): Stamp {
    const { clock } = this;
    const at = clock.monotonicMilliseconds();
    const wall = stampOfMilliseconds(clock.wallMilliseconds());
    if (wall > end) throw beyondEnd(clock.wallMilliseconds());
    let now = Math.floor(this.base + (at - this.baseAt) * stampsPerMillisecond);
    if (wall > now) {
      now = this.base = wall;
      this.baseAt = at;
    }
    if (now > this.told) this.told = stamp(now);
    return this.told;
  }

  /** A stamp was seen: later ones lie above it. */
  observe(seen: Stamp): void {
    if (seen <= this.now()) return;
    this.told = this.base = seen;
    this.baseAt = this.clock.monotonicMilliseconds();
  }
}

function beyondEnd(milliseconds: number): TrefoilError {
  const years = Math.floor(1970 + milliseconds / (365.2425 * 24 * 3600 * 1000));
  return new TrefoilError("internal", `the machine's clock says that it is about the year ${years}: set it right`);
}
