// Leaderships that are held here and belong elsewhere, by the map: each is handed over when whom it belongs to has been there, up to
// date, for a while without a break. So they are even again some time after a node has come back, and none goes back and forth: who
// leads by the map keeps it for as long as he is there, and fit. A node that is not fit to lead hands over all that it leads.

import type { GroupId, ReplicaId, Term } from "../base/ids.ts";
import type { ClusterMap, MapGroup } from "../cluster/cluster-map.ts";
import { preferredLeaders } from "../cluster/preferred-leaders.ts";
import type { Clock } from "../platform/clock.ts";
import { isReadyHeir, mayHandOver } from "./heirs.ts";
import type { HeirParts, Led } from "./heirs.ts";
import { Refuges } from "./refuges.ts";
import type { UnfitNodes } from "./unfit-nodes.ts";

export interface LeadershipParts extends HeirParts {
  readonly groups: { get(group: GroupId): Led | undefined };
  readonly unfit: Pick<UnfitNodes, "of" | "own">;
  readonly clock: Clock;
  /** How long an heir has to be ready. */
  readonly milliseconds: number;
}

/** Who does not take its group, since its clock is wrong or its disk hangs, is asked twice as late each time, so many times. */
const vainTriesMax = 6;

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
  private readonly refuges: Refuges;

  constructor(parts: LeadershipParts) {
    this.parts = parts;
    this.refuges = new Refuges(parts);
  }

  /** Again and again. Hands over one group at most. */
  look(map: ClusterMap): void {
    if (this.known?.map !== map) this.known = { map, leaders: preferredLeaders(map) };
    if (this.parts.unfit.own === undefined) this.handBack(map);
    else this.handAllOver(map, this.known.leaders);
  }

  private handAllOver(map: ClusterMap, leaders: ReadonlyMap<GroupId, ReplicaId>): void {
    this.heirs.clear();
    for (const group of map.groups) {
      const replica = this.parts.groups.get(group.id);
      if (replica !== undefined && this.refuges.offer(group, replica, leaders.get(group.id))) return;
    }
  }

  private handBack(map: ClusterMap): void {
    this.refuges.forget();
    const now = this.parts.clock.monotonicMilliseconds();
    let isFree = true;
    for (const group of map.groups) {
      const replica = this.parts.groups.get(group.id);
      const id = replica === undefined ? undefined : this.readyHeir(group, replica);
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
      if (!isFree || now - heir.since < this.parts.milliseconds * 2 ** tries) continue;
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

  private readyHeir(group: MapGroup, replica: Led): ReplicaId | undefined {
    const heir = this.known?.leaders.get(group.id);
    if (heir === undefined || group.exchange !== undefined || !mayHandOver(replica)) return undefined;
    return isReadyHeir(this.parts, group, replica, heir) ? heir : undefined;
  }
}
