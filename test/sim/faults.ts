// When what goes wrong in a simulated run. Each seed switches on some kinds of faults only, for faults that always come together
// hide each other; and some are aimed: at the leader, at one that has just been elected, at a change of members.

import type { Prng } from "../../internal/base/prng.ts";
import { isJoint } from "../../internal/raft/configuration.ts";
import { faultKinds, FaultActions } from "./fault-actions.ts";
import type { FaultKind } from "./fault-actions.ts";
import type { Membership } from "./membership.ts";
import type { RunPlan } from "./run-plan.ts";
import type { SimCluster } from "./sim-cluster.ts";
import type { SimNode } from "./sim-node.ts";

export { faultKinds };

const lookMilliseconds = 200;

export class Faults {
  readonly counts = new Map<FaultKind, number>();
  /** The numbers of the faults that were made. */
  readonly made: number[] = [];
  private readonly cluster: SimCluster;
  private readonly plan: RunPlan;
  private readonly actions: FaultActions;
  /** Which faults come, and when. */
  private readonly schedule: Prng;
  /** Of those that answer to what happens. */
  private readonly aimed: Prng;
  private readonly promised: Prng;
  private readonly delicate: Prng;
  private readonly lives = new WeakMap<SimNode, number>();
  private readonly kinds: readonly FaultKind[];
  private number = 0;
  private isStopped = false;
  private lastTerm = 0;
  private jointTerm = 0;

  constructor(cluster: SimCluster, membership: Membership, random: Prng, plan: RunPlan) {
    this.cluster = cluster;
    this.plan = plan;
    this.schedule = random.split("schedule");
    this.aimed = random.split("elections");
    this.promised = random.split("promises");
    this.actions = new FaultActions(cluster, membership);
    this.delicate = random.split("starts and snapshots");
    cluster.onReceive = (node, message) => {
      if (message.type === "chunk") this.watchChunk(node, message.isLast);
    };
    const [parts, of] = random.pick([
      [1, 6],
      [1, 3],
      [1, 2],
    ] as const);
    const chosen = faultKinds.filter((kind) => random.split(kind).chance(parts, of));
    this.kinds = chosen.length === 0 ? ["crash leader"] : chosen;
  }

  get total(): number {
    return Array.from(this.counts.values()).reduce((sum, count) => sum + count, 0);
  }

  /** Faults from time to time, until they are stopped. */
  begin(everyMilliseconds: number): void {
    if (this.kinds.includes("crash with salvage")) this.lookAround();
    this.next(everyMilliseconds);
  }

  private next(everyMilliseconds: number): void {
    this.cluster.time.after(this.schedule.between(1, 2 * everyMilliseconds), () => {
      if (this.isStopped) return;
      this.try(this.schedule.pick(this.kinds));
      this.next(everyMilliseconds);
    });
  }

  /** From time to time: what is rare is looked for. */
  private lookAround(): void {
    this.cluster.time.after(lookMilliseconds, () => {
      if (this.isStopped) return;
      if (this.actions.nodes.some(({ replica }) => replica?.hasSalvage)) this.aim(["crash with salvage"]);
      this.lookAround();
    });
  }

  /** To be called at every moment: what is most delicate may be hit right then, or a little later. */
  watch(): void {
    if (this.isStopped) return;
    this.watchPromises();
    this.watchStarts();
    const status = this.cluster.leader?.replica?.status;
    if (status === undefined) return;
    const { term, configuration } = status;
    if (term > this.lastTerm) {
      if (this.lastTerm > 0) this.aim(["crash new leader", "cut new leader off"]);
      this.lastTerm = term;
    }
    if (term > this.jointTerm && isJoint(configuration)) {
      this.jointTerm = term;
      this.cluster.sightings.note("joint configuration");
      this.aim(["crash in a change", "cut in a change"]);
    }
  }

  /** Who has just said what its disk must know loses all that its disk does not. */
  private watchPromises(): void {
    const kind = "crash who promised";
    if (!this.kinds.includes(kind)) return;
    for (const node of this.cluster.nodes.values()) {
      const promised = node.promises.takeFresh();
      if (promised !== undefined && this.promised.chance(1, promised === "vote" ? 8 : 500)) this.try(kind, node);
    }
  }

  /** The power goes at some operation of a start, or of what comes right behind it. */
  private watchStarts(): void {
    const kind = "crash in a start";
    if (!this.kinds.includes(kind)) return;
    for (const node of this.cluster.nodes.values()) {
      if (!node.isRunning || this.lives.get(node) === node.life) continue;
      this.lives.set(node, node.life);
      if (node.life > 1 && this.delicate.chance(1, 3)) this.try(kind, node);
    }
  }

  /** A chunk of a snapshot arrives: with the last one it is installed. */
  private watchChunk(node: SimNode, isLast: boolean): void {
    if (this.isStopped) return;
    const kind = isLast ? "crash in an install" : "hand over in a snapshot";
    if (this.kinds.includes(kind) && this.delicate.chance(1, isLast ? 2 : 20)) this.try(kind, node);
  }

  /** No more faults. */
  stop(): void {
    this.isStopped = true;
    this.actions.stop();
  }

  private aim(kinds: readonly FaultKind[]): void {
    for (const kind of kinds) {
      if (!this.kinds.includes(kind) || !this.aimed.chance(1, 3)) continue;
      this.cluster.time.after(this.aimed.pick([0, 0, 1, 3, 10, 50]), () => {
        if (!this.isStopped) this.try(kind);
      });
    }
  }

  /** Makes the next fault, unless the plan leaves it out. */
  private try(kind: FaultKind, at?: SimNode): void {
    const number = ++this.number;
    const { plan, cluster } = this;
    if (plan.without.has(kind) || plan.faults?.has(number) === false) return;
    // A fault has its own chance: leaving one out changes nothing in the others.
    if (!this.actions.make(kind, this.schedule.split(`fault ${number}`), at)) return;
    this.made.push(number);
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    plan.trace?.note(cluster.time.now, `fault ${number}: ${kind}`);
  }
}
