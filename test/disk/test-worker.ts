// A worker's script for tests of WorkerBackground.

import { serveJobs } from "../../internal/os/serve-jobs.ts";
import { testJobs } from "./test-jobs.ts";

serveJobs(testJobs);
