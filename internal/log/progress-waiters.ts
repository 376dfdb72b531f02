// Promises about the progress of the log, for those who want one: shared by all who wait for the same
// batch. Who serves many waiters uses Log.onProgress instead.

import type { BatchNumber } from "./batch-stager.ts";

export interface Progress {
  readonly written: BatchNumber;
  readonly durable: BatchNumber;
  readonly failure: Error | undefined;
}

interface Waiter {
  readonly number: number;
  readonly promise: Promise<void>;
  resolve(): void;
  reject(reason: Error): void;
}

export class ProgressWaiters {
  private readonly progress: Progress;
  private writtenWaiters: Waiter[] = [];
  private durableWaiters: Waiter[] = [];
  private moveWaiter: Waiter | undefined;
  private ended: Error | undefined;

  constructor(progress: Progress) {
    this.progress = progress;
  }

  async whenWritten(number: BatchNumber): Promise<void> {
    if (this.progress.written < number) await this.join(this.writtenWaiters, number);
  }

  async whenDurable(number: BatchNumber): Promise<void> {
    if (this.progress.durable < number) await this.join(this.durableWaiters, number);
  }

  /** Until something has moved. */
  async whenMoved(): Promise<void> {
    const over = this.progress.failure ?? this.ended;
    if (over !== undefined) throw over;
    this.moveWaiter ??= newWaiter(0);
    await this.moveWaiter.promise;
  }

  moved(): void {
    const { failure, written, durable } = this.progress;
    if (failure !== undefined) {
      this.end(failure);
      return;
    }
    this.writtenWaiters = settle(this.writtenWaiters, written);
    this.durableWaiters = settle(this.durableWaiters, durable);
    this.moveWaiter?.resolve();
    this.moveWaiter = undefined;
  }

  /** Nothing will move any more. */
  end(reason: Error): void {
    this.ended ??= reason;
    for (const waiter of [...this.writtenWaiters, ...this.durableWaiters]) waiter.reject(reason);
    this.writtenWaiters = [];
    this.durableWaiters = [];
    this.moveWaiter?.reject(reason);
    this.moveWaiter = undefined;
  }

  private join(waiters: Waiter[], number: number): Promise<void> {
    const over = this.progress.failure ?? this.ended;
    if (over !== undefined) return Promise.reject(over);
    const present = waiters.findLast((waiter) => waiter.number === number);
    if (present !== undefined) return present.promise;
    const waiter = newWaiter(number);
    waiters.push(waiter);
    return waiter.promise;
  }
}

function newWaiter(number: number): Waiter {
  let settleWith: { resolve: () => void; reject: (reason: Error) => void } | undefined;
  const promise = new Promise<void>((resolve, reject) => {
    settleWith = { resolve, reject };
  });
  return {
    number,
    promise,
    resolve: () => settleWith?.resolve(),
    reject: (reason) => settleWith?.reject(reason),
  };
}

function settle(waiters: Waiter[], reached: number): Waiter[] {
  const left: Waiter[] = [];
  for (const waiter of waiters) {
    if (waiter.number <= reached) waiter.resolve();
    else left.push(waiter);
  }
  return left;
}
