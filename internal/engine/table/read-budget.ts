// How many reads may be made synchronously, on the event loop, within one turn. From the page cache such
// a read takes a fifth of what the detour through the pool takes; from a disk that is slow right now it
// would hold up everything. So reads are counted, and timed: a turn has its share of reads and of time, and after
// a slow read there are none for ten times as long as it took, which leaves at most a tenth of the time to those.
//
// The first read of a turn asks for the next turn's share.
//
// A machine with too much to do makes a read look slow now and then, when the thread loses its processor in
// the middle of one. A slow read that is alone among many fast ones is taken for that.

import type { Clock, Scheduler } from "../../platform/clock.ts";

/** A read that takes longer did not come from the page cache, or the machine is busy. */
const slowMilliseconds = 1;
const restFactor = 10;
/** The reads of one turn take this long together, and the last of them may go beyond. */
const turnMilliseconds = 2;
/** A slow read behind at least so many fast ones is forgiven, unless it took longer than a thread is kept waiting. */
const loneAfterReads = 64;
const loneMilliseconds = 20;

export interface ReadBudgetStats {
  taken: number;
  /** Asked for in vain: the turn's share was used up, or a slow read was not long ago. */
  refused: number;
  slow: number;
}

export class ReadBudget {
  readonly stats: ReadBudgetStats = { taken: 0, refused: 0, slow: 0 };
  private readonly readsPerTurn: number;
  private readonly clock: Clock;
  private readonly scheduler: Pick<Scheduler, "afterTurn">;
  private readonly refill = (): void => {
    this.left = this.readsPerTurn;
    this.spentMilliseconds = 0;
  };
  private left: number;
  /** By the reads of this turn. */
  private spentMilliseconds = 0;
  private startedAt = 0;
  private restUntil = -Infinity;
  /** Since the last slow one. */
  private fastReads = 0;

  constructor(readsPerTurn: number, clock: Clock, scheduler: Pick<Scheduler, "afterTurn">) {
    this.readsPerTurn = readsPerTurn;
    this.clock = clock;
    this.scheduler = scheduler;
    this.left = readsPerTurn;
  }

  /** True when one read may be made now. `done` is called behind it, before the next. */
  tryTake(): boolean {
    if (this.left > 0) {
      this.startedAt = this.clock.monotonicMilliseconds();
      if (this.startedAt >= this.restUntil) {
        if (this.left === this.readsPerTurn) this.scheduler.afterTurn(this.refill);
        this.left--;
        this.stats.taken++;
        return true;
      }
    }
    this.stats.refused++;
    return false;
  }

  /** The read that was taken last has ended. */
  done(): void {
    const now = this.clock.monotonicMilliseconds();
    const took = now - this.startedAt;
    this.spentMilliseconds += took;
    if (this.spentMilliseconds >= turnMilliseconds) this.left = 0;
    if (took <= slowMilliseconds) {
      this.fastReads++;
      return;
    }
    const isLone = this.fastReads >= loneAfterReads && took <= loneMilliseconds;
    this.stats.slow++;
    this.fastReads = 0;
    if (!isLone) this.restUntil = now + restFactor * took;
  }
}
