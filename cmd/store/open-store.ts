// A store on this machine, put together for programs that use it as a library: the real disk, a worker for background jobs,
// the system's clock.

import { RealDisk } from "../../internal/os/real-disk.ts";
import { systemClock, systemScheduler } from "../../internal/os/system-clock.ts";
import { systemMachine } from "../../internal/os/system-machine.ts";
import { WorkerBackground } from "../../internal/os/worker-background.ts";
import { silentLogger } from "../../internal/platform/logger.ts";
import type { Logger } from "../../internal/platform/logger.ts";
import type { StoreOptions } from "../../internal/store/options.ts";
import { Store } from "../../internal/store/store.ts";
import { workerEntry } from "../worker/entry.ts";

export interface OpenedStore {
  readonly store: Store;
  /** Closes the store, then ends its worker. */
  readonly close: () => Promise<void>;
}

/** Opens the store in a folder, or makes one there. */
export async function openStore(
  folder: string,
  options: Partial<StoreOptions> = {},
  logger: Logger = silentLogger,
): Promise<OpenedStore> {
  const background = new WorkerBackground({ entry: workerEntry });
  const world = { clock: systemClock, scheduler: systemScheduler, machine: systemMachine, logger };
  try {
    const store = await Store.open({ disk: new RealDisk(), background, ...world }, folder, options);
    return {
      store,
      close: async () => {
        try {
          await store.close();
        } finally {
          await background.close();
        }
      },
    };
  } catch (failure) {
    await background.close();
    throw failure;
  }
}
