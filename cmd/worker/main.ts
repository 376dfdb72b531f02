// The script of the background worker thread. WorkerBackground starts it by `workerEntry`.

import { serveJobs } from "../../internal/os/serve-jobs.ts";
import { jobs } from "./jobs.ts";

serveJobs(jobs);
