// A moment by both clocks. The monotonic one stands still while a machine is suspended, and the wall clock jumps: what has to be
// an upper bound of the time that passed is the greater of the two differences.

import type { Clock } from "../platform/clock.ts";

export interface Moment {
  readonly monotonic: number;
  readonly wall: number;
}

export function momentOf(clock: Clock): Moment {
  return { monotonic: clock.monotonicMilliseconds(), wall: clock.wallMilliseconds() };
}

/** At most so many milliseconds went by. */
export function millisecondsBetween(earlier: Moment, later: Moment): number {
  return Math.max(0, later.monotonic - earlier.monotonic, later.wall - earlier.wall);
}
