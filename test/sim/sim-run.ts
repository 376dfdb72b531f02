// One run of the simulator, from its seed: clients work while faults come, then everything heals and has to come to rest, then
// what happened is judged.

import { Prng } from "../../internal/base/prng.ts";
import { Client } from "./clients.ts";
import type { ClientCounts, FastPromise } from "./clients.ts";
import { Faults } from "./faults.ts";
import { History } from "./history.ts";
import { tinyLimits } from "./limits.ts";
import { Invariants } from "./invariants.ts";
import { Membership } from "./membership.ts";
import { compareStates, fatesOf, judge } from "./judge.ts";
import { wholeRun } from "./run-plan.ts";
import type { RunPlan } from "./run-plan.ts";
import { SimCluster } from "./sim-cluster.ts";
import { expectThat, reportOf } from "./violation.ts";
import type { Report } from "./violation.ts";

export interface RunResult extends ClientCounts {
  readonly seed: number;
  readonly virtualMilliseconds: number;
  readonly faults: number;
  readonly faultsByKind: ReadonlyMap<string, number>;
  /** States and paths that were met. */
  readonly sightings: ReadonlyMap<string, number>;
  readonly leaderChanges: number;
  readonly fates: ReadonlyMap<string, number>;
  /** Of everything that was seen: one seed has one. */
  readonly trace: number;
}

const healMilliseconds = 60_000;

export type RunOutcome =
  | { readonly kind: "done"; readonly result: RunResult }
  /** `faults`: the numbers of those that were made. */
  | { readonly kind: "violated"; readonly report: Report; readonly faults: readonly number[] };

/** Runs a seed. Throws what was violated. */
export async function simRun(seed: number, plan: RunPlan = wholeRun): Promise<RunResult> {
  const outcome = await trySeed(seed, plan);
  if (outcome.kind === "done") return outcome.result;
  const { by, what, atMilliseconds } = outcome.report;
  throw new Error(`seed ${seed} violates ${by} at ${atMilliseconds} ms: ${what}`);
}

/** Runs a seed, and tells what came of it. */
export async function trySeed(seed: number, plan: RunPlan = wholeRun): Promise<RunOutcome> {
  const run = new SimRun(seed, plan);
  try {
    return { kind: "done", result: await run.toEnd() };
  } catch (failure) {
    const { time } = run.cluster;
    return { kind: "violated", report: reportOf(failure, seed, time.now), faults: run.faults.made };
  }
}

class SimRun {
  readonly cluster: SimCluster;
  readonly faults: Faults;
  private readonly membership: Membership;
  private readonly seed: number;
  private readonly plan: RunPlan;
  private readonly random: Prng;
  private readonly invariants: Invariants;
  private readonly history = new History();
  private readonly counts: ClientCounts = { completed: 0, succeeded: 0, refused: 0, unknown: 0 };
  private readonly promises: FastPromise[] = [];
  private rested = false;

  constructor(seed: number, plan: RunPlan) {
    this.seed = seed;
    this.plan = plan;
    this.random = new Prng(seed).split("run");
    this.cluster = new SimCluster(seed, tinyLimits(this.random.split("limits")));
    this.invariants = new Invariants(this.cluster);
    this.membership = new Membership(this.cluster, this.random.split("membership"));
    this.faults = new Faults(this.cluster, this.membership, this.random.split("faults"), plan);
  }

  async toEnd(): Promise<RunResult> {
    const { cluster, random, faults, plan, history, promises } = this;
    await cluster.start();
    const clients = [1, 2, 3, 4, 5].map((id) => this.client(id));
    const work = clients.map((each) => each.work(random.between(50, 400)));
    this.membership.begin();
    faults.begin(random.between(300, 2500));
    const probes = random.split("probes");
    if (probes.chance(1, 2)) this.invariants.keys.probe(probes, probes.pick([20, 50, 200]));
    await this.runTo(plan.faultMilliseconds);
    faults.stop();
    for (const each of clients) each.isStopped = true;
    const rest = Promise.all(work).then(() => this.readAll());
    rest.catch(() => undefined);
    await this.heal();
    await rest;
    // What is looked at now is looked at outside of time.
    for (const node of cluster.nodes.values()) node.disk.callMilliseconds = 0;
    await compareStates(cluster);
    const fates = await fatesOf(cluster, promises, (term) => this.invariants.leaderOf(term));
    judge(history);
    return this.result(fates);
  }

  /** Sometimes a majority first, with the rest dead, then all; each has to come to rest in time. */
  private async heal(): Promise<void> {
    const { cluster, membership, random, plan } = this;
    const dead = random.split("heal").pick([...cluster.nodes.values(), undefined, undefined]);
    if (dead !== undefined && membership.mayLose(dead)) {
      dead.isHeldDown = true;
      if (dead.isRunning) dead.crash(undefined);
      cluster.heal();
      plan.trace?.note(cluster.time.now, `all but ${dead.id} heals`);
      await this.comeToRest("a majority", () => isLevel(cluster));
      dead.isHeldDown = false;
      cluster.sightings.note("majority alone came to rest");
    }
    cluster.heal();
    plan.trace?.note(cluster.time.now, "all heals");
    await this.comeToRest("all", () => isLevel(cluster) && membership.isSettled);
  }

  private async comeToRest(who: string, isLevelNow: () => boolean): Promise<void> {
    const { cluster } = this;
    await this.runTo(cluster.time.now + healMilliseconds, () => this.rested && isLevelNow());
    expectThat(this.rested, "progress", () => `work that never ends after ${who} healed: ${levels(cluster)}`);
    expectThat(isLevelNow(), "progress", () => `${who} healed and did not come level: ${levels(cluster)}`);
  }

  private result(fates: ReadonlyMap<string, number>): RunResult {
    const { cluster, faults } = this;
    return {
      ...this.counts,
      seed: this.seed,
      virtualMilliseconds: cluster.time.now,
      faults: faults.total,
      faultsByKind: faults.counts,
      sightings: cluster.sightings.counts,
      leaderChanges: this.invariants.leaderChanges,
      fates,
      trace: traceOf(this.history, cluster),
    };
  }

  private async runTo(until: number, isDone?: () => boolean): Promise<void> {
    await this.cluster.time.runTo(until, () => {
      this.invariants.check();
      this.faults.watch();
      return isDone?.() ?? false;
    });
  }

  private client(id: number): Client {
    const { cluster, history, counts, promises } = this;
    return new Client({ id, cluster, history, random: this.random.split(`client ${id}`), counts, promises });
  }

  private async readAll(): Promise<void> {
    const last = this.client(99);
    for (const key of this.history.keys) await last.readLast(key);
    this.rested = true;
  }
}

function isLevel(cluster: SimCluster): boolean {
  const last = cluster.leader?.replica?.status.last;
  return [...cluster.nodes.values()].every(({ replica, isHeldDown }) => {
    if (isHeldDown) return true;
    return replica !== undefined && replica.appliedIndex === last && !replica.hasSalvage;
  });
}

function levels(cluster: SimCluster): string {
  return Array.from(cluster.nodes.values(), ({ id, replica, isGone, isRunning, isHeldDown }) => {
    if (replica === undefined) {
      if (isGone) return `${id} gone`;
      return `${id} ${isRunning ? "starting" : "down"}${isHeldDown ? " and held there" : ""}`;
    }
    const { role, term: present, last, commit, configuration } = replica.status;
    const { voters, outgoing, learners } = configuration;
    const members = `${voters.join(",")}|${outgoing.join(",")}|${learners.join(",")}`;
    return (
      `${id} ${role} term ${present} last ${last} commit ${commit} applied ${replica.appliedIndex}` +
      ` salvage ${replica.hasSalvage} of ${members}`
    );
  }).join("; ");
}

function traceOf(history: History, cluster: SimCluster): number {
  let trace = cluster.time.events;
  for (const { calledAt, returnedAt } of history.entries) {
    trace = (Math.imul(trace, 31) + Math.floor(calledAt * 100)) | 0;
    if (Number.isFinite(returnedAt)) trace = (Math.imul(trace, 31) + Math.floor(returnedAt * 100)) | 0;
  }
  return trace >>> 0;
}
