// Leaderships that are held here and belong elsewhere, by the map: each is handed over when whom it belongs to has been there, up to
// date, for a while without a break. So they are even again some time after a node has come back, and none goes back and forth: who
// leads by the map keeps it for as long as he is there, and has room on his disk. One that has none hands all of them to whoever has.

import type { GroupId, ReplicaId, Term } from "../base/ids.ts";
import type { ClusterMap, MapGroup } from "../cluster/cluster-map.ts";
import { preferredLeaders } from "../cluster/preferred-leaders.ts";
import type { Clock } from "../platform/clock.ts";
import { isJoint } from "../raft/configuration.ts";
import type { Replica } from "../replica/replica.ts";
import type { FullDisks } from "./full-disks.ts";
import type { PeerTable } from "./peer-table.ts";

type Led = Pick<Replica, "id" | "status" | "followers" | "transfer">;

export interface LeadershipParts {
  readonly groups: { get(group: GroupId): Led | undefined };
  readonly table: Pick<PeerTable, "isConnected" | "isLeaving">;
  readonly fullDisks: Pick<FullDisks, "own" | "has">;
  readonly clock: Clock;
  /** How long an heir has to be ready. */
  readonly milliseconds: number;
}

/** Who does not take its group, since its clock is wrong or its disk hangs, is asked twice as late each time, so many times. */
const vainTriesMax = 6;

/** As long as a disk is full before its groups are handed over: the others have heard of it by then. */
const fullMilliseconds = 1000;

/** What is under way at any moment; a handover stops writes until the heir has it. */
const entriesBehindMax = 1000;

interface Heir {
  readonly id: ReplicaId;
  /** In which it leads that hands over. */
  readonly term: Term;
  readonly since: number;
}

/** Each try refuses writes until it has come to nothing. */
interface VainTries {
  readonly id: ReplicaId;
  readonly term: Term;
  readonly count: number;
}

export class Leaderships {
  private readonly parts: LeadershipParts;
  private known: { readonly map: ClusterMap; readonly leaders: ReadonlyMap<GroupId, ReplicaId> } | undefined;
  private readonly heirs = new Map<GroupId, Heir>();
  private readonly vain = new Map<GroupId, VainTries>();

  constructor(parts: LeadershipParts) {
    this.parts = parts;
  }

  /** Again and again. Hands over one group at most. */
  look(map: ClusterMap): void {
    if (this.known?.map !== map) this.known = { map, leaders: preferredLeaders(map) };
    const now = this.parts.clock.monotonicMilliseconds();
    const isFull = this.parts.fullDisks.own !== undefined;
    const patience = isFull ? fullMilliseconds : this.parts.milliseconds;
    let isFree = true;
    for (const group of map.groups) {
      const replica = this.parts.groups.get(group.id);
      const id = replica === undefined ? undefined : this.heirOf(group, replica, isFull);
      if (replica === undefined || id === undefined) {
        this.heirs.delete(group.id);
        // Once it was away, or is behind, or leads, it may be able to.
        if (replica?.status.isTransferring !== true) this.vain.delete(group.id);
        continue;
      }
      const { term } = replica.status;
      const before = this.heirs.get(group.id);
      const isSame = before?.id === id && before.term === term;
      const heir = isSame ? before : { id, term, since: now };
      this.heirs.set(group.id, heir);
      const tries = this.vainTries(group.id, heir);
      if (!isFree || now - heir.since < patience * 2 ** tries) continue;
      isFree = false;
      this.heirs.set(group.id, { id, term, since: now });
      const isTried = replica.transfer(id) === undefined;
      if (isTried) this.vain.set(group.id, { id, term, count: Math.min(tries + 1, vainTriesMax) });
    }
  }

  private vainTries(group: GroupId, { id, term }: Heir): number {
    const tries = this.vain.get(group);
    return tries?.id === id && tries.term === term ? tries.count : 0;
  }

  private heirOf(group: MapGroup, replica: Led, isFull: boolean): ReplicaId | undefined {
    const { role, hasQuorum, isTransferring, configuration } = replica.status;
    if (role !== "leader" || !hasQuorum || isTransferring || group.exchange !== undefined || isJoint(configuration))
      return undefined;
    if (isFull) return this.refuge(group, replica);
    const heir = this.known?.leaders.get(group.id);
    return heir !== undefined && this.isReady(group, replica, heir) ? heir : undefined;
  }

  /** Anybody who has room. Who was asked in vain is asked when there is nobody else. */
  private refuge(group: MapGroup, replica: Led): ReplicaId | undefined {
    const ready = replica.status.configuration.voters.filter((id) => this.isReady(group, replica, id));
    const asked = this.vain.get(group.id);
    return ready.find((id) => id !== asked?.id) ?? ready[0];
  }

  private isReady({ replicas }: MapGroup, replica: Led, heir: ReplicaId): boolean {
    const { configuration, last } = replica.status;
    if (heir === replica.id || !configuration.voters.includes(heir)) return false;
    const node = replicas.find((seat) => seat.replica === heir)?.node;
    const { table, fullDisks } = this.parts;
    if (node === undefined || !table.isConnected(node) || table.isLeaving(node) || fullDisks.has(node)) return false;
    const follower = replica.followers.find(({ id }) => id === heir);
    const isUpToDate = follower?.state === "replicate" && last - follower.match <= entriesBehindMax;
    return isUpToDate && !follower.hasSalvage;
  }
}
