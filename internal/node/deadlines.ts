// When requests that are served here are over, served or not. One timer stands for all of them, at the time of the earliest: each with
// a timer of its own would pay more for it than for most of the rest.

import type { Clock, Scheduler, Timer } from "../platform/clock.ts";

export interface Deadline {
  readonly at: number;
  readonly late: () => void;
}

export class Deadlines {
  private readonly clock: Clock;
  private readonly scheduler: Scheduler;
  private readonly waiting = new Set<Deadline>();
  /** No later than the earliest of those that wait. */
  private next: { readonly at: number; readonly timer: Timer } | undefined;

  constructor(clock: Clock, scheduler: Scheduler) {
    this.clock = clock;
    this.scheduler = scheduler;
  }

  /** `late` is called when so much time has passed, unless it was ended before. */
  begin(milliseconds: number, late: () => void): Deadline {
    const made = { at: this.clock.monotonicMilliseconds() + milliseconds, late };
    this.waiting.add(made);
    if (this.next === undefined || made.at < this.next.at) this.wake(made.at, milliseconds);
    return made;
  }

  /** Nothing, when its time was up. */
  end(deadline: Deadline): void {
    this.waiting.delete(deadline);
  }

  private wake(at: number, milliseconds: number): void {
    this.next?.timer.cancel();
    // An idle timer: those that wait were perhaps all ended, and what they wait for keeps a process open by itself.
    this.next = { at, timer: this.scheduler.after(milliseconds, () => this.review(), true) };
  }

  private review(): void {
    this.next = undefined;
    const now = this.clock.monotonicMilliseconds();
    let earliest = Number.POSITIVE_INFINITY;
    for (const deadline of this.waiting) {
      if (deadline.at > now) {
        earliest = Math.min(earliest, deadline.at);
        continue;
      }
      this.waiting.delete(deadline);
      deadline.late();
    }
    if (earliest < Number.POSITIVE_INFINITY) this.wake(earliest, earliest - now);
  }
}
