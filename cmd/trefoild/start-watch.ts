// Whether a node may be given work. At the start: once it knows its cluster, and each of its replicas has had all that its leader had when
// it was asked. That is looked at until it is so, and from then on the node is ready until it stops: who can serve local reads stays
// in service, though a group has lost its leader.

import type { GroupId } from "../../internal/base/ids.ts";
import type { Readiness, ReadinessCheck } from "../../internal/http/admin-edge.ts";
import type { Node } from "../../internal/node/node.ts";
import type { Clock } from "../../internal/platform/clock.ts";
import type { Replica } from "../../internal/replica/replica.ts";

/** A replica that hears of no leader for so long has nobody whom it could be behind of. */
const leaderlessMilliseconds = 10_000;

export class StartWatch {
  private readonly clock: Clock;
  private node: Node | undefined;
  private isOpen = false;
  private openAt = 0;
  private isReady = false;
  private isStopping = false;
  private readonly caughtUp = new Set<GroupId>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Its log has been read. */
  opens(node: Node): void {
    this.node = node;
  }

  /** Its groups have their places, and its replicas are open. */
  allOpen(): void {
    this.isOpen = true;
    this.openAt = this.clock.monotonicMilliseconds();
  }

  stops(): void {
    this.isStopping = true;
  }

  /** Looks once. True: the node is ready, and need not be looked at any more. */
  look(): boolean {
    const { node } = this;
    if (node === undefined || !this.isOpen || this.isReady) return this.isReady;
    for (const [group, replica] of node.groups.all) {
      if (!this.caughtUp.has(group) && this.isCaughtUp(replica)) this.caughtUp.add(group);
    }
    this.isReady = this.caughtUp.size >= node.groups.all.size;
    return this.isReady;
  }

  readiness(): Readiness {
    const state = this.isStopping ? "stopping" : this.look() ? "ready" : "starting";
    return { state, checks: this.checks() };
  }

  private isCaughtUp(replica: Replica): boolean {
    const { role, term, leader } = replica.status;
    if (role === "leader") return replica.state.last.term === term;
    if (leader === 0) return this.clock.monotonicMilliseconds() - this.openAt > leaderlessMilliseconds;
    if (replica.stalenessMilliseconds !== undefined) return true;
    replica.refreshStaleness();
    return false;
  }

  private checks(): ReadinessCheck[] {
    const { node } = this;
    if (node === undefined) return [{ name: "log", isFine: false, detail: "it is being read" }];
    const { map } = node.keeper;
    const log = { name: "log", isFine: true, detail: "read" };
    if (map === undefined) return [log, { name: "cluster", isFine: false, detail: node.awaited }];
    const isPlaced = map.ring.length > 0;
    const named = `${map.cluster} at epoch ${map.epoch}`;
    const cluster = { name: "cluster", isFine: isPlaced, detail: isPlaced ? named : `${named}, ${node.awaited}` };
    const groups = [...node.groups.all].map(([group, replica]) => this.checkOf(node, group, replica));
    const { trouble, distances } = node.clocks;
    const agree = `within --max-clock-skew of ${distances.length === 0 ? "nobody yet" : distances.map((each) => each.node).join(", ")}`;
    const clock = { name: "clock", isFine: trouble === undefined, detail: trouble ?? agree };
    return [log, cluster, clock, ...groups];
  }

  private checkOf(node: Node, group: GroupId, replica: Replica): ReadinessCheck {
    const { role, leader } = replica.status;
    const name = `group ${group}`;
    const applied = `has applied entry ${replica.appliedIndex}`;
    if (leader === 0) return { name, isFine: false, detail: `no leader is known; ${applied}` };
    const by = role === "leader" ? "leads" : `follows ${node.groups.nodeOf(group, leader) ?? `replica ${leader}`}`;
    const isFine = this.isReady || this.caughtUp.has(group);
    return { name, isFine, detail: `${by}, ${applied}${isFine ? "" : ", is not known to have all"}` };
  }
}
