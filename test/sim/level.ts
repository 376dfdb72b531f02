// Whether a group has come to rest: everybody who takes part has applied what its leader has, and keeps nothing that was salvaged.

import type { SimCluster } from "./sim-cluster.ts";

export function isLevel(cluster: Pick<SimCluster, "leader" | "nodes">): boolean {
  const last = cluster.leader?.replica?.status.last;
  if (last === undefined) return false;
  return [...cluster.nodes.values()].every(({ replica, isHeldDown, isGone }) => {
    // Whoever lost its disk does not come back: another one takes its seat, once the majority that is there can give it away.
    if (isHeldDown || isGone) return true;
    return replica !== undefined && replica.appliedIndex === last && !replica.hasSalvage;
  });
}

export function levels(cluster: SimCluster): string {
  return Array.from(cluster.nodes.values(), ({ id, replica, isGone, isRunning, isHeldDown }) => {
    if (replica === undefined) {
      if (isGone) return `${id} gone`;
      return `${id} ${isRunning ? "starting" : "down"}${isHeldDown ? " and held there" : ""}`;
    }
    const { role, term: present, last, commit, configuration } = replica.status;
    const { voters, outgoing, learners } = configuration;
    const members = `${voters.join(",")}|${outgoing.join(",")}|${learners.join(",")}`;
    return (
      `${id} ${role} term ${present} last ${last} commit ${commit} applied ${replica.appliedIndex}` +
      ` salvage ${replica.hasSalvage} of ${members}`
    );
  }).join("; ");
}
