// Everything between a process and one other node: up to two streams, one that each side dialled, and others for snapshots.
//
// What is sent goes on one of them, and stays there until it ends, save that just after `up` it moves to the one that the
// peer dialled: so the streams of both directions may overtake each other then, and at no other time.

import { assert } from "../../../internal/base/assert.ts";
import type { NodeId } from "../../../internal/base/ids.ts";
import { laterProcess, strangerRefusal } from "../../../internal/grpc/handshake.ts";
import { traceLengthMax, type Received } from "../../../internal/grpc/inbox.ts";
import { kind, purpose, type Purpose } from "../../../internal/grpc/peer-protocol.ts";
import type { NodeIdentity, Lane, NetworkHost, Peer } from "../../../internal/platform/network.ts";
import type { RequestOptions, RequestOutcome } from "../../../internal/platform/network.ts";
import { AskedRequests, ServedRequests } from "./requests.ts";
import type { EndOwner, EndProcess, StreamEnd } from "./stream.ts";
import type { Wires } from "./wires.ts";

/** For so long after `up` what is sent later may arrive earlier. */
export const overtakingMilliseconds = 1000;
type NewStream = Pick<StreamEnd, "purpose" | "isDialled">;

const bulkWaitingMax = 16;
const roundTripsMax = 8;

export class Link implements Peer, EndOwner {
  readonly node: NodeId;
  life: number | undefined;
  trouble: string | undefined;
  roundTripMicroseconds: number | undefined;
  /** Dials for snapshots. Undefined: nobody here has the peer's address. */
  openBulk: (() => void) | undefined;
  onClose: () => void = () => undefined;
  onLost: () => void = () => undefined;
  private readonly wires: Wires;
  private readonly host: NetworkHost;
  private readonly asked: AskedRequests;
  private readonly served: ServedRequests;
  private readonly ends: StreamEnd[] = [];
  /** What carries messages and requests now, and what carries snapshots. */
  private main: StreamEnd | undefined;
  private bulk: StreamEnd | undefined;
  private bulkWaiting: Uint8Array[] = [];
  private roundTrips: number[] = [];
  private upAt = 0;
  /** Of the process that was connected last, and the greatest life of any that had this folder. */
  private disk = "";
  private lifeMost = 0;

  constructor(node: NodeId, process: EndProcess, host: NetworkHost, wires: Wires) {
    this.node = node;
    this.host = host;
    this.wires = wires;
    const { limits } = process;
    this.asked = new AskedRequests(process, limits.requestsAskedMax);
    this.served = new ServedRequests(
      limits.requestsServedMax,
      (request) => host.request(node, request),
      () => this.main,
    );
  }

  get mainStreams(): number {
    return this.ends.filter((end) => end.purpose === purpose.main).length;
  }

  send(lane: Lane, payload: Uint8Array): boolean {
    if (lane === "bulk") return this.sendBulk(payload);
    const { main } = this;
    if (main === undefined) return false;
    const isTaken = lane === "urgent" ? main.outbox.addUrgent(kind.message, payload) : main.outbox.addMessage(payload);
    main.wake();
    return isTaken;
  }

  request(payload: Uint8Array, options: RequestOptions): Promise<RequestOutcome> {
    assert(options.trace.length <= traceLengthMax, "a trace that is none", { length: options.trace.length });
    if (this.main === undefined) return Promise.resolve({ kind: "refused", why: "down" });
    return this.asked.ask(this.main, payload, options);
  }

  close(): void {
    this.end("the other node wants no connection any more");
  }

  end(why: string): void {
    this.onClose();
    this.closeStreams(why);
  }

  /** Why a stream of this process may not be taken, or undefined. */
  refusal(identity: NodeIdentity): string | undefined {
    const { node, life, disk = "" } = identity;
    return disk === this.disk && life < this.lifeMost ? laterProcess(node) : undefined;
  }

  /** Snapshots travel beside messages alone. */
  bulkRefusal({ life }: Pick<NodeIdentity, "life">, of: Purpose): string | undefined {
    return of !== purpose.bulk || life === this.life ? undefined : "no connection stands beside it";
  }

  /** By a cluster that is known since: what is of another one ends. True: some stream has named none. */
  judge(own: NodeIdentity): boolean {
    for (const end of this.ends.slice()) {
      const why = strangerRefusal(own, { node: this.node, cluster: end.cluster });
      if (why !== undefined) end.close(why);
    }
    return this.ends.some(({ cluster }) => cluster === "");
  }

  /** It is of another cluster, and had named none. */
  closeUnnamed(why: string): void {
    for (const end of this.ends.slice()) if (end.cluster === "") end.close(why);
  }

  /** A stream is through its handshake. It replaces one that the same side had dialled. */
  attach(end: StreamEnd, { life, cluster, disk = "" }: Omit<NodeIdentity, "node">, stream: NewStream): void {
    const isOther = disk !== this.disk || (this.life !== undefined && life > this.life);
    if (isOther) this.closeStreams(laterProcess(this.node));
    this.lifeMost = disk === this.disk ? Math.max(this.lifeMost, life) : life;
    this.disk = disk;
    const before = this.ends.find(
      ({ purpose: of, isDialled }) => of === stream.purpose && isDialled === stream.isDialled,
    );
    this.ends.push(end);
    end.cluster = cluster;
    end.attach(this, stream);
    if (stream.purpose === purpose.main) this.mainOpened(end, life);
    else this.bulkOpened(end);
    if (before === undefined) return;
    this.wires.note("replaced");
    before.close("replaced by a newer stream");
  }

  /** A stream for snapshots could not be opened. */
  bulkFailed(): void {
    this.bulkWaiting = [];
  }

  hello(end: StreamEnd): void {
    end.close("a second hello");
  }

  received(_: StreamEnd, received: Received): Promise<void> | void {
    if (received.kind === kind.message) return this.host.message(this.node, received.payload);
    if (received.kind === kind.request) this.served.take(received);
    else this.asked.take(received);
    return undefined;
  }

  closed(end: StreamEnd, why: string): void {
    const at = this.ends.indexOf(end);
    if (at >= 0) this.ends.splice(at, 1);
    if (end.purpose === purpose.bulk) {
      if (this.bulk !== end) return;
      this.bulk = this.ends.find((other) => other.purpose === purpose.bulk);
      if (this.life !== undefined) end.abandon(this.bulk);
      return;
    }
    this.asked.lost(end);
    if (this.main === end) this.main = this.ends.find((other) => other.purpose === purpose.main);
    if (this.main !== undefined) end.abandon(this.main);
    else if (this.life !== undefined) this.lost(this.life, why);
  }

  roundTrip(microseconds: number): void {
    if (this.life === undefined) return;
    this.roundTrips.push(microseconds);
    if (this.roundTrips.length > roundTripsMax) this.roundTrips.shift();
    this.roundTripMicroseconds = Math.min(...this.roundTrips);
  }

  private lost(life: number, why: string): void {
    this.life = undefined;
    this.roundTripMicroseconds = undefined;
    this.roundTrips = [];
    this.trouble = why;
    this.served.forget();
    this.closeStreams("the connection beside it was lost");
    this.host.down(this.node, life);
    this.onLost();
  }

  private closeStreams(why: string): void {
    for (const end of this.ends.slice()) end.close(why);
  }

  private mainOpened(end: StreamEnd, life: number): void {
    const { now } = this.wires.time;
    this.trouble = undefined;
    if (this.life === undefined) {
      this.life = life;
      this.upAt = now;
      this.main = end;
      this.host.up(this.node, life, this.disk);
    } else if (!end.isDialled && now - this.upAt < overtakingMilliseconds) this.main = end;
  }

  private bulkOpened(end: StreamEnd): void {
    this.bulk ??= end;
    for (const payload of this.bulkWaiting) this.bulk.outbox.addMessage(payload);
    this.bulkWaiting = [];
    this.bulk.wake();
  }

  private sendBulk(payload: Uint8Array): boolean {
    const { bulk } = this;
    if (bulk !== undefined) {
      const isTaken = bulk.outbox.addMessage(payload);
      bulk.wake();
      return isTaken;
    }
    if (this.openBulk === undefined || this.life === undefined) return false;
    if (this.bulkWaiting.length >= bulkWaitingMax) return false;
    this.bulkWaiting.push(payload);
    if (this.bulkWaiting.length === 1) this.openBulk();
    return true;
  }
}
