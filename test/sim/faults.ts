// What goes wrong in a simulated run, and when. Each seed switches on some kinds of faults only, for faults that always come
// together hide each other; and some are aimed: at the leader, and at one that has just been elected.

import { unreachable } from "../../internal/base/assert.ts";
import type { Prng } from "../../internal/base/prng.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import { randomSurvival } from "../disk/power-cut.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { RunPlan } from "./run-plan.ts";
import type { SimNode } from "./sim-node.ts";

export const faultKinds = [
  "crash leader",
  "crash new leader",
  "crash any",
  "crash all",
  "kill",
  "cut leader off",
  "cut one way",
  "cut pair",
  "lose messages",
  "slow network",
  "pause",
  "slow disk",
  "clock",
  "connection lost",
  "transfer",
  "flush",
] as const;
export type FaultKind = (typeof faultKinds)[number];

export class Faults {
  readonly counts = new Map<FaultKind, number>();
  private readonly cluster: SimCluster;
  private readonly plan: RunPlan;
  /** Which faults come, and when. */
  private readonly schedule: Prng;
  /** Of the present fault alone: leaving one out changes nothing in the others. */
  private random: Prng;
  private readonly elections: Prng;
  private readonly kinds: readonly FaultKind[];
  private number = 0;
  private isStopped = false;
  private lastTerm = 0;

  constructor(cluster: SimCluster, random: Prng, plan: RunPlan) {
    this.cluster = cluster;
    this.plan = plan;
    this.schedule = random.split("schedule");
    this.elections = random.split("elections");
    this.random = random;
    const chosen = faultKinds.filter(() => random.chance(2, 5));
    this.kinds = chosen.length === 0 ? ["crash leader"] : chosen;
  }

  get total(): number {
    return Array.from(this.counts.values()).reduce((sum, count) => sum + count, 0);
  }

  /** Faults from time to time, until stop. */
  begin(everyMilliseconds: number): void {
    this.next(everyMilliseconds);
  }

  /** The numbers of the faults that were made. */
  readonly made: number[] = [];

  private next(everyMilliseconds: number): void {
    this.cluster.time.after(this.schedule.between(1, 2 * everyMilliseconds), () => {
      if (this.isStopped) return;
      const kind = this.schedule.pick(this.kinds);
      this.try(kind, () => this.make(kind));
      this.next(everyMilliseconds);
    });
  }

  /** Makes the next fault, unless the plan leaves it out. */
  private try(kind: FaultKind, make: () => boolean): void {
    const number = ++this.number;
    const { plan, cluster } = this;
    if (plan.without.has(kind) || plan.faults?.has(number) === false) return;
    this.random = this.schedule.split(`fault ${number}`);
    if (!make()) return;
    this.made.push(number);
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    plan.trace?.note(cluster.time.now, `fault ${number}: ${kind}`);
  }

  /** No more faults, and everything is well again. */
  heal(): void {
    this.isStopped = true;
    const { cluster } = this;
    cluster.cuts.clear();
    Object.assign(cluster.weather, { delayLeast: 1, delayMost: 3, lost: 0, doubled: 0 });
    for (const node of cluster.nodes.values()) {
      node.diskMilliseconds = 1;
      node.setSkew(0);
      if (!node.isRunning) void node.start();
    }
  }

  private make(kind: FaultKind): boolean {
    const { cluster, random } = this;
    const any = random.pick([...cluster.nodes.values()]);
    const leader = cluster.leader;
    switch (kind) {
      case "crash leader":
        return this.crash(leader);
      case "crash new leader":
        return false;
      case "crash any":
        return this.crash(any);
      case "crash all":
        return [...cluster.nodes.values()].map((node) => this.crash(node)).some(Boolean);
      case "kill":
        return this.crash(any, true);
      case "cut leader off":
        return leader !== undefined && this.cut(this.linksOf(leader.id));
      case "cut one way":
        return this.cut([this.random.pick(this.linksOf(any.id))]);
      case "cut pair":
        return this.cut(this.pairOf(any.id));
      case "lose messages":
        return this.weather({ lost: random.between(10, 200), doubled: random.between(0, 100) });
      case "slow network":
        return this.weather({ delayLeast: 1, delayMost: random.between(5, 300) });
      case "pause":
        any.clock.pause(random.between(50, 5000));
        return any.isUp;
      case "slow disk":
        return this.slowDisk(random.chance(1, 2) ? (leader ?? any) : any);
      case "clock":
        any.setSkew(random.between(-400, 400));
        return true;
      case "connection lost":
        for (const node of cluster.nodes.values()) if (node !== any) node.replica?.connectionLost(any.id);
        return true;
      case "transfer":
        return leader?.replica?.transfer(any.id) === undefined;
      case "flush":
        void any.flush();
        return any.isUp;
      default:
        return unreachable(kind, "a kind of fault");
    }
  }

  /** To be called at every moment. One that has just won is the most delicate: it may go right then, or a little later. */
  watch(): void {
    if (this.isStopped || !this.kinds.includes("crash new leader")) return;
    const { leader } = this.cluster;
    const term = leader?.replica?.status.term ?? 0;
    if (term <= this.lastTerm) return;
    const isFirst = this.lastTerm === 0;
    this.lastTerm = term;
    if (isFirst || !this.elections.chance(1, 3)) return;
    this.cluster.time.after(this.elections.pick([0, 0, 1, 3, 10, 50]), () => {
      if (!this.isStopped) this.try("crash new leader", () => this.crash(leader));
    });
  }

  private crash(node: SimNode | undefined, isKill = false): boolean {
    if (node === undefined || !node.isRunning) return false;
    node.crash(isKill ? undefined : randomSurvival({ random: this.random, withGarbage: this.random.chance(1, 2) }));
    this.cluster.time.after(this.random.between(10, 4000), () => {
      if (!node.isRunning) void node.start();
    });
    return true;
  }

  private cut(links: readonly string[]): boolean {
    for (const link of links) this.cluster.cuts.add(link);
    this.cluster.time.after(this.random.between(100, 6000), () => {
      for (const link of links) this.cluster.cuts.delete(link);
    });
    return true;
  }

  private weather(change: Partial<SimCluster["weather"]>): boolean {
    Object.assign(this.cluster.weather, change);
    this.cluster.time.after(this.random.between(500, 5000), () => {
      Object.assign(this.cluster.weather, { delayLeast: 1, delayMost: 3, lost: 0, doubled: 0 });
    });
    return true;
  }

  private slowDisk(node: SimNode): boolean {
    node.diskMilliseconds = this.random.between(20, 1000);
    this.cluster.time.after(this.random.between(500, 5000), () => {
      node.diskMilliseconds = 1;
    });
    return true;
  }

  private linksOf(id: ReplicaId): string[] {
    const others = [...this.cluster.nodes.keys()].filter((other) => other !== id);
    return others.flatMap((other) => [`${id} ${other}`, `${other} ${id}`]);
  }

  private pairOf(id: ReplicaId): string[] {
    const other = this.random.pick([...this.cluster.nodes.keys()].filter((known) => known !== id));
    return [`${id} ${other}`, `${other} ${id}`];
  }
}
