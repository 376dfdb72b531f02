// Runs seeds of the simulator that main.ts sends, one after the other, in a process of its own.

import process from "node:process";
import { simRun } from "./sim-run.ts";
import type { RunResult } from "./sim-run.ts";

export interface SeedDone {
  readonly seed: number;
  readonly result: (Omit<RunResult, "faultsByKind" | "fates"> & SeedCounts) | undefined;
  readonly violation: string | undefined;
}

interface SeedCounts {
  readonly faultsByKind: readonly (readonly [string, number])[];
  readonly fates: readonly (readonly [string, number])[];
}

process.on("message", (seed: number) => void answer(seed));

async function answer(seed: number): Promise<void> {
  process.send?.(await runSeed(seed));
}

async function runSeed(seed: number): Promise<SeedDone> {
  try {
    const result = await simRun(seed);
    const counts = { faultsByKind: [...result.faultsByKind], fates: [...result.fates] };
    return { seed, result: { ...result, ...counts }, violation: undefined };
  } catch (failure) {
    return { seed, result: undefined, violation: told(failure) };
  }
}

function told(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  const cause = failure.cause === undefined ? "" : `\n  because ${told(failure.cause)}`;
  return `${failure.stack ?? failure.message}${cause}`;
}
