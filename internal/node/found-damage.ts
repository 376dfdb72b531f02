// Damage in tables that comes to light while a node runs. What it has voted for and acknowledged is in its log, and stands: so it goes on as
// a voter that others lead, reads that meet the damage are refused, and only when its groups can do without it does it note what it
// found and end. The next process sets everything aside, and comes back under new ids (rule 21). While another node's replica is away or
// being filled that would be one voter too many.

import { TrefoilError } from "../base/errors.ts";
import type { NodeId } from "../base/ids.ts";
import { replicasOf } from "../cluster/cluster-map.ts";
import type { ClusterMap } from "../cluster/cluster-map.ts";
import type { NodeFolder } from "../cluster/node-folder.ts";
import type { Logger } from "../platform/logger.ts";
import type { MapKeeper } from "./map-keeper.ts";
import type { PeerTable } from "./peer-table.ts";
import { endedByDamage } from "./trusted-parts.ts";

export interface FoundDamageParts {
  readonly self: NodeId;
  readonly folder: Pick<NodeFolder, "noteDamage">;
  readonly keeper: Pick<MapKeeper, "map">;
  readonly table: Pick<PeerTable, "isConnected">;
  readonly logger: Logger;
  /** Why the process cannot go on. */
  onEnd(failure: unknown): void;
}

export class FoundDamage {
  private readonly parts: FoundDamageParts;
  private stage: "nothing" | "waiting" | "noted" = "nothing";

  constructor(parts: FoundDamageParts) {
    this.parts = parts;
  }

  /** Again and again, once there is some. */
  meet(damage: TrefoilError): void {
    const { self, folder, keeper, table, logger } = this.parts;
    if (this.stage === "noted") return;
    const missed = keeper.map === undefined ? [] : missedBeside(self, keeper.map, (node) => table.isConnected(node));
    if (missed.length > 0) {
      if (this.stage === "nothing") {
        const words = "what this node has stored is damaged: it goes on as a voter until its groups can do without it";
        logger.error(words, { why: damage.message, waitsFor: missed.join(", ") });
      }
      this.stage = "waiting";
      return;
    }
    this.stage = "noted";
    folder.noteDamage(damage.message).then(
      () => this.parts.onEnd(endedByDamage(damage)),
      (failure: unknown) => this.parts.onEnd(notNoted(damage, failure)),
    );
  }
}

/** Of the groups that have a replica on `self`: what keeps each of them from doing without that one. */
function missedBeside(self: NodeId, map: ClusterMap, isConnected: (node: NodeId) => boolean): readonly string[] {
  const missed = new Set<string>();
  for (const group of map.groups) {
    const nodes = replicasOf(group).map(({ node }) => node);
    if (!nodes.includes(self)) continue;
    if (group.exchange !== undefined) missed.add(`replica ${group.exchange.joining.replica} of group ${group.id}`);
    for (const node of nodes) if (node !== self && !isConnected(node)) missed.add(`node ${node}`);
  }
  return [...missed];
}

function notNoted(damage: TrefoilError, failure: unknown): TrefoilError {
  const reason = failure instanceof Error ? failure.message : String(failure);
  const detail = `${damage.message}; that could not be noted for the next process, which meets it again: ${reason}`;
  return new TrefoilError("conflict", detail, { cause: damage });
}
