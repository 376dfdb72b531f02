// What a read or write of a key would do now, in words. Of what was just seen of its group, and in the order in which requests are
// tried: what is said here is what `Routing` would do with it, and what the group's replicas would say.

import type { NodeId } from "../base/ids.ts";
import type { Explanation, GroupView } from "./requests.ts";

export type WouldDo = Explanation["wouldDo"];

/** `order`: the nodes of the group that are asked, the nearest first; those that stop are not among them. */
export function wouldDo(group: GroupView, order: readonly NodeId[]): WouldDo {
  const members = group.replicas.filter(({ joining }) => !joining);
  const seen = members.filter(({ role }) => role !== undefined).length;
  return { ...readsOf(group, order, 2 * seen > members.length), ...writesOf(group, order, 2 * seen > members.length) };
}

function readsOf(
  { leader, replicas }: GroupView,
  order: readonly NodeId[],
  hasMajority: boolean,
): Pick<WouldDo, "fastRead" | "strongRead"> {
  // Whoever is being filled sends readers on.
  const serves = (node: NodeId): boolean =>
    replicas.some((replica) => replica.node === node && (replica.role === "leader" || replica.role === "follower"));
  const [nearest] = order;
  // Who cannot do it names the leader, which is tried next.
  const byWhom = [nearest, leader, ...order].find((node) => node !== undefined && order.includes(node) && serves(node));
  if (byWhom === undefined) return { fastRead: nobody, strongRead: nobody };
  const which = byWhom === nearest ? "the nearest replica" : `for ${nearest}, which is nearer, cannot serve it`;
  return {
    fastRead: `be served by ${byWhom}, ${which}, at once`,
    strongRead: strongly(leader, hasMajority, `be served by ${byWhom} after ${leader}, which leads,`),
  };
}

function strongly(leader: NodeId | undefined, hasMajority: boolean, words: string): string {
  if (leader === undefined) return leaderless;
  return hasMajority ? `${words} has confirmed it with a majority` : withoutMajority(leader);
}

function writesOf(
  { leader }: GroupView,
  order: readonly NodeId[],
  hasMajority: boolean,
): Pick<WouldDo, "fastWrite" | "strongWrite"> {
  if (leader === undefined) return { fastWrite: leaderless, strongWrite: leaderless };
  if (!order.includes(leader)) {
    const handedOver = `wait until ${leader}, which stops, has handed its leadership over; or be refused (no_leader) when its time is up`;
    return { fastWrite: handedOver, strongWrite: handedOver };
  }
  const taken = `be taken by ${leader}, which leads`;
  if (!hasMajority) {
    const fastWrite =
      `${taken} and hears no majority: be answered when it is on its disk, and refused (no_quorum) when too much, or for too long, ` +
      `has waited there for a majority`;
    return { fastWrite, strongWrite: withoutMajority(leader) };
  }
  return {
    fastWrite: `${taken}, and be answered when it is on its disk`,
    strongWrite: `${taken}, and be answered when a majority has it on disk and it is applied`,
  };
}

const nobody = "be refused (no_leader) when its time is up: no replica that could serve it answers";
const leaderless = "be refused (no_leader) when its time is up, unless there is a leader before";

function withoutMajority(leader: NodeId): string {
  return `be refused (no_quorum) after 250 ms, unless there is another leader by then: ${leader}, which leads, hears no majority`;
}
