// Leaderships that are held here and belong elsewhere, by the map: each is handed over when whom it belongs to has been there, up to
// date, for a while without a break. So they are even again some time after a node has come back, and none goes back and forth: who
// leads by the map keeps it for as long as he is there.

import type { GroupId, ReplicaId, Term } from "../base/ids.ts";
import type { ClusterMap, MapGroup } from "../cluster/cluster-map.ts";
import { preferredLeaders } from "../cluster/preferred-leaders.ts";
import type { Clock } from "../platform/clock.ts";
import { isJoint } from "../raft/configuration.ts";
import type { Replica } from "../replica/replica.ts";
import type { PeerTable } from "./peer-table.ts";

type Led = Pick<Replica, "id" | "status" | "followers" | "transfer">;

export interface LeadershipParts {
  readonly groups: { get(group: GroupId): Led | undefined };
  readonly table: Pick<PeerTable, "isConnected" | "isLeaving">;
  readonly clock: Clock;
  /** How long an heir has to be ready. */
  readonly milliseconds: number;
}

/** What is under way at any moment; a handover stops writes until the heir has it. */
const entriesBehindMax = 1000;

interface Heir {
  readonly id: ReplicaId;
  /** In which it leads that hands over. */
  readonly term: Term;
  readonly since: number;
}

export class Leaderships {
  private readonly parts: LeadershipParts;
  private known: { readonly map: ClusterMap; readonly leaders: ReadonlyMap<GroupId, ReplicaId> } | undefined;
  private readonly heirs = new Map<GroupId, Heir>();

  constructor(parts: LeadershipParts) {
    this.parts = parts;
  }

  /** Again and again. Hands over one group at most. */
  look(map: ClusterMap): void {
    if (this.known?.map !== map) this.known = { map, leaders: preferredLeaders(map) };
    const now = this.parts.clock.monotonicMilliseconds();
    let isFree = true;
    for (const group of map.groups) {
      const replica = this.parts.groups.get(group.id);
      const id = replica === undefined ? undefined : this.readyHeir(group, replica);
      if (replica === undefined || id === undefined) {
        this.heirs.delete(group.id);
        continue;
      }
      const { term } = replica.status;
      const before = this.heirs.get(group.id);
      const isSame = before?.id === id && before.term === term;
      const heir = isSame ? before : { id, term, since: now };
      this.heirs.set(group.id, heir);
      if (!isFree || now - heir.since < this.parts.milliseconds) continue;
      isFree = false;
      // What does not come about is tried again as late.
      this.heirs.set(group.id, { id, term, since: now });
      replica.transfer(id);
    }
  }

  private readyHeir({ id: group, replicas, exchange }: MapGroup, replica: Led): ReplicaId | undefined {
    const { role, hasQuorum, isTransferring, configuration, last } = replica.status;
    const heir = this.known?.leaders.get(group);
    if (role !== "leader" || !hasQuorum || isTransferring || exchange !== undefined || isJoint(configuration))
      return undefined;
    if (heir === undefined || heir === replica.id || !configuration.voters.includes(heir)) return undefined;
    const node = replicas.find((seat) => seat.replica === heir)?.node;
    const { table } = this.parts;
    if (node === undefined || !table.isConnected(node) || table.isLeaving(node)) return undefined;
    const follower = replica.followers.find(({ id }) => id === heir);
    const isUpToDate = follower?.state === "replicate" && last - follower.match <= entriesBehindMax;
    return isUpToDate && !follower.hasSalvage ? heir : undefined;
  }
}
