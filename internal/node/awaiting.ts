// For whom a node waits that does not know its cluster yet, or whose cluster has not placed its groups, in words.

import type { NodeId } from "../base/ids.ts";
import type { ClusterMap } from "../cluster/cluster-map.ts";
import { foundersOf } from "../cluster/map-changes.ts";
import type { PeerTable } from "./peer-table.ts";
import type { SeedWords } from "./seed-words.ts";

export interface Awaiting {
  readonly self: NodeId;
  readonly map: ClusterMap | undefined;
  /** With which it was started; none: it joins. */
  readonly peers: readonly NodeId[];
  readonly table: PeerTable;
  /** None: nobody was named that it is to join. */
  readonly seedWords?: SeedWords;
}

export function awaitedOf({ self, map, peers, table, seedWords }: Awaiting): string {
  const withTrouble = (id: NodeId): string => {
    const peer = table.get(id);
    return peer === undefined || peer.life !== undefined ? id : `${id} (${peer.trouble ?? "not connected yet"})`;
  };
  if (map !== undefined) {
    const missing = map.expected;
    if (missing.length === 0) return "the groups are about to get their places";
    return `the cluster begins when all its nodes have come; waiting for ${missing.map(withTrouble).join(", ")}`;
  }
  const founders = foundersOf(peers) ?? [];
  if (founders.length === 0) {
    const asked = seedWords === undefined || seedWords.all === "" ? "" : `: ${seedWords.all}`;
    return `waiting to hear of a cluster from those whom this node is to join${asked}`;
  }
  const others = founders.filter((id) => id !== self);
  const missing = others.filter((id) => !table.isConnected(id));
  if (missing.length > 0) {
    return `the cluster is founded when ${founders.join(", ")} are there; waiting for ${missing.map(withTrouble).join(", ")}`;
  }
  return `${founders.join(", ")} found the cluster`;
}
