// Settings of a store that is killed, on which process and judge agree by the seed.

import { Prng } from "../../internal/base/prng.ts";
import type { StoreOptions } from "../../internal/store/options.ts";
import { tinyStore } from "../store/life.ts";
import type { WorkloadOptions } from "../store/workload.ts";

/** Real time passes: what may expire does so at once, or not while the test lasts. */
export const killWorkload: Partial<WorkloadOptions> = { ttls: [1, 30, 3_600_000], valueBytesMax: 2000 };

export function killOptions(seed: number): Partial<StoreOptions> {
  const options = tinyStore(new Prng(seed));
  return { ...options, engine: { ...options.engine, manifestBytesMax: 1024 } };
}
