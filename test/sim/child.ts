// Runs seeds of the simulator that campaign.ts sends, one after the other, in a process of its own.

import process from "node:process";
import { tryAny } from "./kinds-of-runs.ts";
import type { RunResult } from "./sim-run.ts";
import type { Report } from "./violation.ts";

/** Either of the two. */
export interface SeedDone {
  readonly result: (Omit<RunResult, keyof SeedCounts> & SeedCounts) | undefined;
  readonly report: Report | undefined;
}

interface SeedCounts {
  readonly faultsByKind: readonly (readonly [string, number])[];
  readonly sightings: readonly (readonly [string, number])[];
  readonly fates: readonly (readonly [string, number])[];
  readonly met: readonly (readonly [string, number])[];
}

process.on("message", (seed: number) => void answer(seed));

async function answer(seed: number): Promise<void> {
  // A run in which nothing is left to happen has to end the process: nothing else keeps it.
  process.channel?.unref();
  const done = await runSeed(seed);
  process.channel?.ref();
  process.send?.(done);
}

async function runSeed(seed: number): Promise<SeedDone> {
  const outcome = await tryAny(seed);
  if (outcome.kind === "violated") return { result: undefined, report: outcome.report };
  const { result } = outcome;
  const { faultsByKind, sightings, fates, met } = result;
  const counts = { faultsByKind: [...faultsByKind], sightings: [...sightings], fates: [...fates], met: [...met] };
  return { result: { ...result, ...counts }, report: undefined };
}
