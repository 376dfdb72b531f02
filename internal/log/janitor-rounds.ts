// When the janitor works: soon after somebody wanted it, one round at a time, and again after a while when
// something could not be done. What it leaves undone only wastes space, so a disk that does not let it is
// told and waited for; whatever else goes wrong in a round ends the log.

import type { Scheduler, Timer } from "../platform/clock.ts";
import { DiskFailure } from "../platform/disk.ts";
import type { Logger } from "../platform/logger.ts";
import type { Janitor } from "./janitor.ts";

export interface RoundsParts {
  readonly janitor: Janitor;
  readonly scheduler: Scheduler;
  readonly logger: Logger | undefined;
  readonly retryMilliseconds: number;
  readonly onFatal: (reason: unknown) => void;
}

export class JanitorRounds {
  private readonly parts: RoundsParts;
  private running: Promise<void> | undefined;
  private isWanted = false;
  private isStopped = false;
  private retry: Timer | undefined;

  constructor(parts: RoundsParts) {
    this.parts = parts;
  }

  want(): void {
    this.isWanted = true;
    if (this.running !== undefined || this.isStopped) return;
    this.running = this.runWhileWanted().finally(() => {
      this.running = undefined;
    });
  }

  /** Begins no round any more, and ends the present one where it next stands. */
  stop(): void {
    this.isStopped = true;
    this.parts.janitor.stop();
    this.retry?.cancel();
  }

  /** Resolves when no round is running. REQUIRES: stopped, and what the round waits for is there or will not come. */
  async ended(): Promise<void> {
    await this.running;
  }

  private async runWhileWanted(): Promise<void> {
    const { janitor, logger, onFatal } = this.parts;
    try {
      await this.endOfTurn();
      while (this.isWanted && !this.isStopped) {
        this.isWanted = false;
        if (!(await janitor.tidy())) this.wantLater();
      }
    } catch (reason) {
      if (this.isStopped) return;
      if (!(reason instanceof DiskFailure)) {
        onFatal(reason);
        return;
      }
      // An entry that was to be carried cannot be read now: its segment stays.
      logger?.warn("an old segment of the log cannot be read", { reason: reason.message });
      this.wantLater();
    }
  }

  private wantLater(): void {
    if (this.isStopped) return;
    this.retry?.cancel();
    this.retry = this.parts.scheduler.after(this.parts.retryMilliseconds, () => this.want());
  }

  private endOfTurn(): Promise<void> {
    return new Promise((resolve) => {
      this.parts.scheduler.afterTurn(resolve);
    });
  }
}
