// The network as the nodes of a cluster see it: each has a peer object for each other node, and says things to it.
//
//        A                                       B
//   peer(B).send(message)      ----------->   host.message(A, bytes)      may be lost, silently
//   await peer(B).request(...) ----------->   host.request(A, request)
//                              <-----------   request.answer(bytes)       exactly one outcome, always
//
// What is promised, and no more:
// - Of what is sent to a peer in one lane, what arrives does so in order as long as neither side has lost the other
//   (`down`), save that just after `up` the streams of both directions may overtake each other. Nothing arrives twice.
//   Raft asks for less: it lives with loss, reordering and doubles, and simulated networks give it all three.
// - A message is dropped when the peer is not connected, or when too much waits for it already: `send` says so.
// - A request ends in one outcome: its answer, a refusal (it surely did nothing there), or that nobody knows.
// - Losing the last connection to a process of a node is told at once (rule 24); a connection that is replaced by
//   another one to the same process is no loss.
// - Whoever does not belong here gets no further than the handshake, and is told why.
//
// Bytes: what is handed in belongs to the network, so the caller leaves it unchanged for good. What is handed out
// belongs to the receiver and is never overwritten; it may be a part of a larger buffer (at most `frameBytesMax`) that
// stays in memory along with it, so whoever keeps it for long copies it.

import type { NodeId } from "../base/ids.ts";

/**
 * urgent: heartbeats, votes, acknowledgements, at most `urgentBytesMax` each; they overtake what is ordinary.
 * ordinary: everything else.
 * bulk: snapshots; travels on a connection of its own, under a rate limit, and delays nothing.
 */
export type Lane = "urgent" | "ordinary" | "bulk";

/** Everything that one turn produced for a peer leaves in frames of at most this size. */
export const frameBytesMax = 256 * 1024;
export const urgentBytesMax = 16 * 1024;
/** Of one message, request or answer: the largest value, doubled for what stands around it. Larger ones are bugs. */
export const messageBytesMax = 16 * 1024 * 1024;

/** How the trouble with a peer begins that belongs to another cluster. */
export const ofAnotherCluster = "of another cluster: ";

/** How a refusal begins that tells a process that another one has its name. */
export const ofAnotherProcess = "of another process: ";

export interface NodeIdentity {
  readonly node: NodeId;
  /** Empty as long as the node belongs to none: it may be founding one, or joining. Two that are not empty must agree. */
  readonly cluster: string;
  /** Greater in each process of a node than in those before it. Below 2^53. */
  readonly life: number;
  /** Names the data folder that the process has; absent or empty: none, or it does not say. Lives of one folder alone are compared. */
  readonly disk?: string;
}

export interface Network {
  /** Begins to take other nodes' connections. REQUIRES: it was not called before. Rejects when the address is taken. */
  listen(host: NetworkHost): Promise<void>;
  /**
   * The way to a node at an address ("host:port"), kept open from now on and opened again whenever it is lost. The same
   * node at another address is dialled there. REQUIRES: listening; not the own node.
   */
  peer(node: NodeId, address: string): Peer;
  /** Everybody who is connected now, also who has dialled and is not dialled: gateways. REQUIRES: listening. */
  connected(): readonly Peer[];
  /**
   * Asks whoever listens at an address one thing, such as how to join: no name has to be known, no connection is kept, and
   * nobody is told `up` or `down`. REQUIRES: listening.
   */
  ask(address: string, payload: Uint8Array, options: RequestOptions): Promise<AskOutcome>;
  /**
   * To be called when the host's identity names a cluster that it did not name before: who was taken in meanwhile and is of another one
   * is refused, and who named none either is dialled again, so that each judges the other. REQUIRES: listening.
   */
  judgeAgain(): void;
  /** Tells every peer that it ends, ends what is under way as unknown, and takes nothing more. */
  close(): Promise<void>;
}

/** What the network asks of the node that it serves. Nothing here throws. */
export interface NetworkHost {
  identity(): NodeIdentity;
  /** Why a node may not talk to this one, or undefined. Versions, clusters and names were compared before. */
  refusal(other: NodeIdentity): string | undefined;
  /**
   * A message arrived. When a promise is returned, nothing more is taken from this peer's connection until it settles, and
   * so the sender slows down. It must not wait for anything that comes from the same peer.
   */
  message(from: NodeId, payload: Uint8Array): Promise<void> | void;
  /** A request arrived; `request.answer` or `request.refuse` is called once, now or later. */
  request(from: NodeId, request: IncomingRequest): void;
  /** As request, asked by `Network.ask`: `refusal` was not consulted, so it may be anybody who names no other cluster. */
  visit(from: NodeIdentity, request: IncomingRequest): void;
  /** A process of another node is connected that was not; with which data folder, "" when that is not known. */
  up(node: NodeId, life: number, disk: string): void;
  /** The last connection to that process is gone, or was closed here. */
  down(node: NodeId, life: number): void;
}

export interface Peer {
  readonly node: NodeId;
  /** The process that is connected now. */
  readonly life: number | undefined;
  /** The way there and back: the least of the last few measurements. */
  readonly roundTripMicroseconds: number | undefined;
  /**
   * Why there is no connection, for people: refused in the handshake, nobody listens, … Or `ofAnotherCluster`, and then words. Undefined:
   * there is one, or the first dial has not ended yet.
   */
  readonly trouble: string | undefined;
  /** False: dropped. */
  send(lane: Lane, payload: Uint8Array): boolean;
  request(payload: Uint8Array, options: RequestOptions): Promise<RequestOutcome>;
  /** Not wanted any more. */
  close(): void;
}

export interface RequestOptions {
  /** From now. Travels along, and decides when the outcome is unknown. */
  readonly timeoutMilliseconds: number;
  /** A `traceparent` as W3C writes it, or empty. */
  readonly trace: string;
}

export type RequestOutcome =
  | { readonly kind: "answered"; readonly payload: Uint8Array }
  /**
   * It did nothing there.
   * down: no connection. full: too much waits for this peer here. busy: the peer has too much to do.
   */
  | { readonly kind: "refused"; readonly why: "down" | "full" | "busy" }
  /** It may have been served. lost: the connection. late: the time was up. unsent: the answer found no room. */
  | { readonly kind: "unknown"; readonly why: "lost" | "late" | "unsent" };

/** unreachable: nobody was there, or whoever was there wanted nothing to do with it; `detail` is for people. */
export type AskOutcome = RequestOutcome | { readonly kind: "unreachable"; readonly detail: string };

export interface IncomingRequest {
  readonly payload: Uint8Array;
  /** What was left of the asker's time when it arrived. */
  readonly remainingMilliseconds: number;
  readonly trace: string;
  /** Does nothing when the asker is gone. REQUIRES: neither this nor `refuse` was called before. */
  answer(payload: Uint8Array): void;
  /** Says that it was not begun, for want of room. */
  refuse(): void;
}
