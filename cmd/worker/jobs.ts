// Every job that the background worker can run. What is run through Background under a name must be here
// under that name.

import { compactionJob } from "../../internal/engine/compaction/compaction-job.ts";
import { flushJob } from "../../internal/engine/compaction/flush-job.ts";
import { prepareTableJob } from "../../internal/engine/compaction/prepare-table-job.ts";
import { prepareSegmentJob } from "../../internal/log/prepare-job.ts";
import type { AnyJob } from "../../internal/os/worker-loop.ts";

export const jobs: readonly AnyJob[] = [flushJob, compactionJob, prepareTableJob, prepareSegmentJob];
