// From nothing to a stream: one try, and a dialler that tries again, later and later, whenever it is lost.

import { helloOf, judgeWelcome } from "../../../internal/grpc/handshake.ts";
import type { Hello, Purpose } from "../../../internal/grpc/peer-protocol.ts";
import { purpose } from "../../../internal/grpc/peer-protocol.ts";
import { failuresInRow, redialPause } from "../../../internal/grpc/redial.ts";
import { ofAnotherCluster } from "../../../internal/platform/network.ts";
import type { Timer } from "../../../internal/platform/clock.ts";
import type { Link } from "./link.ts";
import type { NodeNetwork } from "./node-network.ts";
import { SimStream, type EndOwner, type StreamEnd } from "./stream.ts";

/** How a try goes on when the other side has said hello. */
export interface DialParts {
  readonly address: string;
  /** Empty: whoever is there. */
  readonly wanted: string;
  readonly purpose: Purpose;
  readonly milliseconds: number;
  /** It is welcome, by the hellos; why it is not wanted all the same. */
  welcome(end: StreamEnd, hello: Hello): string | undefined;
  /** The try is over, and there never was a stream. */
  failed(why: string): void;
}

export class Dial implements EndOwner {
  readonly end: StreamEnd;
  private readonly network: NodeNetwork;
  private readonly parts: DialParts;
  private readonly timer: Timer;

  constructor(network: NodeNetwork, parts: DialParts) {
    this.network = network;
    this.parts = parts;
    const { address, milliseconds, wanted } = parts;
    this.end = new SimStream(network.wires, network.address, address).ends[0];
    this.end.begin(network.process, this);
    this.end.connect(helloOf(network.host.identity(), wanted, parts.purpose));
    this.timer = network.process.clock.after(milliseconds, () =>
      this.end.close(`no answer from ${address} within ${milliseconds} ms`),
    );
  }

  hello(end: StreamEnd, hello: Hello): void {
    this.timer.cancel();
    const judged = judgeWelcome(hello, this.parts.wanted, this.network.host);
    const why = judged.kind === "refused" ? judged.why : this.parts.welcome(end, hello);
    if (why !== undefined) end.close(why);
  }

  closed(_: StreamEnd, why: string): void {
    this.timer.cancel();
    this.parts.failed(why);
  }

  received(): void {
    // Nothing comes before the hello.
  }

  roundTrip(): void {
    // Nobody asks for it.
  }
}

export class Dialler {
  readonly address: string;
  private readonly network: NodeNetwork;
  private readonly link: Link;
  private end: StreamEnd | undefined;
  private dialledAt = 0;
  private failures = 0;
  private timer: Timer | undefined;
  private isClosed = false;

  constructor(network: NodeNetwork, link: Link, address: string) {
    this.network = network;
    this.link = link;
    this.address = address;
    this.try();
  }

  /** The peer is there: it has dialled this node. */
  hurry(): void {
    if (this.timer === undefined) return;
    this.timer.cancel();
    this.try();
  }

  /** Once more, beside the stream that there is, which the new one replaces. */
  renew(): void {
    this.timer?.cancel();
    this.try();
  }

  /** Ends the stream, too. */
  close(why: string): void {
    this.isClosed = true;
    this.timer?.cancel();
    this.end?.close(why);
  }

  private try(): void {
    this.timer = undefined;
    this.dialledAt = this.network.wires.time.now;
    const { link, network, address } = this;
    const dial: Dial = new Dial(network, {
      address,
      wanted: link.node,
      purpose: purpose.main,
      milliseconds: network.process.limits.handshakeMilliseconds,
      welcome: (end, { cluster, life, disk = "" }) => {
        const why = link.refusal({ node: link.node, cluster, life, disk });
        if (why !== undefined) return why;
        end.onEnded = () => this.ended(end, undefined);
        link.attach(end, { cluster, life, disk }, { purpose: purpose.main, isDialled: true });
        return undefined;
      },
      failed: (why) => this.ended(dial.end, why),
    });
    this.end = dial.end;
  }

  private ended(end: StreamEnd, why: string | undefined): void {
    if (this.isClosed || end !== this.end) return;
    this.end = undefined;
    const { link, network } = this;
    if (why !== undefined && link.life === undefined) link.trouble = why;
    if (why?.startsWith(ofAnotherCluster) === true) link.closeUnnamed(why);
    const { limits } = network.process;
    const lastedMilliseconds = why === undefined ? network.wires.time.now - this.dialledAt : undefined;
    this.failures = failuresInRow({ failures: this.failures, lastedMilliseconds }, limits);
    const pause = redialPause(this.failures, limits, network.chance.below(500) / 500);
    this.timer = network.process.clock.after(pause, () => this.try());
  }
}
