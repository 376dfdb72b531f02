// Maps for tests: a cluster of so many nodes and groups as its founding would make it.

import { nodeId } from "../../internal/base/ids.ts";
import type { ClusterMap, MapNode } from "../../internal/cluster/cluster-map.ts";
import { firstMap, foundersOf, placeGroups, registerNode } from "../../internal/cluster/map-changes.ts";

export function mapNode(id: string, zone = "", disk = `disk of ${id}`): MapNode {
  const at = (port: number): string => `${id}:${port}`;
  const addresses = { peer: at(7400), http: at(8080), resp: at(7379), grpc: at(7500), admin: at(9400) };
  return { id: nodeId(id), zone, disk, addresses, formats: { least: 1, most: 1 } };
}

export function placedMap(nodes: readonly MapNode[], groups = 4): ClusterMap {
  const peers = nodes.map(({ id }) => id);
  const founders = (foundersOf(peers) ?? []).map((id) => mapNode(id));
  const first = firstMap({ cluster: "c1", peers, groups, founders });
  return placeGroups(nodes.reduce(registerNode, first));
}
