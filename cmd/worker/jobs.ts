// Every job that the background worker can run. What is run through Background under a name must be here
// under that name.

import type { Job } from "../../internal/platform/background.ts";

export const jobs: readonly Job<unknown, unknown>[] = [];
