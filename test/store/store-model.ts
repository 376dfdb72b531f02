// The store against a sorted map, over long random stories. The test runs it a little, by hand it may run long.

import * as fc from "fast-check";
import { tell } from "./story.ts";
import type { Step, StoryCounts } from "./story.ts";

const seed = fc.nat(1_000_000);
const settings = fc.nat(1000);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 14, arbitrary: fc.record({ do: fc.constant("write" as const), count: fc.integer({ min: 1, max: 30 }) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom("flush" as const, "compact" as const, "settle" as const),
      waits: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("advance" as const),
      milliseconds: fc.constantFrom(1, 60, 3000, 4_000_000),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "view" as const,
        "look" as const,
        "check" as const,
        "inspect" as const,
        "checkpoint" as const,
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("ranges" as const), seed }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("reopen" as const, "kill" as const), settings }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("cut" as const),
      operations: fc.oneof(fc.constant(0), fc.nat(40), fc.nat(400)),
      survival: seed,
      settings,
    }),
  },
);

export interface ModelRun {
  readonly runs: number;
  readonly seed: number;
  readonly stepsMax: number;
}

/** Throws with seed and shortest story when the store is not a sorted map. */
export async function checkStore(run: ModelRun, counts: StoryCounts): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: run.stepsMax, size: "max" }), seed, (steps, of) =>
      tell(steps, of, counts),
    ),
    { numRuns: run.runs, seed: run.seed, endOnFailure: false },
  );
}
