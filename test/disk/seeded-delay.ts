// Keeps each call of a memory disk in flight for a few turns of the microtask queue, as a seed decides: so
// calls overlap and come back out of order, the same way for the same seed.

import type { Prng } from "../../internal/base/prng.ts";

export function seededDelay(random: Prng, turnsMax: number): () => Promise<void> {
  return async () => {
    for (let left = random.between(0, turnsMax); left > 0; left--) await Promise.resolve();
  };
}
