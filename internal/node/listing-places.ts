// The pages of keys that this node puts together at a time: each holds a few pages of its groups, and what their scans read.
//
//   who does not wait   has a place at once, or is refused
//   pages of scans      wait in a queue: who leaves hands his place to the one who has waited longest. Some places they never have, so
//                       that scans without end leave room for the others
//
// Invariant: whoever waits could not have a place.

import { TrefoilError } from "../base/errors.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import { scansMax } from "./requests.ts";
import type { Caller } from "./requests.ts";

const placesMax = 64;
/** Of them at most so many are had by those who wait. */
const ofWaitersMax = 48;

interface Waiter {
  take(): void;
  refuse(failure: TrefoilError): void;
}

export class ListingPlaces {
  private readonly clock: Clock;
  private readonly scheduler: Scheduler;
  private taken = 0;
  private ofWaiters = 0;
  /** In the order in which they came. */
  private readonly queue = new Set<Waiter>();

  constructor(clock: Clock, scheduler: Scheduler) {
    this.clock = clock;
    this.scheduler = scheduler;
  }

  /** Calls `make` when there is a place, which is free again when that has ended. Throws `busy` when there is none, for `mayWait` until his time is up. */
  async run<T>(mayWait: boolean, caller: Caller, make: () => Promise<T>): Promise<T> {
    if (!this.isFree(mayWait)) {
      if (!mayWait || this.queue.size >= scansMax) throw tooMany();
      await this.turn(caller);
    } else this.take(mayWait);
    try {
      return await make();
    } finally {
      this.leave(mayWait);
    }
  }

  /** Nobody is to wait any more. */
  stop(failure: TrefoilError): void {
    for (const waiter of this.queue) waiter.refuse(failure);
  }

  private isFree(mayWait: boolean): boolean {
    return this.taken < placesMax && (!mayWait || this.ofWaiters < ofWaitersMax);
  }

  private take(mayWait: boolean): void {
    this.taken++;
    if (mayWait) this.ofWaiters++;
  }

  private leave(mayWait: boolean): void {
    this.taken--;
    if (mayWait) this.ofWaiters--;
    const [first] = this.queue;
    if (first !== undefined && this.isFree(true)) first.take();
  }

  /** Resolves with a place. */
  private turn({ deadline, signal }: Caller): Promise<void> {
    return new Promise((resolve, reject) => {
      const left = deadline - this.clock.monotonicMilliseconds();
      if (left <= 0 || signal?.aborted === true) return reject(tooMany());
      const end = (): void => {
        this.queue.delete(waiter);
        timer.cancel();
        signal?.removeEventListener("abort", giveUp);
      };
      const waiter: Waiter = {
        take: () => {
          end();
          this.take(true);
          resolve();
        },
        refuse: (failure) => {
          end();
          reject(failure);
        },
      };
      const giveUp = (): void => waiter.refuse(tooMany());
      const timer = this.scheduler.after(left, giveUp);
      signal?.addEventListener("abort", giveUp);
      this.queue.add(waiter);
    });
  }
}

function tooMany(): TrefoilError {
  const detail = `${placesMax} listings are being made by this node; try again a little later, or ask another one`;
  return new TrefoilError("busy", detail);
}
