// Background work for real: one worker thread for all jobs, started by the first one. The thread runs
// WorkerLoop; this side sends jobs, keeps their promises, and starts another worker when one has died.
//
// A worker that dies again and again is not started for ever: after `deathsMax` deaths within a minute,
// jobs fail at once until the minute is over.

import { Worker } from "node:worker_threads";
import { TrefoilError } from "../base/errors.ts";
import { WorkerDied } from "../platform/background.ts";
import type { Background, Job } from "../platform/background.ts";
import type { Clock } from "../platform/clock.ts";
import { unpackError } from "./error-passing.ts";
import { systemClock } from "./system-clock.ts";
import { cellCount, storeRate, wake, type EndMessage, type RunMessage, type WorkerStart } from "./worker-messages.ts";

const deathsMaxDefault = 5;
const deathsWindowMilliseconds = 60_000;

export interface WorkerBackgroundOptions {
  /** The script that the worker runs: it hands its list of jobs to `serveJobs`. */
  readonly entry: URL;
  readonly deathsMax?: number;
  readonly clock?: Clock;
}

interface Waiting {
  readonly name: string;
  resolve(output: unknown): void;
  reject(reason: Error): void;
}

interface LivingWorker {
  readonly thread: Worker;
  readonly waiting: Map<number, Waiting>;
}

export class WorkerBackground implements Background {
  private readonly entry: URL;
  private readonly deathsMax: number;
  private readonly clock: Clock;
  private readonly cells = new Int32Array(new SharedArrayBuffer(cellCount * Int32Array.BYTES_PER_ELEMENT));
  private worker: LivingWorker | undefined;
  private lastId = 0;
  /** Monotonic times of the newest deaths, oldest first. */
  private deaths: number[] = [];
  private lastDeath = "";
  private isClosed = false;

  constructor(options: WorkerBackgroundOptions) {
    this.entry = options.entry;
    this.deathsMax = options.deathsMax ?? deathsMaxDefault;
    this.clock = options.clock ?? systemClock;
  }

  run<Input, Output>(job: Job<Input, Output>, input: Input): Promise<Output> {
    return new Promise<Output>((resolve, reject) => {
      if (this.isClosed) throw closedError(job.name);
      const worker = this.ensureWorker();
      const id = ++this.lastId;
      const message: RunMessage = { id, name: job.name, input };
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.thread.postMessage(message);
      wake(this.cells);
      // The worker's copy of the job decides what the output is; both come from one definition.
      worker.waiting.set(id, { name: job.name, resolve: (output) => resolve(output as Output), reject });
      if (worker.waiting.size === 1) worker.thread.ref();
    });
  }

  limitRate(bytesPerSecond: number): void {
    storeRate(this.cells, bytesPerSecond);
    wake(this.cells);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const worker = this.worker;
    if (worker === undefined) return;
    this.worker = undefined;
    for (const waiting of worker.waiting.values()) waiting.reject(closedError(waiting.name));
    worker.waiting.clear();
    await worker.thread.terminate();
  }

  private ensureWorker(): LivingWorker {
    if (this.worker !== undefined) return this.worker;
    const now = this.clock.monotonicMilliseconds();
    this.deaths = this.deaths.filter((at) => now - at < deathsWindowMilliseconds);
    if (this.deaths.length >= this.deathsMax) {
      const detail = `the background worker died ${this.deaths.length} times within a minute; the next job may come later`;
      throw new WorkerDied(`${detail}. The last time: ${this.lastDeath}`);
    }
    const start: WorkerStart = { cells: this.cells };
    const thread = new Worker(this.entry, { workerData: start });
    const worker: LivingWorker = { thread, waiting: new Map() };
    let reason: Error | undefined;
    thread.on("message", (message: EndMessage) => this.settle(worker, message));
    thread.on("error", (error: Error) => {
      reason = error;
    });
    thread.on("exit", (code) => this.bury(worker, reason ?? new Error(`it exited with code ${code}`)));
    // It lasts while there is a job, and is no reason for the process to last.
    thread.unref();
    this.worker = worker;
    return worker;
  }

  private settle(worker: LivingWorker, message: EndMessage): void {
    const waiting = worker.waiting.get(message.id);
    if (waiting === undefined) return;
    worker.waiting.delete(message.id);
    if (worker.waiting.size === 0) worker.thread.unref();
    if (message.error === undefined) waiting.resolve(message.output);
    else waiting.reject(unpackError(message.error));
  }

  private bury(worker: LivingWorker, reason: Error): void {
    if (this.worker !== worker) return;
    this.worker = undefined;
    this.deaths.push(this.clock.monotonicMilliseconds());
    this.lastDeath = reason.message;
    for (const waiting of worker.waiting.values()) {
      const detail = `the background worker died while it had job ${waiting.name} to do: ${reason.message}`;
      waiting.reject(new WorkerDied(detail, { cause: reason }));
    }
    worker.waiting.clear();
  }
}

function closedError(job: string): TrefoilError {
  return new TrefoilError("stopping", `background work has ended; job ${job} was not finished`);
}
