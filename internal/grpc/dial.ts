// One try to open a stream to a peer: connects, says hello, judges the answer, and hands the stream to the peer's link.

import type { Scheduler } from "../platform/clock.ts";
import type { NetworkHost } from "../platform/network.ts";
import { Greeting } from "./greeting.ts";
import { helloOf, judgeWelcome } from "./handshake.ts";
import type { TransportLimits } from "./limits.ts";
import type { PeerLink } from "./peer-link.ts";
import { encodeHello, type Hello, type Purpose } from "./peer-protocol.ts";
import { PeerCall } from "./peer-service.ts";
import { ClientWire } from "./wire.ts";

export interface DialParts {
  readonly address: string;
  readonly purpose: Purpose;
  readonly host: NetworkHost;
  readonly scheduler: Scheduler;
  readonly limits: TransportLimits;
  /** Once, when the stream, or the try, is over. Why: of a stream that was never handed on. */
  ended(why: string | undefined): void;
}

export class Dial {
  private readonly link: PeerLink;
  private readonly parts: DialParts;
  private readonly wire: ClientWire;
  private why: string | undefined;

  constructor(link: PeerLink, parts: DialParts) {
    this.link = link;
    this.parts = parts;
    const { limits, scheduler } = parts;
    const call = new PeerCall(parts.address, limits);
    this.wire = new ClientWire(call.stream);
    new Greeting(this.wire, {
      scheduler,
      milliseconds: limits.handshakeMilliseconds,
      hello: (hello) => this.judge(hello),
      closed: (why) => {
        this.why = why;
      },
    });
    // Behind the wire's own listener, whoever listens to the wire by then.
    call.stream.on("status", () => {
      call.release();
      parts.ended(this.why);
    });
    this.wire.write(encodeHello(helloOf(parts.host.identity(), link.node, parts.purpose)), () => undefined);
  }

  close(why: string): void {
    this.wire.close(why);
  }

  private judge(hello: Hello): void {
    const { host, purpose } = this.parts;
    const judged = judgeWelcome(hello, this.link.node, host);
    const why = judged.kind === "refused" ? judged.why : this.link.refusal(judged.identity, purpose);
    if (why === undefined) this.link.attach(this.wire, hello, { purpose, isDialled: true });
    else this.wire.close(why);
  }
}
