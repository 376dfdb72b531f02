// A node that is unfit to lead hands over all that it leads, to whoever is fit and has what there is: to the one that the map would have
// lead before the others. Each is asked once; when none of them took it, all are, after a while that doubles each time, for a
// handover that comes to nothing refuses writes until it is given up.

import type { GroupId, ReplicaId, Term } from "../base/ids.ts";
import type { MapGroup } from "../cluster/cluster-map.ts";
import type { Clock } from "../platform/clock.ts";
import { isReadyHeir, mayHandOver } from "./heirs.ts";
import type { HeirParts, Led } from "./heirs.ts";

const restMilliseconds = 2000;
const roundsMax = 6;

interface Tries {
  readonly term: Term;
  readonly asked: Set<ReplicaId>;
  rounds: number;
  restUntil: number;
}

export class Refuges {
  private readonly parts: HeirParts & { readonly clock: Clock };
  private readonly tries = new Map<GroupId, Tries>();

  constructor(parts: HeirParts & { readonly clock: Clock }) {
    this.parts = parts;
  }

  /** This node is fit again: what was tried counts no more. */
  forget(): void {
    this.tries.clear();
  }

  /** Again and again, of a group that is led here. True: it is being handed over now. */
  offer(group: MapGroup, replica: Led, preferred: ReplicaId | undefined): boolean {
    if (!mayHandOver(replica)) return false;
    const now = this.parts.clock.monotonicMilliseconds();
    const { term, configuration } = replica.status;
    const before = this.tries.get(group.id);
    const tries = before?.term === term ? before : { term, asked: new Set<ReplicaId>(), rounds: 0, restUntil: now };
    this.tries.set(group.id, tries);
    if (now < tries.restUntil) return false;
    const inOrder = configuration.voters.toSorted(
      (left, right) => Number(right === preferred) - Number(left === preferred),
    );
    const ready = inOrder.filter((id) => isReadyHeir(this.parts, group, replica, id));
    const next = ready.find((id) => !tries.asked.has(id));
    if (next !== undefined) {
      tries.asked.add(next);
      return replica.transfer(next) === undefined;
    }
    if (ready.length > 0) {
      tries.restUntil = now + restMilliseconds * 2 ** tries.rounds;
      tries.rounds = Math.min(tries.rounds + 1, roundsMax);
      tries.asked.clear();
    }
    return false;
  }
}
