// The real world for a store, put together as a process would.

import { workerEntry } from "../../cmd/worker/entry.ts";
import { RealDisk } from "../../internal/os/real-disk.ts";
import { systemClock, systemScheduler } from "../../internal/os/system-clock.ts";
import { systemMachine } from "../../internal/os/system-machine.ts";
import { WorkerBackground } from "../../internal/os/worker-background.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import type { StoreSeams } from "../../internal/store/options.ts";

export interface RealSeams extends StoreSeams {
  /** Ends the worker. After the store was closed. */
  close(): Promise<void>;
}

export function realSeams(): RealSeams {
  const background = new WorkerBackground({ entry: workerEntry });
  return {
    disk: new RealDisk(),
    background,
    clock: systemClock,
    scheduler: systemScheduler,
    machine: systemMachine,
    logger: silentLogger,
    close: () => background.close(),
  };
}
