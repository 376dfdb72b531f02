// The other nodes, as the map names them, or, before there is a map, as the settings do: a peer for each, dialled where it listens.
// What replicas say leaves here, each kind in its lane.

import type { GroupId, NodeId } from "../base/ids.ts";
import type { MessageCodec } from "../replica/message-codec.ts";
import type { ReplicaMessage } from "../replica/messages.ts";
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

export class PeerTable {
  private readonly network: Network;
  private readonly codec: MessageCodec;
  private readonly self: NodeId;
  private readonly peers = new Map<NodeId, Peer>();

  constructor(parts: { readonly network: Network; readonly codec: MessageCodec; readonly self: NodeId }) {
    this.network = parts.network;
    this.codec = parts.codec;
    this.self = parts.self;
  }

  /** Dials these, and forgets the others. */
  follow(addresses: ReadonlyMap<NodeId, string>): void {
    for (const [node, address] of addresses) {
      if (node !== this.self) this.peers.set(node, this.network.peer(node, address));
    }
    for (const [node, peer] of this.peers) {
      if (addresses.has(node)) continue;
      peer.close();
      this.peers.delete(node);
    }
  }

  get(node: NodeId): Peer | undefined {
    return this.peers.get(node);
  }

  get all(): ReadonlyMap<NodeId, Peer> {
    return this.peers;
  }

  isConnected(node: NodeId): boolean {
    return this.peers.get(node)?.life !== undefined;
  }

  /** What finds no way is lost: replicas say it again. */
  send(to: NodeId, group: GroupId, message: ReplicaMessage): void {
    this.peers.get(to)?.send(lanes[message.type], this.codec.encode(group, message));
  }

  async request(to: NodeId, payload: Uint8Array, options: RequestOptions): Promise<RequestOutcome> {
    const peer = this.peers.get(to);
    return peer === undefined ? { kind: "refused", why: "down" } : peer.request(payload, options);
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
