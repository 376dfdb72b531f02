// One run of the simulator, from its seed: clients work while faults come, then everything heals and has to come to rest, then
// what happened is judged.

import { Prng } from "../../internal/base/prng.ts";
import { Client } from "./clients.ts";
import type { ClientCounts } from "./clients.ts";
import { judgeHistory } from "./checkers.ts";
import { replicaDefaults } from "../../internal/replica/options.ts";
import { FastPromises } from "./fast-promises.ts";
import type { FastPromise } from "./fast-promises.ts";
import { Faults } from "./faults.ts";
import { Filler } from "./filler.ts";
import { Digest } from "./digest.ts";
import { addEntry, entryInWords, History } from "./history.ts";
import { tinyLimits } from "./limits.ts";
import { Invariants } from "./invariants.ts";
import { isLevel, levels } from "./level.ts";
import { Membership } from "./membership.ts";
import { compareStates, settleFates } from "./judge.ts";
import { wholeRun } from "./run-plan.ts";
import type { RunPlan } from "./run-plan.ts";
import { SimCluster } from "./sim-cluster.ts";
import type { SimNodeOptions } from "./sim-node.ts";
import { SlotMover } from "./slot-mover.ts";
import { WatermarkRise } from "./watermark-rise.ts";
import { Workload } from "./workload.ts";
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
  /** What clients did how often, and with what outcome. */
  readonly met: ReadonlyMap<string, number>;
  /** Of what was done and answered, the messages, the faults, the leaders and the fates: one seed has one. */
  readonly trace: number;
}

const healMilliseconds = 60_000;
/** Longer than any call of a disk takes that is not hung. */
const lastCallsMilliseconds = 2000;

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
  private readonly limits: SimNodeOptions;
  private readonly history: History;
  private readonly workload: Workload;
  private readonly met = new Map<string, number>();
  private readonly counts: ClientCounts = { completed: 0, succeeded: 0, refused: 0, unknown: 0 };
  private readonly promises = new FastPromises();

  constructor(seed: number, plan: RunPlan) {
    this.seed = seed;
    this.plan = plan;
    this.random = new Prng(seed).split("run");
    this.limits = tinyLimits(this.random.split("limits"));
    this.cluster = new SimCluster(seed, this.limits);
    this.invariants = new Invariants(this.cluster, {
      promises: this.promises,
      windowMilliseconds: this.windowMilliseconds,
      random: this.random.split("invariants"),
      trace: plan.trace,
    });
    this.membership = new Membership(this.cluster, this.random.split("membership"));
    this.faults = new Faults(this.cluster, this.membership, this.random.split("faults"), plan);
    this.workload = new Workload(this.random.split("workload"), plan.without);
    const { trace } = plan;
    this.history = new History(
      trace && ((entry, isEnd) => trace.note(this.cluster.time.now, `${isEnd ? "" : "asks: "}${entryInWords(entry)}`)),
    );
  }

  async toEnd(): Promise<RunResult> {
    const { cluster, random, faults, plan, invariants } = this;
    await cluster.start();
    const clients = [1, 2, 3, 4, 5].map((id) => this.client(id));
    const work = clients.map((each) => each.work(random.between(50, 400)));
    const filler = new Filler(cluster, random.split("filler"));
    if (this.workload.has("filler")) filler.begin();
    const mover = new SlotMover(cluster, random.split("slots"), plan.trace);
    if (this.workload.has("slots")) mover.begin();
    this.membership.begin();
    faults.begin(random.between(300, 2500));
    const probes = random.split("probes");
    if (probes.chance(1, 2)) this.invariants.keys.probe(probes, probes.pick([20, 50, 200]));
    await this.runTo(plan.faultMilliseconds);
    faults.stop();
    filler.isStopped = true;
    mover.isStopped = true;
    for (const each of clients) each.isStopped = true;
    await this.heal(Promise.all(work));
    await this.endCalls();
    await compareStates(cluster);
    const fates = await settleFates(cluster, this.promises, {
      mayBeLost: (promise) => this.mayBeLost(promise),
      mayBeMissing: ({ node }) => cluster.lostDisks.has(node),
    });
    mover.judge(this.history);
    judgeHistory(this.history, { clockError: invariants.clockError, leaders: invariants.leadersSeen, fates });
    const counts = new Map<string, number>();
    for (const fate of fates.values()) counts.set(fate, (counts.get(fate) ?? 0) + 1);
    return this.result(counts, this.traceOf(fates));
  }

  /** Sometimes a majority first, with the rest dead, then all; each has to come to rest in time. */
  private async heal(work: Promise<unknown>): Promise<void> {
    const { cluster, membership, random, plan } = this;
    const dead = random.split("heal").pick([...cluster.nodes.values(), undefined, undefined]);
    if (dead !== undefined && membership.mayLose(dead)) {
      dead.isHeldDown = true;
      if (dead.isRunning) dead.crash(undefined);
      cluster.heal();
      plan.trace?.note(cluster.time.now, `all but ${dead.id} heals`);
      await this.comeToRest("a majority", work, () => isLevel(cluster));
      await this.comeToRest("a majority", this.readAll(), () => isLevel(cluster));
      dead.isHeldDown = false;
      cluster.sightings.note("majority alone came to rest");
    }
    const isSettled = (): boolean => isLevel(cluster) && membership.isSettled;
    if (this.leaveClockWrong()) {
      await this.comeToRest("all but a clock", this.readAll(), isSettled);
      cluster.sightings.note("all but a clock came to rest");
    }
    cluster.heal();
    plan.trace?.note(cluster.time.now, "all heals");
    await this.comeToRest("all", work, isSettled);
    // When all are level, what was salvaged is there for the last reads.
    await this.comeToRest("all", this.readAll(), isSettled);
    const rise = new WatermarkRise(cluster, this.windowMilliseconds);
    rise.begin();
    // What was written while the watermark's own entry was on its way is left to the idle tick (seed 304365).
    const { idleTickMilliseconds } = { ...replicaDefaults, ...this.limits.replica };
    const until = cluster.time.now + healMilliseconds + idleTickMilliseconds;
    await this.runTo(until, () => rise.isOver && isSettled());
    rise.check();
    await this.comeToRest("all", Promise.resolve(), isSettled);
  }

  /** Sometimes all heals but one clock, whose owner nobody believes, and who believes nobody (rule 1): the others go on without it. */
  private leaveClockWrong(): boolean {
    const { cluster, plan } = this;
    const random = this.random.split("clock that stays wrong");
    const node = random.pick([...cluster.nodes.values()]);
    // Expiry is judged by how far clocks were off at most: with so much, nearly any order would do, and all would have to be tried.
    const expires = this.workload.has("ttl") || this.workload.has("touch");
    if (expires || !random.chance(1, 2)) return false;
    cluster.heal();
    // Who lost his disk, or finds that he cannot trust it, is one that the others have to do without already.
    if ([...cluster.nodes.values()].some(({ isGone, disk }) => isGone || !disk.isIntact)) return false;
    const off = random.between(11_000, 60_000);
    cluster.setClock(node, random.chance(1, 2) ? off : -off);
    plan.trace?.note(cluster.time.now, `all heals but the clock of ${node.id}`);
    return true;
  }

  /** What is looked at behind it is looked at outside of time: calls take none any more, and those under way have come to their end. */
  private async endCalls(): Promise<void> {
    const { cluster, membership } = this;
    const isSettled = (): boolean => isLevel(cluster) && membership.isSettled;
    const isAtRest = (): boolean => {
      // One that was started meanwhile has a disk that takes its time again.
      return isSettled() && [...cluster.nodes.values()].every(({ disk }) => disk.callMilliseconds === 0);
    };
    do {
      await this.comeToRest("all", Promise.resolve(), isSettled);
      for (const node of cluster.nodes.values()) node.disk.callMilliseconds = 0;
      await this.runTo(cluster.time.now + lastCallsMilliseconds);
    } while (!isAtRest());
  }

  private get windowMilliseconds(): number {
    return this.limits.replica.salvageWindowMilliseconds ?? replicaDefaults.salvageWindowMilliseconds;
  }

  /**
   * Its holder has left the group, by whose log the window is over; or a later leader did not hear it for so long, with at least half
   * of the window behind the answer: what is taken later is not promised (rule 10).
   */
  private mayBeLost({ node, version, at }: FastPromise): boolean {
    const { cluster, windowMilliseconds } = this;
    if (windowMilliseconds > cluster.time.now) return false;
    const voters = cluster.leader?.replica?.status.configuration.voters ?? [];
    return (
      !voters.includes(node) ||
      cluster.absences.wasAway(node, version.term, windowMilliseconds, at + windowMilliseconds / 2)
    );
  }

  private async comeToRest(who: string, work: Promise<unknown>, isLevelNow: () => boolean): Promise<void> {
    const { cluster } = this;
    let rested = false;
    const done = work.then(() => {
      rested = true;
    });
    done.catch(() => undefined);
    await this.runTo(cluster.time.now + healMilliseconds, () => rested && isLevelNow());
    expectThat(rested, "progress", () => `work that never ends after ${who} healed: ${levels(cluster)}`);
    await done;
    expectThat(isLevelNow(), "progress", () => `${who} healed and did not come level: ${levels(cluster)}`);
  }

  private result(fates: ReadonlyMap<string, number>, trace: number): RunResult {
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
      met: this.met,
      trace,
    };
  }

  private traceOf(fates: ReadonlyMap<string, string>): number {
    const { cluster, faults, history, invariants } = this;
    const digest = new Digest();
    digest.add(cluster.time.events);
    digest.add(cluster.messages.value);
    for (const entry of history.entries) addEntry(digest, entry);
    for (const number of faults.made) digest.add(number);
    for (const name of faults.counts.keys()) digest.addText(name);
    for (const { term, since, node } of invariants.leadersSeen) digest.add(term).add(node).addTime(since);
    for (const [version, fate] of fates) digest.addText(version).addText(fate);
    return digest.value;
  }

  private async runTo(until: number, isDone?: () => boolean): Promise<void> {
    await this.cluster.time.runTo(until, () => {
      this.invariants.check();
      this.faults.watch();
      return isDone?.() ?? false;
    });
  }

  private client(id: number): Client {
    const { cluster, history, workload, counts, met, promises } = this;
    const random = this.random.split(`client ${id}`);
    const { taken } = this.invariants;
    return new Client({ id, cluster, history, workload, random, counts, met, promises, taken });
  }

  private async readAll(): Promise<void> {
    const last = this.client(99);
    for (const key of this.history.keys) await last.readLast(key);
  }
}
