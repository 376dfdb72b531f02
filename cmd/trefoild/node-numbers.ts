// What a node has to say of itself in numbers, for /metrics: read off its parts when somebody looks. What needs a memory (for how long a
// replica has been behind, how often a group has had an election) is noted a few times a second.

import type { GroupId } from "../../internal/base/ids.ts";
import type { Node } from "../../internal/node/node.ts";
import type { Clock } from "../../internal/platform/clock.ts";
import type { GroupNumbers, LagNumbers, NodeSources } from "../../internal/telemetry/node-metrics.ts";
import { ReplicationLag } from "../../internal/telemetry/replication-lag.ts";

import { ReplicaTotals } from "./replica-totals.ts";

export const noteMilliseconds = 250;

export class NodeNumbers {
  private readonly clock: Clock;
  private readonly lag = new ReplicationLag();
  private readonly totals = new ReplicaTotals();
  /** Of each group when it was looked at last. */
  private readonly terms = new Map<GroupId, number>();
  private elections = 0;
  private node: Node | undefined;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  opens(node: Node): void {
    this.node = node;
  }

  note(): void {
    const now = this.clock.monotonicMilliseconds();
    if (this.node !== undefined) this.totals.note(this.node.groups.all);
    for (const [group, replica] of this.node?.groups.all ?? []) {
      const { role, term, last } = replica.status;
      const before = this.terms.get(group);
      this.terms.set(group, term);
      // A term begins with whoever stands.
      if (before !== undefined) this.elections += Math.max(0, term - before);
      if (role !== "leader" || before !== term) this.lag.forget(group);
      if (role === "leader") this.lag.note(group, last, now);
    }
  }

  /** Before the node is open there is nothing to say. */
  sources(): NodeSources {
    const { node } = this;
    if (node === undefined) return {};
    return {
      groups: () => this.groups(node),
      lags: () => this.lags(node),
      elections: () => this.elections,
      clocks: () => node.clocks.distances,
      unfitness: () => node.unfitness?.code,
      log: () => node.log.stats(),
      engine: () => node.engine.stats(),
      salvage: () => this.totals.salvage(),
      snapshots: () => this.totals.snapshots(),
    };
  }

  private groups(node: Node): readonly GroupNumbers[] {
    return Array.from(node.groups.all, ([group, replica]) => {
      const { role, term, commit } = replica.status;
      const { firstIndex, appliedIndex } = replica;
      return { group, term, isLeader: role === "leader", firstIndex, commitIndex: commit, appliedIndex };
    });
  }

  private lags(node: Node): readonly LagNumbers[] {
    const now = this.clock.monotonicMilliseconds();
    return Array.from(node.groups.all).flatMap(([group, replica]) => {
      const { last } = replica.status;
      return replica.followers.map(({ id, match }) => {
        return { group, replica: id, entries: last - match, seconds: this.lag.seconds(group, match, now) };
      });
    });
  }
}
