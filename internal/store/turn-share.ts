// Answers from memory come without a round of the event loop, so whoever awaits one after the other would keep everything
// else from running, the store's own log included. A turn has its share of them; the next one waits for the next turn.

import type { Scheduler } from "../platform/clock.ts";

/** Some tenths of a millisecond of reading. */
const answersPerTurn = 1024;

export class TurnShare {
  private readonly scheduler: Pick<Scheduler, "afterTurn">;
  private left = answersPerTurn;
  private readonly refill = (): void => {
    this.left = answersPerTurn;
  };

  constructor(scheduler: Pick<Scheduler, "afterTurn">) {
    this.scheduler = scheduler;
  }

  /** Whether one more may be given in this turn; if not, `nextTurn` comes first. */
  take(): boolean {
    if (this.left === answersPerTurn) this.scheduler.afterTurn(this.refill);
    if (this.left === 0) return false;
    this.left--;
    return true;
  }

  nextTurn(): Promise<void> {
    return new Promise((resolve) => this.scheduler.afterTurn(resolve));
  }
}
