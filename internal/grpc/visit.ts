// Requests between nodes that are no peers: one side opens a stream, asks, is answered, and goes.

import type { Clock, Scheduler } from "../platform/clock.ts";
import type { AskOutcome, NetworkHost, NodeIdentity, RequestOptions } from "../platform/network.ts";
import { AskedRequests, type RequestNumbers } from "./asked-requests.ts";
import { FrameStream, type StreamOwner } from "./frame-stream.ts";
import { Greeting } from "./greeting.ts";
import { helloOf, judgeWelcome } from "./handshake.ts";
import type { Received } from "./inbox.ts";
import type { TransportLimits } from "./limits.ts";
import { encodeHello, kind, purpose, type Hello } from "./peer-protocol.ts";
import { PeerCall } from "./peer-service.ts";
import { ServedRequests } from "./served-requests.ts";
import { ClientWire, type Wire } from "./wire.ts";

export interface VisitParts {
  readonly host: NetworkHost;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly limits: TransportLimits;
  readonly numbers: RequestNumbers;
}

export interface Question {
  readonly payload: Uint8Array;
  readonly options: RequestOptions;
  readonly settle: (outcome: AskOutcome) => void;
}

/** The asking side. */
export class Visit implements StreamOwner {
  private readonly parts: VisitParts;
  private readonly question: Question;
  private readonly wire: ClientWire;
  private readonly asked: AskedRequests;
  private readonly deadline: number;

  constructor(parts: VisitParts, address: string, question: Question) {
    this.parts = parts;
    this.question = question;
    const { clock, scheduler, limits, host, numbers } = parts;
    this.asked = new AskedRequests({ clock, scheduler, numbers, requestsMax: 1 });
    const { timeoutMilliseconds } = question.options;
    this.deadline = clock.monotonicMilliseconds() + timeoutMilliseconds;
    const call = new PeerCall(address, limits);
    call.stream.on("status", () => call.release());
    this.wire = new ClientWire(call.stream);
    new Greeting(this.wire, {
      scheduler,
      milliseconds: Math.min(limits.handshakeMilliseconds, timeoutMilliseconds),
      hello: (hello) => this.ask(hello),
      closed: (detail) => question.settle({ kind: "unreachable", detail }),
    });
    this.wire.write(encodeHello(helloOf(host.identity(), "", purpose.visit)), () => undefined);
  }

  received(_: FrameStream, received: Received): void {
    this.asked.take(received);
  }

  closed(stream: FrameStream): void {
    this.asked.lost(stream);
  }

  roundTrip(): void {
    // Nobody asks for it.
  }

  /** Ends it, whatever it has come to. */
  close(why: string): void {
    this.wire.close(why);
  }

  private ask(hello: Hello): void {
    const { clock, scheduler, limits, host } = this.parts;
    const { payload, options, settle } = this.question;
    const judged = judgeWelcome(hello, "", host);
    if (judged.kind === "refused") {
      this.wire.close(judged.why);
      return;
    }
    const about = { purpose: purpose.visit, isDialled: true, cluster: hello.cluster, rate: undefined };
    const stream = new FrameStream(this.wire, { ...about, clock, scheduler, limits }, this);
    this.wire.listen(stream);
    const timeoutMilliseconds = Math.max(0, this.deadline - clock.monotonicMilliseconds());
    void this.asked.ask(stream, payload, { ...options, timeoutMilliseconds }).then((outcome) => {
      settle(outcome);
      stream.close("it has its answer");
    });
  }
}

/** The asked side. */
export class Visitor implements StreamOwner {
  private readonly served: ServedRequests;
  private readonly leave: () => void;

  constructor(wire: Wire, identity: NodeIdentity, parts: VisitParts, leave: () => void) {
    const { host, clock, scheduler, limits } = parts;
    const about = { purpose: purpose.visit, isDialled: false, cluster: identity.cluster, rate: undefined };
    const stream = new FrameStream(wire, { ...about, clock, scheduler, limits }, this);
    this.leave = leave;
    this.served = new ServedRequests({
      requestsMax: 1,
      hand: (request) => host.visit(identity, request),
      way: () => stream,
    });
    wire.listen(stream);
  }

  received(stream: FrameStream, received: Received): void {
    if (received.kind === kind.request) this.served.take(received);
    else stream.close("a visitor asks, and says nothing else");
  }

  closed(): void {
    this.served.forget();
    this.leave();
  }

  roundTrip(): void {
    // Nobody asks for it.
  }
}
