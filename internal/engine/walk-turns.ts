// What walks over records may copy in one turn of the event loop, all of them together. Records that are in memory come without a
// round of it: many walks at once would otherwise go on, one after the other, until all of them are at their end, and nothing else
// would happen meanwhile.
//
//   turn 1: walk a, walk b, share used up     turn 2: walk c, which has waited longest, then a     turn 3: ...

import type { Scheduler } from "../platform/clock.ts";

/** Copied in half a millisecond, about; many small records take some times as long. */
const bytesATurn = 512 * 1024;

interface Waiter {
  readonly bytes: number;
  readonly goOn: () => void;
}

export class WalkTurns {
  private readonly scheduler: Pick<Scheduler, "afterTurn">;
  private readonly waiting: Waiter[] = [];
  private left = bytesATurn;
  private isRefillDue = false;
  private readonly refill = (): void => {
    this.isRefillDue = false;
    this.left = bytesATurn;
    for (let next = this.waiting[0]; next !== undefined && this.left > 0; next = this.waiting[0]) {
      this.waiting.shift();
      this.spend(next.bytes);
      next.goOn();
    }
    if (this.waiting.length > 0) this.refillLater();
  };

  constructor(scheduler: Pick<Scheduler, "afterTurn">) {
    this.scheduler = scheduler;
  }

  /** Undefined: so many bytes may be copied at once; else when it resolves. What is larger than a turn's share has a turn to itself. */
  take(bytes: number): Promise<void> | undefined {
    if (this.left > 0 && this.waiting.length === 0) {
      this.spend(bytes);
      return undefined;
    }
    this.refillLater();
    return new Promise((goOn) => this.waiting.push({ bytes, goOn }));
  }

  private spend(bytes: number): void {
    this.left -= bytes;
    this.refillLater();
  }

  private refillLater(): void {
    if (this.isRefillDue) return;
    this.isRefillDue = true;
    this.scheduler.afterTurn(this.refill);
  }
}
