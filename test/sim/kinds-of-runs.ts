// What a seed runs: the replicas of one group, or a whole cluster. Three seeds of four run a group, for it shows most of what can go
// wrong in less time.

import { clusterFaultKinds } from "./cluster/cluster-faults.ts";
import { tryCluster } from "./cluster/cluster-run.ts";
import { clusterSightings } from "./cluster/met.ts";
import { faultKinds } from "./faults.ts";
import type { RunPlan } from "./run-plan.ts";
import { sightingKinds } from "./sightings.ts";
import { trySeed } from "./sim-run.ts";
import type { RunOutcome } from "./sim-run.ts";
import { features } from "./workload.ts";

export type KindOfRun = "group" | "cluster";
export const kindsOfRuns: readonly KindOfRun[] = ["group", "cluster"];

export const kindOf = (seed: number): KindOfRun => (seed % 4 === 0 ? "cluster" : "group");

/** Runs a seed, and tells what came of it. */
export function tryAny(seed: number, plan?: RunPlan): Promise<RunOutcome> {
  return kindOf(seed) === "cluster" ? tryCluster(seed, plan) : trySeed(seed, plan);
}

/** What may be left out of a seed's run, by name. */
export function namesOf(seed: number): readonly string[] {
  return [...(kindOf(seed) === "cluster" ? clusterFaultKinds : faultKinds), ...features];
}

export const allFaultKinds: readonly string[] = [...faultKinds, ...clusterFaultKinds];
export const allSightings: readonly string[] = [...sightingKinds, ...clusterSightings];
