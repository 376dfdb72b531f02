// Whether a node that has begun may be given work: once the cluster knows it by this data folder, and each seat that the map gives it
// is filled, by a replica that is whole and has had all that its leader had when it was asked. That is looked at until it is so, and from
// then on it is so: who can serve local reads stays in service, though a group has lost its leader.

import type { GroupId, NodeId, ReplicaId } from "../base/ids.ts";
import { nodeOf } from "../cluster/cluster-map.ts";
import type { ClusterMap, MapGroup, MapReplica } from "../cluster/cluster-map.ts";
import type { Clock } from "../platform/clock.ts";
import type { Replica } from "../replica/replica.ts";

/** A whole replica that hears of no leader for so long has nobody whom it could be behind of. */
const leaderlessMilliseconds = 10_000;

/** Of a node, what there is to look at. */
export interface WatchedNode {
  readonly id: NodeId;
  /** Names its data folder. */
  readonly disk: string;
  readonly map: ClusterMap | undefined;
  /** For whom it waits, while the cluster has not begun. */
  readonly awaited: string;
  replicaOf(group: GroupId): Replica | undefined;
  /** Where a replica lives. */
  nodeOf(group: GroupId, replica: ReplicaId): NodeId | undefined;
}

export interface StartCheck {
  readonly name: string;
  readonly isFine: boolean;
  readonly detail: string;
}

export class StartWatch {
  private readonly node: WatchedNode;
  private readonly clock: Clock;
  private openAt: number | undefined;
  private hasBeenReady = false;
  /** Those that have had what their leaders had. */
  private readonly caughtUp = new Map<GroupId, ReplicaId>();

  constructor(node: WatchedNode, clock: Clock) {
    this.node = node;
    this.clock = clock;
  }

  /** Groups have their places, and the replicas that have some here were opened. */
  allOpen(): void {
    this.openAt = this.clock.monotonicMilliseconds();
  }

  /** As it was when it was looked at last. */
  get isReady(): boolean {
    return this.hasBeenReady;
  }

  /** Looks once. True: the node is ready, and need not be looked at any more. */
  look(): boolean {
    const { node, openAt } = this;
    const { map } = node;
    if (this.isReady || openAt === undefined || map === undefined) return this.isReady;
    const isEachFilled = map.groups.map((group) => this.isFilled(group, openAt));
    this.hasBeenReady = isKnown(node, map) && map.ring.length > 0 && isEachFilled.every(Boolean);
    return this.isReady;
  }

  checks(): StartCheck[] {
    const { node } = this;
    const { map } = node;
    if (map === undefined) return [{ name: "cluster", isFine: false, detail: node.awaited }];
    return [this.checkOfCluster(map), ...map.groups.flatMap((group) => this.checkOfSeat(group))];
  }

  private isFilled(group: MapGroup, openAt: number): boolean {
    const seat = seatOf(group, this.node.id);
    if (seat === undefined) return true;
    const replica = this.replicaOn(group, seat);
    if (replica === undefined || !replica.isWhole) return false;
    if (this.caughtUp.get(group.id) === replica.id) return true;
    if (!this.isCaughtUp(replica, openAt)) return false;
    this.caughtUp.set(group.id, replica.id);
    return true;
  }

  private isCaughtUp(replica: Replica, openAt: number): boolean {
    const { role, term, leader } = replica.status;
    if (role === "leader") return replica.applied.term === term;
    if (leader === 0) return this.clock.monotonicMilliseconds() - openAt > leaderlessMilliseconds;
    if (replica.stalenessMilliseconds !== undefined) return true;
    replica.refreshStaleness();
    return false;
  }

  private replicaOn({ id }: MapGroup, seat: MapReplica): Replica | undefined {
    const replica = this.node.replicaOf(id);
    return replica?.id === seat.replica && seat.disk === this.node.disk ? replica : undefined;
  }

  private checkOfCluster(map: ClusterMap): StartCheck {
    const { node } = this;
    const named = `${map.cluster} at epoch ${map.epoch}`;
    const isPlaced = map.ring.length > 0;
    const isFine = isPlaced && (this.isReady || isKnown(node, map));
    if (isFine) return { name: "cluster", isFine, detail: named };
    const waits = isPlaced ? `it does not know node ${node.id} with this data folder yet` : node.awaited;
    return { name: "cluster", isFine, detail: `${named}, ${waits}` };
  }

  private checkOfSeat(group: MapGroup): StartCheck[] {
    const seat = seatOf(group, this.node.id);
    if (seat === undefined) return [];
    const replica = this.replicaOn(group, seat);
    const name = `group ${group.id}`;
    if (replica !== undefined && replica.isWhole) return [this.checkOfReplica(group, replica)];
    const detail =
      seat.disk !== this.node.disk
        ? `replica ${seat.replica} went with its data folder, and has no successor yet`
        : replica === undefined
          ? `replica ${seat.replica} is not open yet`
          : `replica ${seat.replica} is being filled, has applied entry ${replica.appliedIndex}`;
    return [{ name, isFine: false, detail }];
  }

  private checkOfReplica({ id }: MapGroup, replica: Replica): StartCheck {
    const { role, leader, hasQuorum } = replica.status;
    const name = `group ${id}`;
    const applied = `has applied entry ${replica.appliedIndex}`;
    if (leader === 0) return { name, isFine: false, detail: `no leader is known, ${applied}` };
    if (!hasQuorum) return { name, isFine: false, detail: `leads, and hears no majority, ${applied}` };
    const by = role === "leader" ? "leads" : `follows ${this.node.nodeOf(id, leader) ?? `replica ${leader}`}`;
    const isFine = this.isReady || this.caughtUp.get(id) === replica.id;
    return { name, isFine, detail: `${by}, ${applied}${isFine ? "" : ", is not known to have all"}` };
  }
}

/** The cluster knows the node by the data folder that it has. */
function isKnown({ id, disk }: WatchedNode, map: ClusterMap): boolean {
  return nodeOf(map, id)?.disk === disk;
}

/** What a node holds of a group when the exchange that may be under way has ended. */
function seatOf({ replicas, exchange }: MapGroup, node: NodeId): MapReplica | undefined {
  if (exchange?.joining.node === node) return exchange.joining;
  return replicas.find((seat) => seat.node === node && seat.replica !== exchange?.leaving);
}
