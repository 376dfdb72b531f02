// The inside of the background worker: takes jobs from the main thread and runs them step by step.
//
// After every step it looks for new messages, so an urgent job waits for one step of another at most.
// Urgent jobs take turns among themselves, then the others, as far as the rate limit lets them; under the
// limit the worker sleeps on the wake cell, in pieces, and a message ends the sleep. While there is any
// job it does not go back to its event loop.

import { performance } from "node:perf_hooks";
import { receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import type { Job, JobSteps } from "../platform/background.ts";
import type { JobDisk } from "../platform/disk.ts";
import { packError } from "./error-passing.ts";
import { RateBucket } from "./rate-bucket.ts";
import { loadRate, wakeCell, type EndMessage, type RunMessage } from "./worker-messages.ts";

/** So a lost wake-up, if there were one, costs no more. */
const sleepMillisecondsMax = 5;

export type AnyJob = Job<unknown, unknown>;

interface Running {
  readonly id: number;
  readonly job: AnyJob;
  readonly steps: JobSteps<unknown>;
}

export interface WorkerLoopParts {
  readonly port: MessagePort;
  readonly cells: Int32Array;
  readonly jobs: readonly AnyJob[];
  readonly disk: JobDisk;
}

export class WorkerLoop {
  private readonly port: MessagePort;
  private readonly cells: Int32Array;
  private readonly disk: JobDisk;
  private readonly jobs = new Map<string, AnyJob>();
  /** Each list in the order of turns. */
  private readonly urgent: Running[] = [];
  private readonly others: Running[] = [];
  private readonly bucket = new RateBucket(performance.now());

  constructor(parts: WorkerLoopParts) {
    this.port = parts.port;
    this.cells = parts.cells;
    this.disk = parts.disk;
    for (const job of parts.jobs) {
      assert(!this.jobs.has(job.name), "two jobs of one name", { name: job.name });
      this.jobs.set(job.name, job);
    }
  }

  serve(): void {
    this.port.on("message", (message: RunMessage) => {
      this.begin(message);
      this.work();
    });
  }

  /** Runs until no job is left. */
  private work(): void {
    while (this.urgent.length + this.others.length > 0) {
      const seen = Atomics.load(this.cells, wakeCell);
      this.takeMessages();
      const urgent = this.urgent.shift();
      if (urgent !== undefined) {
        this.step(urgent);
        continue;
      }
      const wait = this.bucket.millisecondsToWait(performance.now(), loadRate(this.cells));
      if (wait > 0) {
        Atomics.wait(this.cells, wakeCell, seen, Math.min(wait, sleepMillisecondsMax));
        continue;
      }
      const other = this.others.shift();
      if (other !== undefined) this.bucket.spend(this.step(other));
    }
  }

  private takeMessages(): void {
    for (;;) {
      const received: { message: RunMessage } | undefined = receiveMessageOnPort(this.port);
      if (received === undefined) return;
      this.begin(received.message);
    }
  }

  private begin({ id, name, input }: RunMessage): void {
    try {
      const job = this.jobs.get(name);
      assert(job !== undefined, "the worker knows no such job", { name });
      this.line(job).push({ id, job, steps: job.run(input, this.disk) });
    } catch (reason) {
      this.answer({ id, error: packError(reason) });
    }
  }

  /** Takes a step and answers how many bytes it wrote; a job that is not at its end goes to the end of its line. */
  private step(running: Running): number {
    const { id, job, steps } = running;
    try {
      const result = steps.next();
      if (result.done !== true) {
        this.line(job).push(running);
        return result.value;
      }
      this.answer({ id, output: result.value }, job.transfers?.(result.value));
    } catch (reason) {
      this.answer({ id, error: packError(reason) });
    }
    return 0;
  }

  private line(job: AnyJob): Running[] {
    return job.urgent ? this.urgent : this.others;
  }

  private answer(message: EndMessage, transfers: readonly ArrayBuffer[] = []): void {
    this.port.postMessage(message, transfers);
  }
}
