// Everything between this process and one other node: up to two streams, one that each side opened, and two more while
// snapshots travel.
//
// What is sent goes on the stream that the peer opened, since a reader that dialled has the large window; only while there
// is none, on the own one. (A gateway is dialled by nobody: all that it asks goes that way.)

import { assert } from "../base/assert.ts";
import type { NodeId } from "../base/ids.ts";
import type { NetworkHost, NodeIdentity, Peer, Lane, RequestOptions, RequestOutcome } from "../platform/network.ts";
import { AskedRequests, type RequestNumbers } from "./asked-requests.ts";
import { FrameStream, type StreamOwner, type StreamParts } from "./frame-stream.ts";
import { laterProcess, strangerRefusal } from "./handshake.ts";
import { traceLengthMax, type Received } from "./inbox.ts";
import { kind, purpose, type Purpose } from "./peer-protocol.ts";
import { ServedRequests } from "./served-requests.ts";
import type { Wire } from "./wire.ts";

export interface LinkParts extends Pick<StreamParts, "clock" | "scheduler" | "limits"> {
  readonly host: NetworkHost;
  readonly bulkRate: StreamParts["rate"];
  readonly numbers: RequestNumbers;
}

export type NewStream = Pick<StreamParts, "purpose" | "isDialled">;

/** Of the dialler: opens a stream for snapshots when one is wanted. */
export type OpenBulk = () => void;

/** Busy moments make single measurements long, the first one above all; the least of so many is the way's own length. */
const roundTripsMax = 8;

export class PeerLink implements Peer, StreamOwner {
  readonly node: NodeId;
  trouble: string | undefined;
  roundTripMicroseconds: number | undefined;
  life: number | undefined;
  /** Undefined: nobody here has the peer's address. */
  openBulk: OpenBulk | undefined;
  onClose: () => void = () => undefined;
  /** The last stream is gone. */
  onLost: () => void = () => undefined;
  private readonly parts: LinkParts;
  private readonly streams: FrameStream[] = [];
  private readonly asked: AskedRequests;
  private readonly served: ServedRequests;
  private readonly roundTrips: number[] = [];
  /** Of the process that was connected last, and the greatest life of any that had this folder. */
  private disk = "";
  private lifeMost = 0;
  /** What the next stream for snapshots is to carry first. */
  private bulkWaiting: Uint8Array[] = [];

  constructor(node: NodeId, parts: LinkParts) {
    this.node = node;
    this.parts = parts;
    const { clock, scheduler, limits, host, numbers } = parts;
    this.asked = new AskedRequests({ clock, scheduler, numbers, requestsMax: limits.requestsAskedMax });
    this.served = new ServedRequests({
      requestsMax: limits.requestsServedMax,
      hand: (request) => host.request(node, request),
      way: () => this.way(purpose.main),
    });
  }

  get mainStreams(): number {
    return this.streams.filter(({ parts }) => parts.purpose === purpose.main).length;
  }

  send(lane: Lane, payload: Uint8Array): boolean {
    if (lane === "bulk") return this.sendBulk(payload);
    const stream = this.way(purpose.main);
    if (stream === undefined) return false;
    const isTaken =
      lane === "urgent" ? stream.outbox.addUrgent(kind.message, payload) : stream.outbox.addMessage(payload);
    stream.wake();
    return isTaken;
  }

  request(payload: Uint8Array, options: RequestOptions): Promise<RequestOutcome> {
    assert(options.trace.length <= traceLengthMax, "a trace that is none", { length: options.trace.length });
    const stream = this.way(purpose.main);
    if (stream === undefined) return Promise.resolve({ kind: "refused", why: "down" });
    return this.asked.ask(stream, payload, options);
  }

  close(): void {
    this.end("the other node wants no connection any more");
  }

  end(why: string): void {
    this.onClose();
    this.closeStreams(why);
  }

  private closeStreams(why: string): void {
    for (const stream of this.streams.slice()) stream.close(why);
  }

  /** Why a stream of this process may not be taken, or undefined. */
  refusal({ node, life, disk = "" }: NodeIdentity, wanted: Purpose): string | undefined {
    if (disk === this.disk && life < this.lifeMost) return laterProcess(node);
    if (wanted === purpose.bulk && life !== this.life)
      return `a stream for snapshots of node ${node}, which is not connected`;
    return undefined;
  }

  /** By a cluster that is known since: what is of another one ends. True: some stream has named none. */
  judge(own: NodeIdentity): boolean {
    for (const stream of this.streams.slice()) {
      const why = strangerRefusal(own, { node: this.node, cluster: stream.parts.cluster });
      if (why !== undefined) stream.close(why);
    }
    return this.streams.some(({ parts }) => parts.cluster === "");
  }

  /** It is of another cluster, and had named none. */
  closeUnnamed(why: string): void {
    for (const stream of this.streams.slice()) if (stream.parts.cluster === "") stream.close(why);
  }

  /** A stream is through its handshake. It replaces one that the same side had opened. */
  attach(wire: Wire, { life, cluster, disk = "" }: Omit<NodeIdentity, "node">, stream: NewStream): void {
    const { clock, scheduler, limits, bulkRate } = this.parts;
    // What an earlier process had opened is dead, even if its end was not told yet. One with another folder was judged by the host.
    const isOther = disk !== this.disk || (this.life !== undefined && life > this.life);
    if (isOther) this.closeStreams(laterProcess(this.node));
    this.lifeMost = disk === this.disk ? Math.max(this.lifeMost, life) : life;
    this.disk = disk;
    const rate = stream.purpose === purpose.bulk ? bulkRate : undefined;
    const made = new FrameStream(wire, { ...stream, cluster, clock, scheduler, limits, rate }, this);
    const before = this.streams.find(
      ({ parts }) => parts.purpose === stream.purpose && parts.isDialled === stream.isDialled,
    );
    this.streams.push(made);
    wire.listen(made);
    if (stream.purpose === purpose.main) this.mainOpened(life);
    else this.bulkOpened(made);
    before?.close("replaced by a newer stream");
  }

  /** A stream for snapshots could not be opened. */
  bulkFailed(): void {
    this.bulkWaiting = [];
  }

  received(_: FrameStream, received: Received): Promise<void> | void {
    const { host } = this.parts;
    if (received.kind === kind.message) return host.message(this.node, received.payload);
    if (received.kind === kind.request) this.served.take(received);
    else this.asked.take(received);
    return undefined;
  }

  closed(stream: FrameStream, why: string): void {
    const at = this.streams.indexOf(stream);
    if (at >= 0) this.streams.splice(at, 1);
    if (stream.parts.purpose === purpose.bulk) return;
    this.asked.lost(stream);
    if (this.way(purpose.main) !== undefined || this.life === undefined) return;
    const life = this.life;
    this.life = undefined;
    this.roundTripMicroseconds = undefined;
    this.roundTrips.length = 0;
    this.trouble = why;
    this.served.forget();
    this.closeStreams("the connection beside it was lost");
    this.parts.host.down(this.node, life);
    this.onLost();
  }

  roundTrip(microseconds: number): void {
    this.roundTrips.push(microseconds);
    if (this.roundTrips.length > roundTripsMax) this.roundTrips.shift();
    this.roundTripMicroseconds = Math.min(...this.roundTrips);
  }

  private mainOpened(life: number): void {
    this.trouble = undefined;
    if (this.life !== undefined) return;
    this.life = life;
    this.parts.host.up(this.node, life, this.disk);
  }

  private bulkOpened(stream: FrameStream): void {
    for (const payload of this.bulkWaiting) stream.outbox.addMessage(payload);
    this.bulkWaiting = [];
    stream.wake();
  }

  private sendBulk(payload: Uint8Array): boolean {
    const stream = this.way(purpose.bulk);
    if (stream !== undefined) {
      const isTaken = stream.outbox.addMessage(payload);
      stream.wake();
      return isTaken;
    }
    // Few are asked for at a time: a snapshot's chunks are pulled one by one.
    if (this.openBulk === undefined || this.life === undefined || this.bulkWaiting.length >= 16) return false;
    this.bulkWaiting.push(payload);
    if (this.bulkWaiting.length === 1) this.openBulk();
    return true;
  }

  private way(wanted: Purpose): FrameStream | undefined {
    let own: FrameStream | undefined;
    for (const stream of this.streams) {
      if (stream.parts.purpose !== wanted) continue;
      if (!stream.parts.isDialled) return stream;
      own = stream;
    }
    return own;
  }
}
