// The script of the background worker of a process that is to die: the same jobs, on a disk that may end
// the process in the middle of one.

import { getEnvironmentData } from "node:worker_threads";
import { jobs } from "../../cmd/worker/jobs.ts";
import { realJobDisk } from "../../internal/os/real-job-disk.ts";
import { serveJobs } from "../../internal/os/serve-jobs.ts";
import type { AnyJob } from "../../internal/os/worker-loop.ts";
import { Executioner, KillJobDisk } from "./kill-disk.ts";
import type { KillPlan } from "./kill-points.ts";
import { planKey, tell } from "./messages.ts";

const plan = getEnvironmentData(planKey) as KillPlan | undefined;
const executioner = new Executioner(plan, () => tell({ kind: "dying" }));
const disk = new KillJobDisk(realJobDisk, executioner);

/** The job on the deadly disk, which is told whose steps are being taken. */
function deadly(job: AnyJob): AnyJob {
  return {
    ...job,
    *run(input) {
      const steps = job.run(input, disk);
      for (;;) {
        executioner.job = job.name;
        const result = steps.next();
        if (result.done === true) return result.value;
        yield result.value;
      }
    },
  };
}

serveJobs(jobs.map(deadly));
