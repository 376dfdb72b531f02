// The pages of keys that this node puts together at a time: each holds a few pages of its groups, and what their scans read. One whose
// groups may have large records, each its own, takes several places: what all may hold together is bounded.
//
//   who does not wait   has a place at once, or is refused
//   pages of scans      wait in a queue: who leaves hands his place to the one who has waited longest. Some places they never have, so
//                       that scans without end leave room for the others
//
// Invariant: whoever waits longest could not have his places.

import { TrefoilError } from "../base/errors.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import { scansMax } from "./requests.ts";
import type { Caller } from "./requests.ts";

const placesMax = 64;
/** Of them at most so many are had by those who wait. */
const ofWaitersMax = 48;
/** What one place is for: a page from four groups with records of the usual largest size. */
const bytesAPlace = 6 * 1024 * 1024;

/** For a page that may hold so many bytes while it is put together. Nobody needs more than there are. */
export const placesFor = (bytes: number): number => Math.min(ofWaitersMax, Math.ceil(bytes / bytesAPlace));

export interface Wish {
  readonly places: number;
  readonly mayWait: boolean;
}

interface Waiter {
  readonly places: number;
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

  /** Calls `make` when there are places, which are free again when that has ended. Throws `busy` when there are none, for who may wait when his time is up. */
  async run<T>(wish: Wish, caller: Caller, make: () => Promise<T>): Promise<T> {
    if (this.isFree(wish) && !(wish.mayWait && this.queue.size > 0)) this.take(wish);
    else {
      if (!wish.mayWait || this.queue.size >= scansMax) throw tooMany();
      await this.turn(wish, caller);
    }
    try {
      return await make();
    } finally {
      this.leave(wish);
    }
  }

  /** Nobody is to wait any more. */
  stop(failure: TrefoilError): void {
    for (const waiter of this.queue) waiter.refuse(failure);
  }

  private isFree({ places, mayWait }: Wish): boolean {
    return this.taken + places <= placesMax && (!mayWait || this.ofWaiters + places <= ofWaitersMax);
  }

  private take({ places, mayWait }: Wish): void {
    this.taken += places;
    if (mayWait) this.ofWaiters += places;
  }

  private leave({ places, mayWait }: Wish): void {
    this.taken -= places;
    if (mayWait) this.ofWaiters -= places;
    for (const waiter of this.queue) {
      if (!this.isFree({ places: waiter.places, mayWait: true })) return;
      waiter.take();
    }
  }

  /** Resolves with the places. */
  private turn(wish: Wish, { deadline, signal }: Caller): Promise<void> {
    return new Promise((resolve, reject) => {
      const left = deadline - this.clock.monotonicMilliseconds();
      if (left <= 0 || signal?.aborted === true) return reject(tooMany());
      const end = (): void => {
        this.queue.delete(waiter);
        timer.cancel();
        signal?.removeEventListener("abort", giveUp);
      };
      const waiter: Waiter = {
        places: wish.places,
        take: () => {
          end();
          this.take(wish);
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
  const detail =
    "as many listings as this node makes at a time are under way; try again a little later, or ask another one";
  return new TrefoilError("busy", detail);
}
