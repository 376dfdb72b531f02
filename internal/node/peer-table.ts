// The other nodes, as the map names them, or, before there is a map, as the settings do: a peer for each, dialled where it listens. Who
// is not there is looked for where the settings have it, and where the map does, in turn: nodes that were all moved while they were
// down know new addresses of each other from their settings alone, and tell the map when they have met.
// What replicas say leaves here, each kind in its lane.

import type { GroupId, NodeId } from "../base/ids.ts";
import type { MessageCodec } from "../replica/message-codec.ts";
import type { ReplicaMessage } from "../replica/messages.ts";
import { ofAnotherCluster, ofAnotherProcess } from "../platform/network.ts";
import type { AskOutcome, Lane, Network, Peer, RequestOptions, RequestOutcome } from "../platform/network.ts";

const lanes: Readonly<Record<ReplicaMessage["type"], Lane>> = {
  pre_vote: "urgent",
  pre_vote_answer: "urgent",
  vote: "urgent",
  vote_answer: "urgent",
  append: "ordinary",
  append_accepted: "urgent",
  append_rejected: "urgent",
  heartbeat: "urgent",
  heartbeat_answer: "urgent",
  snapshot: "urgent",
  transfer_now: "urgent",
  read: "urgent",
  read_confirmed: "urgent",
  read_refused: "urgent",
  salvage: "ordinary",
  salvage_settled: "ordinary",
  keep_log: "urgent",
  log_full: "urgent",
  tick_wanted: "urgent",
  chunk_request: "urgent",
  chunk: "bulk",
  chunk_refused: "urgent",
};

export interface PeerTableParts {
  readonly network: Network;
  readonly codec: MessageCodec;
  readonly self: NodeId;
  /** Where nodes are to be found, as this one was told when it was started. */
  readonly settings?: ReadonlyMap<NodeId, string>;
}

export class PeerTable {
  private readonly network: Network;
  private readonly codec: MessageCodec;
  private readonly self: NodeId;
  private readonly peers = new Map<NodeId, Peer>();
  /** As it was said last. */
  private addresses: ReadonlyMap<NodeId, string> = new Map();
  private readonly settings: ReadonlyMap<NodeId, string>;
  /** Who is dialled where the settings have it, though the map says otherwise. */
  private readonly elsewhere = new Set<NodeId>();

  /** Processes that have said that they stop. */
  private readonly leaving = new Set<NodeId>();

  constructor(parts: PeerTableParts) {
    this.network = parts.network;
    this.codec = parts.codec;
    this.self = parts.self;
    this.settings = parts.settings ?? new Map();
  }

  /** Dials these, and forgets the others. */
  follow(addresses: ReadonlyMap<NodeId, string>): void {
    const before = this.addresses;
    this.addresses = addresses;
    for (const [node, address] of addresses) {
      if (node === this.self || before.get(node) === address) continue;
      this.elsewhere.delete(node);
      this.peers.set(node, this.network.peer(node, address));
    }
    for (const [node, peer] of this.peers) {
      if (addresses.has(node)) continue;
      peer.close();
      this.peers.delete(node);
    }
  }

  /** Now and then: dials whoever is not there at his other address, if he has two. */
  lookElsewhere(): void {
    for (const [node, peer] of this.peers) {
      const known = this.addresses.get(node);
      const set = this.settings.get(node);
      if (peer.life !== undefined || known === undefined || set === undefined || known === set) continue;
      const isBack = this.elsewhere.delete(node);
      if (!isBack) this.elsewhere.add(node);
      this.peers.set(node, this.network.peer(node, isBack ? known : set));
    }
  }

  /** Those who refuse this node, or are refused by it, for they belong to another cluster: when they are most of all, it is this node that is wrong here. */
  get strangers(): readonly NodeId[] {
    const isStranger = ([, { life, trouble }]: readonly [NodeId, Peer]): boolean =>
      life === undefined && trouble?.startsWith(ofAnotherCluster) === true;
    return Array.from(this.peers)
      .filter(isStranger)
      .map(([node]) => node);
  }

  /** Those who refuse this process, for another one has its name. */
  get deniers(): readonly Peer[] {
    return [...this.peers.values()].filter(
      ({ life, trouble }) => life === undefined && trouble?.startsWith(ofAnotherProcess) === true,
    );
  }

  get connected(): readonly NodeId[] {
    return [...this.peers.keys()].filter((node) => this.isConnected(node));
  }

  get(node: NodeId): Peer | undefined {
    return this.peers.get(node);
  }

  get all(): ReadonlyMap<NodeId, Peer> {
    return this.peers;
  }

  /** It stops soon: what is asked of it now may have no answer. */
  noteLeaving(node: NodeId): void {
    this.leaving.add(node);
  }

  /** Another process of the node, or the same one over another connection: whoever leaves says so to each. */
  noteArrived(node: NodeId): void {
    this.leaving.delete(node);
  }

  isLeaving(node: NodeId): boolean {
    return this.leaving.has(node);
  }

  /** Tells everybody who is connected, gateways too. Resolves when all have heard it, or did not answer in time. */
  async tellAll(payload: Uint8Array, options: RequestOptions): Promise<void> {
    await Promise.all(this.network.connected().map((peer) => peer.request(payload, options)));
  }

  isConnected(node: NodeId): boolean {
    return this.peers.get(node)?.life !== undefined;
  }

  /** Whether it is there, or why not, was found out. */
  isKnown(node: NodeId): boolean {
    return node === this.self || this.isConnected(node) || this.peers.get(node)?.trouble !== undefined;
  }

  /** What finds no way is lost: replicas say it again. */
  send(to: NodeId, group: GroupId, message: ReplicaMessage): void {
    this.peers.get(to)?.send(lanes[message.type], this.codec.encode(group, message));
  }

  request(to: NodeId, payload: Uint8Array, options: RequestOptions): Promise<RequestOutcome> {
    const peer = this.peers.get(to);
    return peer === undefined ? Promise.resolve({ kind: "refused", why: "down" }) : peer.request(payload, options);
  }

  /** Of whoever listens there. */
  ask(address: string, payload: Uint8Array, options: RequestOptions): Promise<AskOutcome> {
    return this.network.ask(address, payload, options);
  }

  /** The own one, then connected ones: those of the own zone, and of each zone the one with the shortest way. Then the rest. */
  byDistance(nodes: readonly NodeId[], isOwnZone: (node: NodeId) => boolean = () => true): NodeId[] {
    const places = nodes.map((node) => ({ node, zone: this.zoneDistance(node, isOwnZone), way: this.wayTo(node) }));
    places.sort((left, right) => left.zone - right.zone || left.way - right.way);
    return places.map(({ node }) => node);
  }

  private zoneDistance(node: NodeId, isOwnZone: (node: NodeId) => boolean): number {
    if (node === this.self) return 0;
    if (!this.isConnected(node)) return 3;
    return isOwnZone(node) ? 1 : 2;
  }

  private wayTo(node: NodeId): number {
    return this.peers.get(node)?.roundTripMicroseconds ?? Number.MAX_SAFE_INTEGER;
  }
}
