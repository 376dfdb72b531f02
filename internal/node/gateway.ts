// A coordinator without data: it learns the cluster map from its seeds, follows it by the nodes that the map names, and brings each request
// to a node that can serve it. No node dials it, and the map does not name it: there may be any number.
//
// Among the nodes it goes by a name with chance in it, since two gateways of one name would take each other's place there. Clients see
// the name from its settings.

import { emptyBytes } from "../base/bytes.ts";
import { TrefoilError } from "../base/errors.ts";
import { nodeId } from "../base/ids.ts";
import type { NodeId } from "../base/ids.ts";
import { valueBytesDefault } from "../base/limits.ts";
import type { Prng } from "../base/prng.ts";
import type { ClusterMap } from "../cluster/cluster-map.ts";
import type { Clock, Scheduler, Timer } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { AskOutcome, IncomingRequest, Network, NetworkHost, RequestOutcome } from "../platform/network.ts";
import type { MessageCodec } from "../replica/message-codec.ts";
import { awaitedOf } from "./awaiting.ts";
import { NodeCoordinator } from "./coordinator.ts";
import { UnfitNodes } from "./unfit-nodes.ts";
import { MapKeeper } from "./map-keeper.ts";
import { PeerTable } from "./peer-table.ts";
import { decodeTalk, encodeTalk } from "./peer-talk.ts";
import type { Talk } from "./peer-talk.ts";
import type { ReadMode, WriteMode } from "./requests.ts";
import { SeedWords } from "./seed-words.ts";

export interface GatewaySeams {
  readonly network: Network;
  /** Of what replicas say: no replica lives here, and nothing is said. */
  readonly codec: MessageCodec;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly logger: Logger;
  onFailure(failure: Error): void;
}

export interface GatewaySettings {
  /** As clients see it. */
  readonly id: NodeId;
  readonly zone: string;
  /** Where some nodes of the cluster listen. */
  readonly seeds: readonly string[];
  readonly defaults: { readonly read: ReadMode; readonly write: WriteMode };
  /** The largest value that its clients may put. */
  readonly valueBytesMax?: number;
}

/** Between two looks for a newer map; without any, for the first. */
const lookMilliseconds = 1000;
const firstLookMilliseconds = 200;
const talkMilliseconds = 1000;
/** Of a seed, to which no connection stands: one that is busy takes its time for that. */
const visitMilliseconds = 5000;
const nameCharactersMax = 63;
const chanceDigits = 8;

export class Gateway {
  readonly coordinator: NodeCoordinator;
  readonly keeper: MapKeeper;
  readonly table: PeerTable;
  private readonly seams: GatewaySeams;
  private readonly settings: GatewaySettings;
  private readonly name: NodeId;
  private readonly life: number;
  private readonly seedWords: SeedWords;
  private readonly unfit: UnfitNodes;
  private timer: Timer | undefined;
  private isLooking = false;
  private isClosed = false;

  private constructor(seams: GatewaySeams, settings: GatewaySettings) {
    const { network, codec, clock, random } = seams;
    const { id, zone, defaults, valueBytesMax = valueBytesDefault } = settings;
    this.seams = seams;
    this.settings = settings;
    this.name = nameAmongNodes(id, random.split("name"));
    this.life = clock.wallMilliseconds();
    this.seedWords = new SeedWords({ ...seams, addresses: settings.seeds, flag: "--seeds" });
    this.keeper = new MapKeeper(undefined, (failure) => this.fail(failure));
    this.table = new PeerTable({ network, codec, self: this.name });
    const { keeper, table } = this;
    this.unfit = new UnfitNodes({ clock, table, refusal: () => undefined });
    const awaited = (): string => this.awaited;
    this.coordinator = new NodeCoordinator({
      ...seams,
      node: id,
      zone,
      keeper,
      table,
      service: undefined,
      unfit: this.unfit,
      defaults,
      valueBytesMax,
      awaited,
    });
  }

  /** Resolves before the cluster is known: see `whenReady`. */
  static async open(seams: GatewaySeams, settings: GatewaySettings): Promise<Gateway> {
    const gateway = new Gateway(seams, settings);
    await gateway.begin();
    return gateway;
  }

  /** The map says where each key is, and some node that it names is there. */
  get isReady(): boolean {
    const { keeper, table } = this;
    return keeper.ring !== undefined && table.connected.length > 0;
  }

  /** For whom it waits, while it does not know where keys are. */
  get awaited(): string {
    const { keeper, table, name } = this;
    if (keeper.map !== undefined) return awaitedOf({ self: name, map: keeper.map, peers: [], table });
    return `none of the seeds has told of a cluster yet: ${this.seedWords.all}`;
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    this.timer?.cancel();
    this.coordinator.stop();
    await this.seams.network.close();
    await this.keeper.settled();
  }

  private async begin(): Promise<void> {
    const { network } = this.seams;
    this.keeper.onChange((map) => {
      this.checkName(map);
      this.table.follow(new Map(map.nodes.map(({ id, addresses }) => [id, addresses.peer])));
    });
    await network.listen(this.host());
    this.look();
  }

  private host(): NetworkHost {
    return {
      identity: () => ({ node: this.name, cluster: this.keeper.map?.cluster ?? "", life: this.life }),
      refusal: () => undefined,
      message: () => undefined,
      request: (from, request) => this.hear(from, request),
      visit: (_from, request) => request.refuse(),
      up: (node) => {
        this.table.noteArrived(node);
        this.unfit.noteArrived(node);
        void this.askNode(node);
      },
      down: () => undefined,
    };
  }

  /** A node says that it stops, or that it cannot write; nobody asks a gateway for anything. */
  private hear(from: NodeId, request: IncomingRequest): void {
    const said = this.talkIn(from, request.payload);
    if (said?.kind === "leaving") this.table.noteLeaving(from);
    else if (said?.kind === "unfit") this.unfit.hear(from, said.why);
    else return request.refuse();
    request.answer(emptyBytes);
  }

  /** Again and again: the map may have changed while nobody asked for anything. */
  private look(): void {
    if (this.isClosed) return;
    const milliseconds = this.keeper.map === undefined ? firstLookMilliseconds : lookMilliseconds;
    this.timer = this.seams.scheduler.after(milliseconds, () => this.look());
    this.checkCluster();
    if (this.isLooking) return;
    this.isLooking = true;
    this.lookOnce()
      .catch((failure: unknown) => this.fail(failure))
      .finally(() => {
        this.isLooking = false;
      });
  }

  /** One of those who are there; nobody is: the seeds, for all nodes may have moved. */
  private async lookOnce(): Promise<void> {
    const { connected } = this.table;
    if (connected.length > 0) await this.askNode(this.seams.random.pick(connected));
    else await Promise.all(this.settings.seeds.map((address) => this.askSeed(address)));
  }

  private async askSeed(address: string): Promise<void> {
    const options = { timeoutMilliseconds: visitMilliseconds, trace: "" };
    const outcome = await this.table.ask(address, this.question(), options);
    this.seedWords.note(address, outcome);
    const map = this.mapIn(address, outcome);
    if (map !== undefined) this.adopt(address, map);
  }

  private async askNode(node: NodeId): Promise<void> {
    const options = { timeoutMilliseconds: talkMilliseconds, trace: "" };
    const map = this.mapIn(node, await this.table.request(node, this.question(), options));
    if (map !== undefined) this.adopt(node, map);
  }

  private question(): Uint8Array {
    return encodeTalk({ kind: "map", epoch: this.keeper.epoch, map: undefined });
  }

  /** Nothing is said by whoever has no newer map. */
  private mapIn(from: string, outcome: AskOutcome | RequestOutcome): ClusterMap | undefined {
    if (outcome.kind !== "answered" || outcome.payload.length === 0 || this.isClosed) return undefined;
    const said = this.talkIn(from, outcome.payload);
    return said?.kind === "map" ? said.map : undefined;
  }

  /** What another one has wrong is no failure of this process. */
  private talkIn(from: string, payload: Uint8Array): Talk | undefined {
    try {
      return decodeTalk(payload);
    } catch (failure) {
      this.warn(from, failure);
      return undefined;
    }
  }

  private adopt(from: string, map: ClusterMap): void {
    try {
      this.keeper.adopt(map);
    } catch (failure) {
      this.warn(from, failure);
    }
  }

  private warn(from: string, failure: unknown): void {
    if (!(failure instanceof TrefoilError)) throw failure;
    this.seams.logger.warn("another node's map cannot be taken", { from, why: failure.message });
  }

  /** One node may have got into the place of another; when most have, the cluster is a new one in the old one's place. */
  private checkCluster(): void {
    const { map } = this.keeper;
    const { all, strangers } = this.table;
    if (map === undefined || 2 * strangers.length <= all.size) return;
    const detail =
      `${strangers.join(", ")} belong to another cluster than ${map.cluster}, which this gateway has followed; ` +
      `start it again, and it follows theirs`;
    this.fail(new TrefoilError("conflict", detail));
  }

  /** Requests go by the names of nodes: this one must not be among them. */
  private checkName({ nodes }: ClusterMap): void {
    const { id } = this.settings;
    if (!nodes.some((node) => node.id === id)) return;
    throw new TrefoilError("conflict", `a node of the cluster is called ${id} as this gateway is; choose another --id`);
  }

  private fail(failure: unknown): void {
    if (this.isClosed) return;
    this.seams.onFailure(failure instanceof Error ? failure : new Error(String(failure)));
  }
}

function nameAmongNodes(id: NodeId, random: Prng): NodeId {
  const chance = random.hexDigits(chanceDigits);
  return nodeId(`${id.slice(0, nameCharactersMax - chanceDigits - 1)}-${chance}`);
}
