// One request to whoever listens at an address: a stream of its own, and nobody's peer.

import { purpose } from "../../../internal/grpc/peer-protocol.ts";
import { kind } from "../../../internal/grpc/peer-protocol.ts";
import type { Received } from "../../../internal/grpc/inbox.ts";
import type { AskOutcome, NodeIdentity, RequestOptions } from "../../../internal/platform/network.ts";
import { Dial } from "./dialler.ts";
import type { NodeNetwork } from "./node-network.ts";
import { AskedRequests, ServedRequests } from "./requests.ts";
import type { EndOwner, StreamEnd } from "./stream.ts";

/** The asking side. */
export function visit(
  network: NodeNetwork,
  address: string,
  payload: Uint8Array,
  options: RequestOptions,
): Promise<AskOutcome> {
  return new Promise((resolve) => {
    const { clock, limits } = network.process;
    const asked = new AskedRequests(network.process, 1);
    const deadline = clock.monotonicMilliseconds() + options.timeoutMilliseconds;
    const owner: EndOwner = {
      hello: (end) => end.close("a second hello"),
      received: (_, received) => asked.take(received),
      closed: (end) => asked.lost(end),
      roundTrip: () => undefined,
    };
    new Dial(network, {
      address,
      wanted: "",
      purpose: purpose.visit,
      milliseconds: Math.min(limits.handshakeMilliseconds, options.timeoutMilliseconds),
      welcome: (end) => {
        end.attach(owner, { purpose: purpose.visit, isDialled: true });
        const timeoutMilliseconds = Math.max(0, deadline - clock.monotonicMilliseconds());
        void asked.ask(end, payload, { ...options, timeoutMilliseconds }).then((outcome) => {
          resolve(outcome);
          clock.live(() => end.close("it has its answer"));
        });
        return undefined;
      },
      failed: (detail) => resolve({ kind: "unreachable", detail }),
    });
  });
}

/** The asked side. */
export class Visitor implements EndOwner {
  private readonly served: ServedRequests;
  private readonly leave: () => void;

  constructor(end: StreamEnd, identity: NodeIdentity, network: NodeNetwork, leave: () => void) {
    this.leave = leave;
    this.served = new ServedRequests(
      1,
      (request) => network.host.visit(identity, request),
      () => (end.isClosed ? undefined : end),
    );
    end.attach(this, { purpose: purpose.visit, isDialled: false });
  }

  hello(end: StreamEnd): void {
    end.close("a second hello");
  }

  received(end: StreamEnd, received: Received): void {
    if (received.kind === kind.request) this.served.take(received);
    else end.close("a visitor asks, and says nothing else");
  }

  closed(): void {
    this.served.forget();
    this.leave();
  }

  roundTrip(): void {
    // Nobody asks for it.
  }
}
