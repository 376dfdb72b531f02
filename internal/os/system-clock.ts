// The machine's time and timers.

import { performance } from "node:perf_hooks";
import { wallMillisecondsMax } from "../base/stamp.ts";
import type { Clock, Scheduler, Timer } from "../platform/clock.ts";

/** setTimeout takes 32 bits, signed, and fires at once above. */
const timeoutMillisecondsMax = 0x7fff_ffff;

export const systemClock: Clock = {
  // No stamp can be made of a time outside of these: whatever the machine says, nothing is written that could not be read back.
  wallMilliseconds: () => Math.min(Math.max(1, Date.now()), wallMillisecondsMax),
  monotonicMilliseconds: () => performance.now(),
};

export const systemScheduler: Scheduler = {
  after: (milliseconds, action, idle = false) => new SystemTimer(milliseconds, action, idle),
  afterTurn: (action) => {
    setImmediate(action);
  },
};

class SystemTimer implements Timer {
  private readonly action: () => void;
  private readonly idle: boolean;
  private timeout: NodeJS.Timeout;

  constructor(milliseconds: number, action: () => void, idle: boolean) {
    this.action = action;
    this.idle = idle;
    this.timeout = this.start(Math.max(0, milliseconds));
  }

  cancel(): void {
    clearTimeout(this.timeout);
  }

  private start(milliseconds: number): NodeJS.Timeout {
    const part = Math.min(milliseconds, timeoutMillisecondsMax);
    const left = milliseconds - part;
    const timeout = setTimeout(() => {
      if (left > 0) this.timeout = this.start(left);
      else this.action();
    }, part);
    if (this.idle) timeout.unref();
    return timeout;
  }
}
