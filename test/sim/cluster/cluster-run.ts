// One run of a whole cluster, from its seed: nodes start when they like and found it, clients talk to any of them while faults come, then
// everything heals and has to come to rest, then what happened is judged.

import { Prng } from "../../../internal/base/prng.ts";
import { judgeHistory } from "../checkers.ts";
import type { ClientCounts } from "../clients.ts";
import { wholeRun } from "../run-plan.ts";
import type { RunPlan } from "../run-plan.ts";
import type { RunOutcome, RunResult } from "../sim-run.ts";
import { reportOf, expectThat, Violation } from "../violation.ts";
import { Workload } from "../workload.ts";
import { ClusterClient, notOffered } from "./cluster-clients.ts";
import { ClusterFaults } from "./cluster-faults.ts";
import { clusterLimits } from "./cluster-limits.ts";
import type { ClusterLimits } from "./cluster-limits.ts";
import { ClusterWatch } from "./cluster-watch.ts";
import { Histories } from "./histories.ts";
import { checkOnce } from "./once.ts";
import { compareGroups, isAtRest, stateInWords } from "./rest.ts";
import { SimWorld } from "./sim-world.ts";

const healMilliseconds = 60_000;
/** No run takes so long. */
const runMillisecondsMost = 1_000_000;
const startsWithinMilliseconds = [0, 100, 3000] as const;

/** Runs a seed, and tells what came of it. */
export async function tryCluster(seed: number, plan: RunPlan = wholeRun): Promise<RunOutcome> {
  const run = new ClusterRun(seed, plan);
  try {
    return { kind: "done", result: await run.toEnd() };
  } catch (failure) {
    return { kind: "violated", report: reportOf(failure, seed, run.world.time.now), faults: run.faults.made };
  }
}

class ClusterRun {
  readonly world: SimWorld;
  readonly faults: ClusterFaults;
  private readonly seed: number;
  private readonly plan: RunPlan;
  private readonly random: Prng;
  private readonly limits: ClusterLimits;
  private readonly watch: ClusterWatch;
  private readonly histories: Histories;
  private readonly workload: Workload;
  private readonly counts: ClientCounts = { completed: 0, succeeded: 0, refused: 0, unknown: 0 };
  private readonly met = new Map<string, number>();
  private readonly doubts = new Map<string, number>();

  constructor(seed: number, plan: RunPlan) {
    this.seed = seed;
    this.plan = plan;
    this.random = new Prng(seed).split("cluster run");
    const joiner = this.random.split("joiner").chance(1, 3) ? "n9" : undefined;
    this.limits = { ...clusterLimits(this.random.split("limits")), joiner };
    const { trace } = plan;
    this.world = new SimWorld(this.random.split("world"), this.limits, trace);
    this.watch = new ClusterWatch(this.world, trace);
    const { world, watch } = this;
    this.faults = new ClusterFaults({ world, watch, random: this.random.split("faults"), plan });
    this.workload = new Workload(this.random.split("workload"), new Set([...plan.without, ...notOffered]));
    this.histories = new Histories(this.limits.groups, world.time, trace);
  }

  async toEnd(): Promise<RunResult> {
    const { world, random, faults, plan, histories } = this;
    const starts = random.split("starts");
    const within = starts.pick(startsWithinMilliseconds);
    for (const machine of world.machines) world.time.after(starts.between(0, within), () => machine.start());
    const clients = [1, 2, 3, 4, 5].map((id) => this.client(id));
    const work = clients.map((each) => each.work(random.between(50, 400)));
    faults.begin(random.between(300, 2500));
    await this.runTo(plan.faultMilliseconds);
    faults.stop();
    for (const each of clients) each.isStopped = true;
    for (const machine of world.machines) machine.isHeldDown = false;
    await this.healAllButOne(Promise.all(work));
    world.heal();
    plan.trace?.note(world.time.now, "all heals");
    await this.comeToRest(Promise.all(work));
    await this.comeToRest(this.readAll());
    // What is looked at now is looked at outside of time.
    for (const { disk } of world.machines) disk.callMilliseconds = 0;
    await compareGroups(world, this.watch);
    const isKept =
      !world.hasLostDisks && (this.limits.replica.salvageWindowMilliseconds ?? Infinity) > runMillisecondsMost;
    for (const [group, history] of histories.byGroup) {
      const fates = new Map<string, string>();
      if (isKept) {
        for (const { done, told } of history.entries) {
          if (told?.kind !== "done" || done.mode !== "fast") continue;
          fates.set(`${told.version.term}.${told.version.index}`, "committed");
        }
      }
      checkOnce(history);
      const leaders = this.watch.leadersOf(group);
      judgeHistory(history, { clockError: world.clockError + 1, leaders, fates, remembersReads: true });
    }
    return this.result();
  }

  /** Sometimes the rest has to go on without one that stays away, where no other one is missing. */
  private async healAllButOne(work: Promise<unknown>): Promise<void> {
    const { world, faults, random, plan } = this;
    const dead = random.split("heal").pick([...world.machines, undefined, undefined, undefined]);
    if (dead === undefined || !faults.mayLose) return;
    dead.isHeldDown = true;
    dead.crash(undefined);
    world.heal();
    plan.trace?.note(world.time.now, `all but ${dead.id} heals`);
    await this.comeToRest(work);
    await this.comeToRest(this.readAll());
    world.met.note("all but one came to rest");
    dead.isHeldDown = false;
  }

  private async comeToRest(work: Promise<unknown>): Promise<void> {
    const { world, watch } = this;
    let rested = false;
    let failure: Error | undefined;
    work.then(
      () => (rested = true),
      (reason: unknown) => (failure = reason instanceof Error ? reason : new Error(String(reason))),
    );
    const isDone = (): boolean => failure !== undefined || (rested && isAtRest(world, watch));
    await this.runTo(world.time.now + healMilliseconds, isDone);
    if (failure !== undefined) throw failure;
    expectThat(rested, "progress", () => `work that never ends after all healed: ${stateInWords(world, watch)}`);
    if (!isAtRest(world, watch))
      throw new Violation("progress", `all healed and did not come to rest: ${stateInWords(world, watch)}`);
  }

  private async readAll(): Promise<void> {
    const last = this.client(99);
    for (const machine of this.world.machines) {
      if (machine.isHeldDown) continue;
      for (const key of this.histories.keys) await last.readAt(machine, key);
    }
  }

  private client(id: number): ClusterClient {
    const { world, histories, workload, counts, met, doubts } = this;
    const random = this.random.split(`client ${id}`);
    return new ClusterClient({ id, world, histories, workload, random, counts, met, doubts });
  }

  private async runTo(until: number, isDone?: () => boolean): Promise<void> {
    await this.world.time.runTo(until, () => {
      this.watch.check();
      return isDone?.() ?? false;
    });
  }

  private result(): RunResult {
    const { world, faults, watch } = this;
    return {
      ...this.counts,
      seed: this.seed,
      virtualMilliseconds: world.time.now,
      faults: faults.total,
      faultsByKind: faults.counts,
      sightings: world.met.counts,
      leaderChanges: watch.leaderChanges,
      fates: new Map(),
      met: this.met,
      trace: this.traceHash(),
    };
  }

  /** Of everything that was seen: one seed has one. */
  private traceHash(): number {
    let trace = this.world.time.events + 31 * this.watch.epoch;
    for (const { entries } of this.histories.byGroup.values()) {
      for (const { calledAt, returnedAt } of entries) {
        trace = (Math.imul(trace, 31) + Math.floor(calledAt * 100)) | 0;
        if (Number.isFinite(returnedAt)) trace = (Math.imul(trace, 31) + Math.floor(returnedAt * 100)) | 0;
      }
    }
    return trace >>> 0;
  }
}
