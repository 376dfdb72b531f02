// What a read or write of a key would do now, in words: by what the group's nodes have just said, and in the order in which requests are
// tried. Each is tried here as `Routing` would try it:
//
//   nearest, or who leads; who leads; the others by distance     the first that does it
//   nobody does it                                               the gravest of what they say, as the code that a client is told

import { unreachable } from "../base/assert.ts";
import type { NodeId } from "../base/ids.ts";
import type { Again, SeenReplica } from "./group-service.ts";
import { codeOf, worse } from "./refusals.ts";
import type { Explanation } from "./requests.ts";

export type WouldDo = Explanation["wouldDo"];

/** Of a node: what it says of its replica, or why it would take no request. */
export type Said = SeenReplica | Again;

/** Of whoever does not answer. */
export const silent: Again = "no_leader";
export const isSeen = (said: Said | undefined): said is SeenReplica => typeof said === "object";

/** What came of a try: what it does, or why not, and who is to blame. */
type Try = { readonly does: string } | { readonly why: Again; readonly by: NodeId };
type TryAt = (node: NodeId, seen: SeenReplica) => Try;

interface Scene {
  readonly said: ReadonlyMap<NodeId, Said>;
  /** The nodes that are asked, the nearest first; those that stop are not among them. */
  readonly order: readonly NodeId[];
  /** Who says that he leads, that of the newest term first. */
  readonly leaders: readonly NodeId[];
  /** Of all that was said. */
  readonly term: number;
}

/** `order`: the nodes of the group that are asked, the nearest first; those that stop are not among them. */
export function wouldDo(said: ReadonlyMap<NodeId, Said>, order: readonly NodeId[]): WouldDo {
  const seen = [...said].flatMap(([node, each]) => (isSeen(each) ? [{ node, role: each.role, term: each.term }] : []));
  const leading = seen.filter(({ role }) => role === "leader").sort((left, right) => right.term - left.term);
  const term = Math.max(0, ...seen.map((each) => each.term));
  const scene = { said, order, leaders: leading.map(({ node }) => node), term };
  return {
    fastRead: read(scene, (node, { role }) => (role === "learner" ? behind(node) : fastRead(scene, node))),
    strongRead: read(scene, (node, each) => (each.role === "learner" ? behind(node) : strongRead(scene, node, each))),
    fastWrite: write(scene, (node, each) => fastWrite(scene, node, each)),
    strongWrite: write(scene, (node, each) => strongWrite(scene, node, each)),
  };
}

const behind = (by: NodeId): Try => ({ why: "behind", by });

function read(scene: Scene, tryAt: TryAt): string {
  const { said, order, leaders } = scene;
  const tried = tryAll(scene, [...order.slice(0, 1), ...leaders, ...order], tryAt);
  if ("does" in tried) return tried.does;
  const isServed = order.some((node) => {
    const each = said.get(node);
    return isSeen(each) && each.role !== "learner";
  });
  return refused(tried, isServed ? leaderless : nobody);
}

function write(scene: Scene, tryAt: TryAt): string {
  const { order, leaders } = scene;
  const tried = tryAll(scene, [...leaders, ...order], tryAt);
  if ("does" in tried) return tried.does;
  const [leader] = leaders;
  const isHandedOver = leader !== undefined && !order.includes(leader) && codeOf(tried.why) === "no_leader";
  if (!isHandedOver) return refused(tried, leaderless);
  return `wait until ${leader}, which stops, has handed its leadership over; or be refused (no_leader) when its time is up`;
}

/** Each of them once, as far as it is asked at all. */
function tryAll({ said, order }: Scene, nodes: readonly NodeId[], tryAt: TryAt): Try {
  let gravest: { readonly why: Again; readonly by: NodeId } | undefined;
  for (const node of new Set(nodes)) {
    if (!order.includes(node)) continue;
    const each = said.get(node) ?? silent;
    const tried: Try = isSeen(each) ? tryAt(node, each) : { why: each, by: node };
    if ("does" in tried) return tried;
    if (gravest === undefined || worse(gravest.why, tried.why) !== gravest.why) gravest = tried;
  }
  return gravest ?? { why: silent, by: order[0] as NodeId };
}

function fastRead({ order }: Scene, node: NodeId): Try {
  const [nearest] = order;
  const which = node === nearest ? "the nearest replica" : `for ${nearest}, which is nearer, cannot serve it`;
  return { does: `be served by ${node}, ${which}, at once` };
}

/** By the leader's word: a follower asks for it. */
function strongRead({ said, term }: Scene, node: NodeId, seen: SeenReplica): Try {
  const leader = seen.role === "leader" ? node : seen.leader;
  if (leader === undefined) return { why: "no_leader", by: node };
  const leading = said.get(leader);
  const confirmed = (office: string): Try => ({
    does: `be served by ${node} after ${leader}, ${office}, has confirmed it with a majority`,
  });
  // A leader that this node does not reach others may reach.
  if (!isSeen(leading)) return confirmed(`which leads by what ${node} says`);
  if (leading.role !== "leader") return { why: "no_leader", by: leader };
  if (!leading.hasQuorum) return { why: "no_quorum", by: leader };
  return leading.term < term ? { why: "not_leader", by: leader } : confirmed("which leads");
}

function fastWrite({ term }: Scene, node: NodeId, seen: SeenReplica): Try {
  if (seen.role !== "leader") return { why: "not_leader", by: node };
  const office = seen.term < term ? "which leads though a later term has begun" : "which leads";
  if (seen.hasQuorum) return { does: `be taken by ${node}, ${office}, and be answered when it is on its disk` };
  const does =
    `be taken by ${node}, ${office} and hears no majority: be answered when it is on its disk, and refused (no_quorum) when too much, ` +
    `or for too long, has waited there for a majority`;
  return { does };
}

function strongWrite({ term }: Scene, node: NodeId, { role, hasQuorum, term: own }: SeenReplica): Try {
  if (role !== "leader") return { why: "not_leader", by: node };
  if (!hasQuorum) return { why: "no_quorum", by: node };
  if (own < term) return { why: "not_leader", by: node };
  const answered = "be answered when a majority has it on disk and it is applied";
  return { does: `be taken by ${node}, which leads, and ${answered}` };
}

const nobody = "be refused (no_leader) when its time is up: no replica that could serve it answers";
const leaderless = "be refused (no_leader) when its time is up, unless there is a leader before";

/** `otherwise`: when nobody who leads is found. */
function refused({ why, by }: { readonly why: Again; readonly by: NodeId }, otherwise: string): string {
  switch (why) {
    case "no_quorum":
      return `be refused (no_quorum) after 250 ms, unless there is another leader by then: ${by}, which leads, hears no majority`;
    case "busy":
      return `be refused (busy): ${by} has too much to do`;
    case "not_here":
      return `be refused (starting) when its time is up, unless one is there before: ${by} has no replica open, for it is starting, or goes by another map`;
    case "moved":
      return `be refused (stale_map) when its time is up: the key's slot moves, or has moved`;
    case "stopping":
    case "not_leader":
    case "no_leader":
    case "behind":
      return otherwise;
    default:
      return unreachable(why, "a reason to try again");
  }
}
