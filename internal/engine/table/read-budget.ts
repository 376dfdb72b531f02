// How many reads may be made synchronously, on the event loop, within one turn. From the page cache such
// a read takes a fifth of what the detour through the pool takes; from a disk that is slow right now it would hold
// up everything. So reads are counted, and timed: after a slow one there are none for a while.

import type { Clock } from "../../platform/clock.ts";

/** A read that takes longer than this did not come from the page cache. */
const slowMilliseconds = 1;
/** How long reads go through the pool after a slow one. */
const restMilliseconds = 100;

export class ReadBudget {
  /** Reads that were refused for want of budget. */
  refused = 0;
  /** Reads that turned out slow. */
  slow = 0;
  private readonly readsPerTurn: number;
  private readonly clock: Clock;
  private left: number;
  private startedAt = 0;
  private restUntil = 0;

  constructor(readsPerTurn: number, clock: Clock) {
    this.readsPerTurn = readsPerTurn;
    this.clock = clock;
    this.left = readsPerTurn;
  }

  /** True when one read may be made now; `done` is to be called behind it. */
  tryTake(): boolean {
    if (this.left === 0) {
      this.refused++;
      return false;
    }
    this.startedAt = this.clock.monotonicMilliseconds();
    if (this.startedAt < this.restUntil) {
      this.refused++;
      return false;
    }
    this.left--;
    return true;
  }

  /** The read that was taken last has ended. */
  done(): void {
    const now = this.clock.monotonicMilliseconds();
    if (now - this.startedAt <= slowMilliseconds) return;
    this.slow++;
    this.restUntil = now + restMilliseconds;
  }

  /** A new turn of the event loop. */
  refill(): void {
    this.left = this.readsPerTurn;
  }

  /** Whether anything was taken in this turn, so that a refill is due. */
  get isTouched(): boolean {
    return this.left !== this.readsPerTurn;
  }
}
