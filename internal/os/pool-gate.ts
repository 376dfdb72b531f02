// Holds back calls of the thread pool, so that the log's never stand behind a crowd. libuv's pool is
// first come, first served: with sixteen reads in it, a commit of the log that takes 0.1 ms alone was
// measured at 24. So at most pool size minus two jobs other than the log's are in the pool; the rest
// wait here, in the order they came.
//
// The gate itself bounds nothing: whoever makes calls has a bound on how many.

import { assert } from "../base/assert.ts";

export class PoolGate {
  private readonly inFlightMax: number;
  private inFlight = 0;
  /** Those that wait, oldest at `head`. */
  private waiting: (() => void)[] = [];
  private head = 0;

  constructor(inFlightMax: number) {
    assert(inFlightMax >= 1, "a gate lets at least one through", { inFlightMax });
    this.inFlightMax = inFlightMax;
  }

  /** True when the caller may go on at once; else it awaits `turn`. Either way it calls `leave` when done. */
  tryEnter(): boolean {
    if (this.inFlight >= this.inFlightMax) return false;
    this.inFlight++;
    return true;
  }

  /** Resolves when the caller's turn has come. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
    });
  }

  leave(): void {
    const next = this.waiting[this.head];
    if (next === undefined) {
      this.inFlight--;
      return;
    }
    this.head++;
    if (this.head === this.waiting.length || this.head === 1024) {
      this.waiting = this.waiting.slice(this.head);
      this.head = 0;
    }
    // The place passes on: inFlight stays.
    next();
  }

  get inFlightCount(): number {
    return this.inFlight;
  }

  get waitingCount(): number {
    return this.waiting.length - this.head;
  }
}
