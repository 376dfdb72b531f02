// A node that stops hands its leaderships over before it leaves, so that nobody has to wait for an election. Of the other voters
// the one comes first that has most of the log, of those whose nodes are connected, stay, and can write, if there are any. What a target does not take goes to the next one;
// what nobody takes in time is left to an election after all.

import type { GroupId, ReplicaId } from "../base/ids.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import type { Replica } from "../replica/replica.ts";
import type { LocalGroups } from "./local-groups.ts";
import type { PeerTable } from "./peer-table.ts";
import type { UnfitNodes } from "./unfit-nodes.ts";

export interface HandOverParts {
  readonly groups: LocalGroups;
  readonly table: PeerTable;
  readonly unfit: Pick<UnfitNodes, "of">;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
}

const lookMilliseconds = 10;

export class HandOver {
  private readonly parts: HandOverParts;
  /** Who was asked to take a group over already. */
  private readonly asked = new Map<GroupId, Set<ReplicaId>>();

  constructor(parts: HandOverParts) {
    this.parts = parts;
  }

  /** Resolves when nothing is led here, or nobody is left to take it, or the time is up: with the groups that are still led here. */
  async run(milliseconds: number): Promise<readonly GroupId[]> {
    const { clock, scheduler } = this.parts;
    const until = clock.monotonicMilliseconds() + milliseconds;
    for (;;) {
      const led = this.led();
      const isUnderWay = led.map(([group, replica]) => this.offer(group, replica)).includes(true);
      if (!isUnderWay || clock.monotonicMilliseconds() >= until) return led.map(([group]) => group);
      await new Promise<void>((resolve) => {
        scheduler.after(lookMilliseconds, resolve);
      });
    }
  }

  private led(): (readonly [GroupId, Replica])[] {
    return [...this.parts.groups.all].filter(([, replica]) => replica.status.role === "leader");
  }

  /** False: nobody is left who could take it. */
  private offer(group: GroupId, replica: Replica): boolean {
    if (replica.status.isTransferring) return true;
    const heir = this.heirOf(group, replica);
    if (heir === undefined) return false;
    const asked = this.asked.get(group) ?? new Set();
    this.asked.set(group, asked.add(heir));
    return replica.transfer(heir) === undefined;
  }

  private isFit(group: GroupId, id: ReplicaId): boolean {
    const node = this.parts.groups.nodeOf(group, id);
    return node !== undefined && this.parts.unfit.of(node) === undefined;
  }

  private heirOf(group: GroupId, replica: Replica): ReplicaId | undefined {
    const { voters } = replica.status.configuration;
    const asked = this.asked.get(group);
    const heirs = replica.followers.filter(({ id }) => {
      const node = this.parts.groups.nodeOf(group, id);
      const { table } = this.parts;
      const isThere = node !== undefined && table.isConnected(node) && !table.isLeaving(node);
      return isThere && voters.includes(id) && asked?.has(id) !== true;
    });
    heirs.sort((left, right) => right.match - left.match);
    return (heirs.find(({ id }) => this.isFit(group, id)) ?? heirs[0])?.id;
  }
}
