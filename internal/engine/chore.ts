// Work that the engine does on its own, step after step, until there is nothing left to do. A step that
// fails for want of space is tried again when there is some; any other failure ends the chore, and the
// trouble that it leaves behind refuses writes. A failed disk ends every chore. A bug ends the process.

import { AssertionFailure } from "../base/assert.ts";
import type { EngineCore } from "./core.ts";
import { troubleFrom } from "./trouble.ts";

export interface ChoreWork {
  /** For the error: "writing a memtable to a table". */
  readonly doing: string;
  /** Free space that makes another try worth while. */
  bytesNeeded(): number;
  /** Does one piece of work; false when there was none. */
  step(): Promise<boolean>;
}

export class Chore {
  private readonly core: EngineCore;
  private readonly work: ChoreWork;
  private woken = false;
  private broken = false;
  private isRunning = false;
  private ended: Promise<void> = Promise.resolve();

  constructor(core: EngineCore, work: ChoreWork) {
    this.core = core;
    this.work = work;
  }

  get busy(): boolean {
    return this.isRunning;
  }

  /** Tells that there may be something to do. */
  wake(): void {
    this.woken = true;
    if (this.isRunning || !this.mayGoOn) return;
    this.isRunning = true;
    this.ended = this.run();
  }

  /** Resolves when no step is running any more. REQUIRES: the core is closing, or nothing wakes the chore. */
  finished(): Promise<void> {
    return this.ended;
  }

  private get mayGoOn(): boolean {
    return !this.broken && !this.core.closing && !this.core.diskFailed;
  }

  private async run(): Promise<void> {
    while (this.woken && this.mayGoOn) {
      this.woken = false;
      try {
        if (await this.work.step()) this.woken = true;
        this.core.settleTrouble(this);
      } catch (failure) {
        if (failure instanceof AssertionFailure) return this.stopProcess(failure);
        // Closing ends running jobs: their failure is no trouble, and the next open removes what they left.
        if (!this.core.closing) await this.endure(failure);
      }
    }
    // In one turn with the last look at `woken`: no call of wake falls between.
    this.isRunning = false;
    this.core.changed();
  }

  /** Nobody awaits this rejection. Where the process goes on all the same, writers are told, and it can be closed. */
  private stopProcess(bug: AssertionFailure): void {
    this.broken = true;
    this.isRunning = false;
    this.core.reportTrouble(this, troubleFrom(bug, this.work.doing, this.core.folder));
    void Promise.reject(bug);
  }

  private async endure(failure: unknown): Promise<void> {
    const trouble = troubleFrom(failure, this.work.doing, this.core.folder);
    this.core.reportTrouble(this, trouble);
    if (trouble.severity !== "passes") {
      this.broken = true;
      return;
    }
    this.woken = true;
    const { disk, scheduler } = this.core.seams;
    while (this.mayGoOn) {
      const timer = scheduler.after(this.core.options.spaceRetryMilliseconds, () => this.core.changed());
      await this.core.whenChanged();
      timer.cancel();
      // A disk that does not even answer this is asked again.
      const free = await disk.freeBytes(this.core.folder).catch(() => 0);
      if (free >= this.work.bytesNeeded()) return;
    }
  }
}
