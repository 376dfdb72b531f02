// Background work without a thread, for tests: jobs run on the job face of the disk that the test uses,
// step by step between the test's own promises, in an order and with pauses that a seed decides. Input
// and output are cloned as they would be on the way to a worker, so what cannot travel fails here too.
//
// When the power of the disk goes, jobs stop where they are and their promises stay open, as those of a
// process that is no more.

import type { Prng } from "../../internal/base/prng.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import type { Background, Job, JobSteps } from "../../internal/platform/background.ts";
import type { JobDisk } from "../../internal/platform/disk.ts";
import { PowerCut } from "./power-cut.ts";

export interface InlineBackgroundOptions {
  /** Slices jobs and orders their steps. Left out: each job runs to its end at once, in order of arrival. */
  readonly random?: Prng;
  /** Most microtasks between two steps. */
  readonly pauseMax?: number;
  /** What calls the next step. Left out: the microtask queue, after a drawn number of turns. */
  readonly schedule?: (step: () => void) => void;
}

interface Running {
  readonly name: string;
  readonly urgent: boolean;
  /** Takes one step; true when that was the last. */
  step(): boolean;
  fail(reason: unknown): void;
}

export class InlineBackground implements Background {
  /** What limitRate was last told. */
  bytesPerSecond = Number.POSITIVE_INFINITY;
  /** Bytes that jobs said they wrote. */
  bytesWritten = 0;
  /** Jobs that came to an end, by name, in order: for traces. */
  readonly finished: string[] = [];
  /** While true no job takes a step: for tests that need one to be still running. */
  private isHeld = false;

  private readonly disk: JobDisk;
  private readonly random: Prng | undefined;
  private readonly pauseMax: number;
  private readonly schedule: (step: () => void) => void;
  private readonly running: Running[] = [];
  private isPumping = false;
  private isClosed = false;
  private isCut = false;

  constructor(disk: JobDisk, options: InlineBackgroundOptions = {}) {
    this.disk = disk;
    this.random = options.random;
    this.pauseMax = options.pauseMax ?? 8;
    this.schedule = options.schedule ?? ((step) => this.pause(step));
  }

  run<Input, Output>(job: Job<Input, Output>, input: Input): Promise<Output> {
    if (this.isCut) return new Promise(never);
    if (this.isClosed) return Promise.reject(closedError(job.name));
    return new Promise<Output>((resolve, reject) => {
      const clone = structuredClone(input);
      let steps: JobSteps<Output> | undefined;
      this.running.push({
        name: job.name,
        urgent: job.urgent,
        step: () => {
          steps ??= job.run(clone, this.disk);
          const result = steps.next();
          if (result.done !== true) {
            this.bytesWritten += result.value;
            return false;
          }
          const buffers = job.transfers?.(result.value) ?? [];
          resolve(structuredClone(result.value, { transfer: [...buffers] }));
          return true;
        },
        fail: reject,
      });
      this.pump();
    });
  }

  limitRate(bytesPerSecond: number): void {
    this.bytesPerSecond = bytesPerSecond;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    for (const job of this.running.splice(0)) job.fail(closedError(job.name));
  }

  /** How many jobs have begun or wait to. */
  get runningCount(): number {
    return this.running.length;
  }

  /** Lets no job take a step until `resume`. */
  hold(): void {
    this.isHeld = true;
  }

  resume(): void {
    this.isHeld = false;
    this.pump();
  }

  private pump(): void {
    if (this.isPumping || this.isHeld || this.running.length === 0) return;
    this.isPumping = true;
    this.schedule(() => {
      this.isPumping = false;
      if (this.isHeld) return;
      this.stepOne();
      this.pump();
    });
  }

  private stepOne(): void {
    const job = this.choose();
    if (job === undefined) return;
    try {
      // Without a seed a job is one step.
      while (!job.step()) if (this.random !== undefined) return;
      this.finish(job);
    } catch (reason) {
      if (reason instanceof PowerCut) {
        this.isCut = true;
        this.running.length = 0;
        return;
      }
      this.finish(job);
      job.fail(reason);
    }
  }

  /** Urgent jobs before others; among equals the oldest, or one that the seed picks. */
  private choose(): Running | undefined {
    const urgent = this.running.filter((job) => job.urgent);
    const choices = urgent.length > 0 ? urgent : this.running;
    return this.random === undefined || choices.length === 0 ? choices[0] : this.random.pick(choices);
  }

  private finish(job: Running): void {
    this.finished.push(job.name);
    const at = this.running.indexOf(job);
    if (at >= 0) this.running.splice(at, 1);
  }

  private pause(step: () => void): void {
    let left = this.random?.between(0, this.pauseMax) ?? 0;
    const turn = (): void => {
      if (left-- > 0) queueMicrotask(turn);
      else step();
    };
    queueMicrotask(turn);
  }
}

function never(): void {
  // A promise made with this never settles.
}

function closedError(job: string): TrefoilError {
  return new TrefoilError("stopping", `background work has ended; job ${job} was not finished`);
}
