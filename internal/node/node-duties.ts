// What a node does again and again beside serving: it looks for a newer map, in the meta group and at its peers, and asks them what time it is; whoever leads the meta
// group completes the map; whoever leads a group completes its exchange, or hands it to whom the map would have lead it; a node that
// the map has wrong registers.

import { unreachable } from "../base/assert.ts";
import { TrefoilError } from "../base/errors.ts";
import type { GroupId, NodeId } from "../base/ids.ts";
import type { Prng } from "../base/prng.ts";
import { groupOf } from "../cluster/cluster-map.ts";
import type { ClusterMap, MapNode } from "../cluster/cluster-map.ts";
import { endExchange, isRegistered, placeGroups, registerNode, replaceLost } from "../cluster/map-changes.ts";
import type { Clock } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { ofAnotherProcess } from "../platform/network.ts";
import { exchangeStep } from "./exchanges.ts";
import type { UnfitNodes } from "./unfit-nodes.ts";
import type { Leaderships } from "./leaderships.ts";
import type { LocalGroups } from "./local-groups.ts";
import type { MapKeeper } from "./map-keeper.ts";
import type { MetaGroup } from "./meta-group.ts";
import type { PeerClocks } from "./peer-clocks.ts";
import { decodeTalk, encodeTalk } from "./peer-talk.ts";
import type { Talk } from "./peer-talk.ts";
import type { PeerTable } from "./peer-table.ts";
import type { SeedWords } from "./seed-words.ts";

export interface DutyParts {
  readonly self: MapNode;
  /** Asked for a map as long as there is none. */
  readonly seeds: readonly string[];
  readonly seedWords: SeedWords;
  readonly keeper: MapKeeper;
  readonly table: PeerTable;
  readonly groups: LocalGroups;
  readonly meta: MetaGroup;
  readonly leaderships: Leaderships;
  readonly unfit: Pick<UnfitNodes, "look">;
  readonly clocks: PeerClocks;
  readonly clock: Clock;
  readonly random: Prng;
  readonly logger: Logger;
  onFailure(failure: unknown): void;
}

const dutyMilliseconds = 100;
const registerMilliseconds = 1000;
const talkMilliseconds = 1000;
/** Of whom no connection stands yet: whoever is busy takes his time for one, and nothing else can be done meanwhile. */
const visitMilliseconds = 5000;
const gossipMilliseconds = 1000;
const elsewhereMilliseconds = 1000;
/** A process that has just ended may be taken for one that lives, in less than that. */
const deniedMilliseconds = 5000;

type ForMeta = Extract<Talk, { readonly kind: "register" | "joined" }>;

export class NodeDuties {
  private readonly parts: DutyParts;
  private isOnDuty = false;
  private underWay: Promise<void> = Promise.resolve();
  /** What waits for other nodes, by name. */
  private readonly apart = new Map<string, Promise<void>>();
  private dutyAt = 0;
  private registerAt = 0;
  private gossipAt = 0;
  /** Peers that are asked for their map right now. */
  private readonly asked = new Set<NodeId>();
  private elsewhereAt: number;
  /** Since when most others refuse this process for its name. */
  private deniedAt: number | undefined;

  constructor(parts: DutyParts) {
    this.parts = parts;
    // Those whom the map names are dialled there first.
    this.elsewhereAt = parts.clock.monotonicMilliseconds() + elsewhereMilliseconds;
  }

  tick(): void {
    const now = this.parts.clock.monotonicMilliseconds();
    if (this.isOnDuty || now < this.dutyAt) return;
    this.dutyAt = now + dutyMilliseconds;
    this.isOnDuty = true;
    this.underWay = this.duties(now)
      .catch((failure: unknown) => this.failed(failure))
      .finally(() => {
        this.isOnDuty = false;
      });
  }

  /** Resolves when what is under way has ended. REQUIRES: no more ticks. */
  async ended(): Promise<void> {
    await this.underWay;
    await Promise.all(this.apart.values());
  }

  /** Tells a peer of a map, and takes a newer one from it, if it has one. */
  tellMap(node: NodeId, map: ClusterMap): void {
    this.swapMaps(node, map.epoch, map).catch((failure: unknown) => this.parts.onFailure(failure));
  }

  /** A peer goes by a newer map. It is asked for it once at a time. */
  askMap(node: NodeId): void {
    if (this.asked.has(node)) return;
    this.asked.add(node);
    this.swapMaps(node, this.parts.keeper.epoch)
      .catch((failure: unknown) => this.parts.onFailure(failure))
      .finally(() => this.asked.delete(node));
  }

  /** Tells every peer that this node stops. Resolves when all have heard it, or did not answer in time. */
  tellLeaving(timeoutMilliseconds: number): Promise<void> {
    return this.parts.table.tellAll(encodeTalk({ kind: "leaving" }), { timeoutMilliseconds, trace: "" });
  }

  spread(map: ClusterMap): void {
    const { table } = this.parts;
    for (const node of table.all.keys()) if (table.isConnected(node)) this.tellMap(node, map);
  }

  /** A change of the map that is for whoever leads the meta group. */
  async takeChange(talk: ForMeta): Promise<void> {
    await this.parts.meta.change((map) => {
      return talk.kind === "register" ? registerNode(map, talk.node) : endExchange(map, talk.group, talk.replica);
    });
  }

  private async duties(now: number): Promise<void> {
    const { map } = this.parts.keeper;
    if (now >= this.elsewhereAt) {
      this.elsewhereAt = now + elsewhereMilliseconds;
      this.parts.keeper.look();
      this.parts.table.lookElsewhere();
      if (map !== undefined) this.checkBelongs(map);
      this.checkName(now);
    }
    await this.parts.meta.look();
    if (map === undefined) return this.lookAround(now);
    if (this.parts.meta.isLeader) {
      this.begin("map", async () => {
        await this.parts.meta.found(map);
        await this.parts.meta.change((present) => replaceLost(placeGroups(present)));
      });
    }
    for (const group of map.groups) this.exchange(map, group.id);
    this.begin("unfit", () => this.parts.unfit.look());
    this.parts.leaderships.look(map);
    if (!isRegistered(map, this.parts.self) && now >= this.registerAt) {
      this.registerAt = now + registerMilliseconds;
      this.begin("register", () => this.tellMeta({ kind: "register", node: this.parts.self }));
    }
    if (now >= this.gossipAt) {
      this.gossipAt = now + gossipMilliseconds;
      this.gossip(map);
    }
  }

  /** What waits for other nodes, such as a meta group that may have no majority, goes on beside the other duties, each once at a time. */
  private begin(name: string, work: () => Promise<void>): void {
    if (this.apart.has(name)) return;
    const done = work()
      .catch((failure: unknown) => this.failed(failure))
      .finally(() => this.apart.delete(name));
    this.apart.set(name, done);
  }

  /** Who leads may change at any moment; it is tried again. */
  private failed(failure: unknown): void {
    if (!(failure instanceof TrefoilError) || failure.code !== "no_leader") this.parts.onFailure(failure);
  }

  /** One peer of another cluster may be in the wrong place itself; when most are, this node is. */
  private checkBelongs({ cluster }: ClusterMap): void {
    const { strangers, all } = this.parts.table;
    if (2 * strangers.length <= all.size) return;
    const detail =
      `${strangers.join(", ")} belong to another cluster than the data folder of this node, which is of cluster ${cluster}; give it ` +
      `its own folder with --data, or an empty one, or correct --peers`;
    throw new TrefoilError("conflict", detail);
  }

  /** Whom most others refuse, for another process has the name, is not the node any more: nothing that it would still answer could be kept. */
  private checkName(now: number): void {
    const { deniers, all } = this.parts.table;
    if (2 * deniers.length <= all.size) this.deniedAt = undefined;
    else this.deniedAt ??= now;
    if (this.deniedAt === undefined || now - this.deniedAt < deniedMilliseconds) return;
    const words = deniers.map(({ node, trouble = "" }) => `${node}: ${trouble.slice(ofAnotherProcess.length)}`);
    const detail = `the others go by another process of this name; what this data folder holds stays in it (${words.join("; ")})`;
    throw new TrefoilError("conflict", detail);
  }

  /** No map yet: whoever is known is asked for one. */
  private async lookAround(now: number): Promise<void> {
    if (now < this.gossipAt) return;
    this.gossipAt = now + gossipMilliseconds;
    const { table, seeds, seedWords } = this.parts;
    const asked = [...table.all.keys()].map((node) => this.swapMaps(node, undefined));
    const payload = encodeTalk({ kind: "map", epoch: 0, map: undefined });
    const visited = seeds.map(async (address) => {
      const outcome = await table.ask(address, payload, { timeoutMilliseconds: visitMilliseconds, trace: "" });
      seedWords.note(address, outcome);
      if (outcome.kind === "answered") this.hear(address, outcome.payload);
    });
    await Promise.all([...asked, ...visited]);
  }

  private gossip(map: ClusterMap): void {
    const connected = [...this.parts.table.all.keys()].filter((node) => this.parts.table.isConnected(node));
    if (connected.length === 0) return;
    const node = this.parts.random.pick(connected);
    const done = Promise.all([this.swapMaps(node, map.epoch), this.parts.clocks.ask(node)]);
    void done.catch((failure: unknown) => this.parts.onFailure(failure));
  }

  /** Takes a newer map from a peer, if it has one. */
  private async swapMaps(node: NodeId, epoch = 0, map?: ClusterMap): Promise<void> {
    const payload = encodeTalk({ kind: "map", epoch, map });
    const outcome = await this.parts.table.request(node, payload, { timeoutMilliseconds: talkMilliseconds, trace: "" });
    if (outcome.kind === "answered") this.hear(node, outcome.payload);
  }

  /** Nothing is said by whoever has no newer map. What it has wrong is no failure of this node. */
  private hear(from: string, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    try {
      const said = decodeTalk(bytes);
      if (said.kind === "map" && said.map !== undefined) this.parts.keeper.adopt(said.map);
    } catch (failure) {
      if (!(failure instanceof TrefoilError)) throw failure;
      this.parts.logger.warn("another node's map cannot be taken", { from, why: failure.message });
    }
  }

  private exchange(map: ClusterMap, id: GroupId): void {
    const group = groupOf(map, id);
    const replica = this.parts.groups.get(id);
    if (group === undefined || replica?.status.role !== "leader") return;
    const step = exchangeStep(group, replica.status.configuration, replica.id);
    switch (step.kind) {
      case "change":
        // A refusal passes: a learner that lacks too much, a leader without a majority.
        replica.change(step.to);
        return;
      case "hand_over":
        replica.transfer(step.to);
        return;
      case "joined":
        this.begin(`joined ${id}`, () => this.tellMeta({ kind: "joined", group: id, replica: step.replica }));
        return;
      case "nothing":
        return;
      default:
        unreachable(step, "a step of an exchange");
    }
  }

  /** To whoever leads the meta group, which may be here; whoever does not passes nothing on. */
  private async tellMeta(talk: Extract<Talk, { kind: "register" | "joined" }>): Promise<void> {
    if (this.parts.meta.isLeader) return this.takeChange(talk);
    const meta = this.parts.keeper.map?.groups[0];
    const payload = encodeTalk(talk);
    const asked = (meta?.replicas ?? []).map(async ({ node }) => {
      if (node === this.parts.self.id) return;
      await this.parts.table.request(node, payload, { timeoutMilliseconds: talkMilliseconds, trace: "" });
    });
    await Promise.all(asked);
  }
}
