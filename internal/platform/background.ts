// Work that must not hold up the event loop. A job is a generator over synchronous files: the real
// runner drives it in a worker thread, the simulator drives the same generator in slices on its
// virtual disk, in an order that its seed decides.

import type { JobDisk } from "./disk.ts";

/**
 * Each `yield` is a place where the job may be held: it names the bytes that it wrote since the last
 * one, which is what the rate limit counts. A job shares no state with its caller but what its
 * input says: plain data that can be cloned, and SharedArrayBuffers that nobody writes any more.
 */
export type JobSteps<Output> = Generator<number, Output, void>;

export interface Job<Input, Output> {
  /** Under this name the worker finds its own copy of `run`. */
  readonly name: string;
  /** An urgent job goes before others at every step, and is not held by the rate limit. */
  readonly urgent: boolean;
  run(input: Input, disk: JobDisk): JobSteps<Output>;
  /** Buffers of the output that are handed over instead of copied; the job must hold no view of them after. */
  transfers?(output: Output): readonly ArrayBuffer[];
}

export interface Background {
  /**
   * Runs a job to its end. Rejects with what the job threw (DiskFailure and TrefoilError arrive as
   * themselves), or with an error that says so when its worker died; the next job gets a new worker.
   */
  run<Input, Output>(job: Job<Input, Output>, input: Input): Promise<Output>;
  /** Bytes per second that jobs which are not urgent may write together, from now on. */
  limitRate(bytesPerSecond: number): void;
  /** Ends at once; running jobs reject. Their half-written files are left for the next open to remove. */
  close(): Promise<void>;
}

/** What `run` rejects with when the job's worker ended under it, or could not be started: another try may work. */
export class WorkerDied extends Error {
  override readonly name = "WorkerDied";
}
