// What there is to see of the cluster, as those say who hold its replicas.

import { assert } from "../base/assert.ts";
import { TrefoilError } from "../base/errors.ts";
import { groupId } from "../base/ids.ts";
import type { GroupId, NodeId } from "../base/ids.ts";
import { groupOf, replicasOf } from "../cluster/cluster-map.ts";
import type { ClusterMap, MapGroup, MapReplica } from "../cluster/cluster-map.ts";
import type { Ring } from "../ring/ring.ts";
import { decodeAnswer, encodeCall, readSeen } from "./client-wire.ts";
import type { SeenReplica } from "./group-service.ts";
import type { ClusterView, GroupView, NodeView, ReplicaView } from "./requests.ts";
import type { RoutingParts } from "./routing.ts";
import { unavailableIn } from "./unavailable.ts";
import { isSeen, silent } from "./would-do.ts";
import type { Said } from "./would-do.ts";

/** What is asked of other nodes for a view takes no longer. */
export const viewMilliseconds = 500;

export interface Look {
  readonly view: GroupView;
  /** By node. */
  readonly said: ReadonlyMap<NodeId, Said>;
  /** What the leader said; undefined: nobody leads. */
  readonly leading: SeenReplica | undefined;
  /** Replicas that seem to have less than they had said. */
  readonly suspects: readonly MapReplica[];
  /** Replicas whose nodes say that they have none of the group, or another one. */
  readonly missing: readonly MapReplica[];
}

export class Views {
  private readonly parts: RoutingParts;

  constructor(parts: RoutingParts) {
    this.parts = parts;
  }

  async cluster(map: ClusterMap, ring: Ring | undefined): Promise<ClusterView> {
    const { node: self, table } = this.parts;
    const looks = await Promise.all(map.groups.map(({ id }) => this.lookAt(map, ring, id)));
    const groups = looks.map(({ view }) => view);
    const short = await Promise.all(looks.map((look) => this.shortOf(look)));
    const nodes = map.nodes.map(({ id, zone, addresses }): NodeView => {
      const peer = table.get(id);
      const state = id === self ? "self" : peer?.life === undefined ? "unreachable" : "connected";
      return { node: id, zone, addresses, state, roundTripMicroseconds: peer?.roundTripMicroseconds };
    });
    const unreachable = nodes.filter(({ state }) => state === "unreachable");
    const troubles = [
      ...unreachable.map(({ node }) =>
        table.isKnown(node)
          ? `node ${node} cannot be reached from ${self}`
          : `node ${node} has not been reached from ${self} yet`,
      ),
      ...nodes.flatMap(({ node }) => this.unfitInWords(node)),
      ...unavailableIn({ groups, answeredBy: self }),
      ...looks.flatMap(disbeliefInWords),
      ...groups.flatMap(({ group }, at) => (short[at] ?? []).map((seat) => shortInWords(group, seat))),
      ...looks.flatMap((look, at) => missingInWords(look, map.groups[at]?.exchange)),
      ...map.groups.flatMap(exchangeInWords),
      ...map.expected.map((id) => `node ${id} has not come yet`),
    ];
    const { cluster, epoch } = map;
    return { cluster, epoch, format: map.formats.active, answeredBy: self, nodes, groups, troubles };
  }

  private unfitInWords(node: NodeId): readonly string[] {
    const { node: self, unfit } = this.parts;
    const why = node === self ? unfit.own : unfit.of(node);
    if (why === undefined) return [];
    return [`node ${node} cannot write, and others lead its groups as far as they can: ${why}`];
  }

  async lookAt(map: ClusterMap, ring: Ring | undefined, id: GroupId): Promise<Look> {
    const placed = groupOf(map, id);
    assert(placed !== undefined, "a group of the map", { group: id });
    const seats = replicasOf(placed);
    const nodes = [...new Set(seats.map(({ node }) => node))];
    const answers = await Promise.all(nodes.map((node) => this.seenAt(node, id)));
    const said = new Map(answers.map((answer, at) => [nodes[at] as NodeId, answer]));
    // A node may have another replica of the group than the one of a seat: what it says of that one is not told of this.
    const seen = seats.map(({ node, replica }) => {
      const there = said.get(node);
      return isSeen(there) && there.replica === replica ? there : undefined;
    });
    const leading = seen.find(
      (each) => each?.role === "leader" && seen.every((other) => (other?.term ?? 0) <= each.term),
    );
    const commitIndex = greatest(seen.map((each) => each?.commitIndex));
    const replicas = seats.map(({ replica, node }, at): ReplicaView => {
      const { role, appliedIndex } = seen[at] ?? {};
      const lag = appliedIndex === undefined || commitIndex === undefined ? undefined : commitIndex - appliedIndex;
      const joining = replica === placed.exchange?.joining.replica;
      return { replica, node, role, appliedIndex, lag, joining };
    });
    const leader = leading === undefined ? undefined : seats[seen.indexOf(leading)]?.node;
    const term = greatest(seen.map((each) => each?.term));
    const slots = ring === undefined || id === groupId(0) ? 0 : ring.slotsOf(id).length;
    const suspects = seats.filter((_, at) => isShort(seen[at], leading));
    const missing = seats.filter(({ node, replica }) => {
      const there = said.get(node);
      return isSeen(there) ? there.replica !== replica : there === "not_here";
    });
    return { view: { group: id, slots, term, leader, commitIndex, replicas }, said, leading, suspects, missing };
  }

  /** Looks again: what its leader had heard of a replica may be of after the first look. */
  private async shortOf({ view, leading, suspects }: Look): Promise<readonly MapReplica[]> {
    const seen = await Promise.all(suspects.map(({ node }) => this.seenAt(node, view.group)));
    return suspects.filter(({ replica }, at) => {
      const there = seen[at];
      return isSeen(there) && there.replica === replica && isShort(there, leading);
    });
  }

  private async seenAt(node: NodeId, group: GroupId): Promise<Said> {
    const { service, table, keeper } = this.parts;
    if (node === this.parts.node) return service?.view(group) ?? "not_here";
    const payload = encodeCall({ epoch: keeper.epoch, group, call: { kind: "view" } });
    const outcome = await table.request(node, payload, { timeoutMilliseconds: viewMilliseconds, trace: "" });
    if (outcome.kind !== "answered") return silent;
    return this.read(node, outcome.payload);
  }

  /** What cannot be read says nothing. */
  private read(node: NodeId, payload: Uint8Array): Said {
    try {
      const { answer } = decodeAnswer(payload, readSeen);
      if (answer.kind === "done") return answer.value;
      return answer.kind === "again" ? answer.why : silent;
    } catch (failure) {
      if (!(failure instanceof TrefoilError)) throw failure;
      this.parts.logger.warn("another node's look at a replica cannot be read", { from: node, why: failure.message });
      return silent;
    }
  }
}

/** Of what is known; undefined: nothing is. */
function greatest(numbers: readonly (number | undefined)[]): number | undefined {
  const known = numbers.filter((each) => each !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** In one term no log gets shorter: what is missing went with the folder that it lay in. */
function isShort(seen: SeenReplica | undefined, leading: SeenReplica | undefined): boolean {
  if (seen === undefined || leading === undefined || seen.term !== leading.term) return false;
  const said = leading.matched.find(({ replica }) => replica === seen.replica)?.index ?? 0;
  return seen.lastIndex < said;
}

/** Of a group that nobody leads: whether that is so because of its clocks. */
function disbeliefInWords({ view: { group, leader }, said }: Look): readonly string[] {
  if (leader !== undefined) return [];
  const doubting = [...said].flatMap(([node, there]) =>
    isSeen(there) && there.disbeliefMilliseconds > 0 ? [{ node, seconds: there.disbeliefMilliseconds / 1000 }] : [],
  );
  if (doubting.length === 0) return [];
  const nodes = doubting.map(({ node }) => node).join(" and ");
  const seconds = Math.ceil(Math.max(...doubting.map((each) => each.seconds)));
  return [
    `group ${group}: on ${nodes} nobody stands for election for another ${seconds} s, for its newest write is stamped that much further ahead of ` +
      `the clock there than --max-clock-offset lets it be: set a clock right that is slow; where the clocks are right, and were ahead for a ` +
      `while, wait, or start the nodes again with a --max-clock-offset that is ${seconds} s longer`,
  ];
}

function shortInWords(group: GroupId, { replica, node }: MapReplica): string {
  return (
    `group ${group}: replica ${replica} of ${node} has less than it had acknowledged, as with an older copy of its folder; ` +
    `stop ${node}, empty its folder, and start it again: the others fill it`
  );
}

/** But for those whose exchange is told: one that is about to be filled, and one that is lost. */
function missingInWords({ view: { group }, missing }: Look, exchange: MapGroup["exchange"]): readonly string[] {
  const known = [exchange?.joining.replica, exchange?.leaving];
  return missing
    .filter(({ replica }) => !known.includes(replica))
    .map(
      ({ node, replica }) =>
        `group ${group}: ${node} does not have its replica ${replica} open: it is starting, or has lost it`,
    );
}

function exchangeInWords({ id, replicas, exchange }: MapGroup): readonly string[] {
  if (exchange === undefined) return [];
  const { leaving, joining } = exchange;
  const place = replicas.find(({ replica }) => replica === leaving)?.node;
  const words = `group ${id}: replica ${leaving} of ${place} is lost; replica ${joining.replica} of ${joining.node} takes its place`;
  return [words];
}
