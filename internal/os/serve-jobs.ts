// Where a worker's script enters: it hands over its list of jobs, and serves them from then on.

import { parentPort, workerData } from "node:worker_threads";
import { assert } from "../base/assert.ts";
import { realJobDisk } from "./real-job-disk.ts";
import { WorkerLoop, type AnyJob } from "./worker-loop.ts";
import type { WorkerStart } from "./worker-messages.ts";

export function serveJobs(jobs: readonly AnyJob[]): void {
  assert(parentPort !== null, "jobs are served in a worker thread");
  const { cells } = workerData as WorkerStart;
  new WorkerLoop({ port: parentPort, cells, jobs, disk: realJobDisk }).serve();
}
