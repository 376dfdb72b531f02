// Who may be handed a group to lead.

import type { NodeId, ReplicaId } from "../base/ids.ts";
import type { MapGroup } from "../cluster/cluster-map.ts";
import { isJoint } from "../raft/configuration.ts";
import type { Replica } from "../replica/replica.ts";
import type { PeerTable } from "./peer-table.ts";
import type { UnfitNodes } from "./unfit-nodes.ts";

export type Led = Pick<Replica, "id" | "status" | "followers" | "transfer">;

export interface HeirParts {
  readonly table: Pick<PeerTable, "isConnected" | "isLeaving">;
  readonly unfit: Pick<UnfitNodes, "of">;
}

/** What is under way at any moment; a handover stops writes until the heir has it. */
const entriesBehindMax = 1000;

/** Whether the group may be handed over at all now. */
export function mayHandOver({ status }: Led): boolean {
  const { role, hasQuorum, isTransferring, configuration } = status;
  return role === "leader" && hasQuorum && !isTransferring && !isJoint(configuration);
}

export function isReadyHeir({ table, unfit }: HeirParts, group: MapGroup, replica: Led, heir: ReplicaId): boolean {
  const { configuration, last } = replica.status;
  if (heir === replica.id || !configuration.voters.includes(heir) || heir === group.exchange?.leaving) return false;
  const node = seatedAt(group, heir);
  if (node === undefined || !table.isConnected(node) || table.isLeaving(node)) return false;
  if (unfit.of(node) !== undefined) return false;
  const follower = replica.followers.find(({ id }) => id === heir);
  const isUpToDate = follower?.state === "replicate" && last - follower.match <= entriesBehindMax;
  return isUpToDate && !follower.hasSalvage;
}

function seatedAt({ replicas, exchange }: MapGroup, replica: ReplicaId): NodeId | undefined {
  if (exchange?.joining.replica === replica) return exchange.joining.node;
  return replicas.find((seat) => seat.replica === replica)?.node;
}
