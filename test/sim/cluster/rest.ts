// When a cluster has come to rest: every node that is not held down is there and knows the same map, in which nothing is to be done; each group has the
// replicas of the map, level with their leader; every node says that it is ready. Then replicas of a group hold the same.

import { groupOf, nodeOf } from "../../../internal/cluster/cluster-map.ts";
import type { ClusterMap, MapGroup } from "../../../internal/cluster/cluster-map.ts";
import type { Replica } from "../../../internal/replica/replica.ts";
import { stateOf } from "../invariants.ts";
import { expectEqual } from "../judge.ts";
import { Violation } from "../violation.ts";
import type { ClusterWatch } from "./cluster-watch.ts";
import type { Machine } from "./machine.ts";
import type { SimWorld } from "./sim-world.ts";

export const isAtRest = (world: SimWorld, watch: ClusterWatch): boolean => unrest(world, watch) === undefined;

/** Why it has not come to rest, or undefined. */
function unrest(world: SimWorld, { newest }: ClusterWatch): string | undefined {
  if (newest === undefined) return "no cluster was founded";
  if (newest.ring.length === 0) return "no groups are placed";
  for (const { id, node, startWatch, isHeldDown } of world.machines) {
    if (isHeldDown) continue;
    if (node === undefined || startWatch === undefined) return `${id} is down`;
    if (nodeOf(newest, id) === undefined) return `${id} is not on the map`;
    if (node.keeper.epoch !== newest.epoch) return `${id} has epoch ${node.keeper.epoch}, and there is ${newest.epoch}`;
  }
  for (const { id, exchange, replicas } of newest.groups) {
    if (exchange !== undefined) return `group ${id} has an exchange`;
    for (const { node, disk } of replicas) {
      if (nodeOf(newest, node)?.disk !== disk) return `group ${id} has a replica on a disk that is lost`;
    }
  }
  for (const group of newest.groups) {
    const why = unrestOf(world, group);
    if (why !== undefined) return `group ${group.id}: ${why}`;
  }
  for (const { id, startWatch } of world.machines) {
    const missing = startWatch?.isReady === false ? startWatch.checks().find(({ isFine }) => !isFine) : undefined;
    if (missing !== undefined) return `${id} is not ready: ${missing.name}: ${missing.detail}`;
  }
  return undefined;
}

function unrestOf(world: SimWorld, group: MapGroup): string | undefined {
  const there = group.replicas.filter(({ node }) => machineOf(world, node)?.isHeldDown === false);
  const replicas = replicasOf(world, { ...group, replicas: there });
  const leader = replicas.find((replica) => replica?.status.role === "leader" && replica.status.hasQuorum);
  if (leader === undefined) return "no leader";
  const { last, configuration } = leader.status;
  const ids = group.replicas.map(({ replica }) => replica).join();
  const voters = [...configuration.voters].sort((left, right) => left - right).join();
  if (voters !== ids || configuration.outgoing.length + configuration.learners.length > 0) {
    return `voters ${voters}, and the map has ${ids}`;
  }
  for (const replica of replicas) {
    if (replica === undefined) return "a replica is not open";
    if (replica.appliedIndex !== last) return `replica ${replica.id} has applied ${replica.appliedIndex} of ${last}`;
    if (replica.hasSalvage) return `replica ${replica.id} keeps salvage`;
  }
  return undefined;
}

function replicasOf(world: SimWorld, group: MapGroup): (Replica | undefined)[] {
  return group.replicas.map(({ node, replica }) => {
    const found = machineOf(world, node)?.node?.groups.get(group.id);
    return found?.id === replica ? found : undefined;
  });
}

const machineOf = (world: SimWorld, id: string): Machine | undefined => world.machines.find((one) => one.id === id);

export function stateInWords(world: SimWorld, watch: ClusterWatch): string {
  const nodes = world.machines.map(({ id, node, isRunning, clock }) => {
    if (node === undefined) return `${id} ${isRunning ? "starting" : "down"}`;
    const groups = Array.from(node.groups.all, ([group, replica]) => {
      const { role, term, last, commit } = replica.status;
      return `${group}/${replica.id} ${role} ${term} last ${last} commit ${commit} applied ${replica.appliedIndex}`;
    });
    const peers = Array.from(node.table.all, ([peer, { life, trouble }]) => `${peer}: ${life ?? trouble}`);
    const paused = clock.isPaused ? " paused" : "";
    return `${id}${paused} epoch ${node.keeper.epoch} [${groups.join("; ")}] (${peers.join(", ")})`;
  });
  return `${unrest(world, watch) ?? "at rest"}: ${nodes.join(" ")}`;
}

/** REQUIRES: at rest. */
export async function compareGroups(world: SimWorld, { newest }: { newest: ClusterMap | undefined }): Promise<void> {
  for (const { id } of newest?.groups ?? []) {
    const group = newest && groupOf(newest, id);
    if (group === undefined) continue;
    const states: { readonly id: number; readonly lines: readonly string[] }[] = [];
    for (const { node: name, replica: number } of group.replicas) {
      const node = machineOf(world, name)?.node;
      const replica = node?.groups.get(id);
      if (node === undefined || replica === undefined)
        throw new Violation("progress", `group ${id} is not open at ${name}`);
      states.push({ id: number, lines: await stateOf({ id: number, replica, engine: node.engine }) });
    }
    expectEqual(states);
  }
}
