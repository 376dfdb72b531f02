// A network whose peers do what the test says: each request goes to a script, which decides its outcome. It writes down what was asked
// of whom.

import type { NodeId } from "../../internal/base/ids.ts";
import type {
  AskOutcome,
  Lane,
  Network,
  NetworkHost,
  Peer,
  RequestOptions,
  RequestOutcome,
} from "../../internal/platform/network.ts";

export type Script = (node: NodeId, payload: Uint8Array, options: RequestOptions) => Promise<RequestOutcome>;

export class ScriptedNetwork implements Network {
  readonly asked: NodeId[] = [];
  readonly unconnected = new Set<NodeId>();
  /** Neither connected, nor is it known why not. */
  readonly untried = new Set<NodeId>();
  readonly roundTrips = new Map<NodeId, number>();
  script: Script = () => Promise.resolve({ kind: "refused", why: "down" });

  listen(_host: NetworkHost): Promise<void> {
    return Promise.resolve();
  }

  peer(node: NodeId): Peer {
    return new ScriptedPeer(this, node);
  }

  connected(): readonly Peer[] {
    return [];
  }

  ask(): Promise<AskOutcome> {
    return Promise.resolve({ kind: "unreachable", detail: "nobody is there" });
  }

  judgeAgain(): void {
    // All are of one cluster.
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

class ScriptedPeer implements Peer {
  readonly node: NodeId;
  private readonly network: ScriptedNetwork;

  constructor(network: ScriptedNetwork, node: NodeId) {
    this.network = network;
    this.node = node;
  }

  get life(): number | undefined {
    const { unconnected, untried } = this.network;
    return unconnected.has(this.node) || untried.has(this.node) ? undefined : 1;
  }

  get trouble(): string | undefined {
    return this.network.unconnected.has(this.node) ? "as the test says" : undefined;
  }

  get roundTripMicroseconds(): number | undefined {
    return this.network.roundTrips.get(this.node);
  }

  send(_lane: Lane, _payload: Uint8Array): boolean {
    return false;
  }

  request(payload: Uint8Array, options: RequestOptions): Promise<RequestOutcome> {
    this.network.asked.push(this.node);
    return this.network.script(this.node, payload, options);
  }

  close(): void {
    // Nothing is held.
  }
}
