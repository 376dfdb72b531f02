// Drives a store with a workload: several writes in flight, and now and then a flush, a compaction, a
// checkpoint, a snapshot. Ends by itself after a number of writes, or with its disk or process.

import type { Prng } from "../../internal/base/prng.ts";
import type { Store } from "../../internal/store/store.ts";
import type { Workload } from "./workload.ts";

export interface DriveOptions {
  readonly random: Prng;
  /** The writes first, first + 1, … are made. */
  readonly first: number;
  readonly count: number;
  readonly inFlightMax: number;
  /** Checkpoints go to `<checkpoints>/<number>`. */
  readonly checkpoints: string;
  /** Before a write is handed to the store. */
  readonly onSend: (number: number) => void;
  /** When its answer came. */
  readonly onAcknowledge: (number: number, durability: "synced" | "buffered") => void;
}

export async function drive(store: Store, workload: Workload, options: DriveOptions): Promise<void> {
  const { random, first, count } = options;
  const batch = store.batch();
  const inFlight = new Set<Promise<void>>();
  let chore: Promise<unknown> = Promise.resolve();
  for (let number = first; number < first + count; number++) {
    options.onSend(number);
    const write = store.write(workload.fill(batch, number)).then(({ durability }) => {
      inFlight.delete(write);
      options.onAcknowledge(number, durability);
    });
    inFlight.add(write);
    if (random.chance(1, 12)) chore = chore.then(() => houseKeep(store, random, `${options.checkpoints}/${number}`));
    const most = random.between(1, options.inFlightMax);
    while (inFlight.size >= most) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  await chore;
}

async function houseKeep(store: Store, random: Prng, checkpoint: string): Promise<void> {
  switch (random.below(5)) {
    case 0:
      return store.flush();
    case 1:
      return store.compact();
    case 2:
      return store.checkpoint(checkpoint);
    case 3:
      return store.settle();
    default: {
      const snapshot = store.snapshot();
      await store.flush();
      snapshot.release();
    }
  }
}
