// An engine on a disk in memory, with a clock that tests move, for tests of the engine and of what stands on it.

import { Prng } from "../../internal/base/prng.ts";
import type { EngineSeams } from "../../internal/engine/core.ts";
import type { EngineOptions } from "../../internal/engine/options.ts";
import type { Disk } from "../../internal/platform/disk.ts";
import type { Clock, Scheduler, Timer } from "../../internal/platform/clock.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import { InlineBackground } from "../disk/inline-background.ts";

/** Small enough that a few hundred writes meet every level. */
export const tinyOptions: Partial<EngineOptions> = {
  memtableBytes: 64 * 1024,
  memtablesMax: 3,
  blockBytes: 512,
  blockCacheBytes: 16 * 1024,
  openTablesMax: 8,
  tableCacheBytes: 32 * 1024,
  tableBytes: 8 * 1024,
  levelZeroTrigger: 2,
  levelZeroStop: 6,
  levelBaseBytes: 32 * 1024,
  levelFactor: 4,
  manifestBytesMax: 8 * 1024,
  readsNowPerTurn: 2,
};

/** A clock that stands until it is moved; timers fire when it passes them. */
export class ManualTime implements Clock, Scheduler {
  private now = 1_700_000_000_000;
  private timers: { at: number; action: () => void }[] = [];

  wallMilliseconds(): number {
    return this.now;
  }

  monotonicMilliseconds(): number {
    return this.now;
  }

  after(milliseconds: number, action: () => void): Timer {
    const timer = { at: this.now + milliseconds, action };
    this.timers.push(timer);
    return {
      cancel: () => {
        this.timers = this.timers.filter((other) => other !== timer);
      },
    };
  }

  afterTurn(action: () => void): void {
    setImmediate(action);
  }

  advance(milliseconds: number): void {
    this.now += milliseconds;
    const due = this.timers.filter((timer) => timer.at <= this.now);
    this.timers = this.timers.filter((timer) => timer.at > this.now);
    for (const timer of due) timer.action();
  }

  get timersWaiting(): number {
    return this.timers.length;
  }
}

export function seamsOn(disk: Disk, time: ManualTime, seed: number): EngineSeams {
  const background = new InlineBackground(disk.jobs, { random: new Prng(seed) });
  return { disk, background, clock: time, scheduler: time, logger: silentLogger };
}
