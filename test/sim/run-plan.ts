// What of a seed is run: all of it, or less, to see what its failure needs. A plan that leaves something out leaves all that is
// drawn for the rest as it is.

import type { Trace } from "./trace.ts";

export interface RunPlan {
  /** For so long faults come and clients work; then all heals. */
  readonly faultMilliseconds: number;
  /** Kinds of faults and features of the workload that are left out. */
  readonly without: ReadonlySet<string>;
  /** Faults that are made, by their numbers, counted from 1 in the order of their moments; undefined: all. */
  readonly faults: ReadonlySet<number> | undefined;
  readonly trace: Trace | undefined;
}

export const wholeRun: RunPlan = {
  faultMilliseconds: 75_000,
  without: new Set(),
  faults: undefined,
  trace: undefined,
};

/** How the command line says it. */
export function flagsOf(plan: RunPlan): string {
  const flags: string[] = [];
  if (plan.faultMilliseconds !== wholeRun.faultMilliseconds) flags.push(`--until ${plan.faultMilliseconds}`);
  if (plan.without.size > 0) flags.push(`--without "${[...plan.without].join(",")}"`);
  if (plan.faults !== undefined) flags.push(`--faults "${[...plan.faults].join(",")}"`);
  return flags.join(" ");
}
