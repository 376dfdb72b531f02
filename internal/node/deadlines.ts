// When requests that are served here are over, served or not. One timer looks at all of them: each with a timer of its own would
// pay more for it than for most of the rest.

import type { Clock, Scheduler } from "../platform/clock.ts";

/** How much later than its time a request may be told. */
const sweepMilliseconds = 20;

export interface Deadline {
  readonly at: number;
  readonly late: () => void;
}

export class Deadlines {
  private readonly clock: Clock;
  private readonly scheduler: Scheduler;
  private readonly waiting = new Set<Deadline>();
  private isSweepDue = false;

  constructor(clock: Clock, scheduler: Scheduler) {
    this.clock = clock;
    this.scheduler = scheduler;
  }

  /** `late` is called when so much time has passed, unless it was ended before. */
  begin(milliseconds: number, late: () => void): Deadline {
    const made = { at: this.clock.monotonicMilliseconds() + milliseconds, late };
    this.waiting.add(made);
    this.sweepLater();
    return made;
  }

  /** Nothing, when its time was up. */
  end(deadline: Deadline): void {
    this.waiting.delete(deadline);
  }

  private sweepLater(): void {
    if (this.isSweepDue) return;
    this.isSweepDue = true;
    this.scheduler.after(sweepMilliseconds, () => this.sweep());
  }

  private sweep(): void {
    this.isSweepDue = false;
    const now = this.clock.monotonicMilliseconds();
    for (const deadline of this.waiting) {
      if (deadline.at > now) continue;
      this.waiting.delete(deadline);
      deadline.late();
    }
    if (this.waiting.size > 0) this.sweepLater();
  }
}
