// A node that writes down what its network tells it.

import { utf8Text } from "../../internal/base/bytes.ts";
import { nodeId, type NodeId } from "../../internal/base/ids.ts";
import type { IncomingRequest, Network, NetworkHost, NodeIdentity } from "../../internal/platform/network.ts";

export class RecordingHost implements NetworkHost {
  own: NodeIdentity;
  readonly messages: Uint8Array[] = [];
  readonly requests: IncomingRequest[] = [];
  readonly visitors: NodeIdentity[] = [];
  /** "up n2 1", "down n2 1", in order. */
  readonly events: string[] = [];
  /** Whom it does not want. */
  readonly unwanted = new Set<NodeId>();
  /** How often it was asked who it is: at each handshake. */
  identified = 0;
  /** What it does with a request. */
  serve: (request: IncomingRequest) => void = (request) => request.answer(request.payload);
  /** While it stands, nothing more is taken. */
  held: Promise<void> | undefined;

  constructor(own: NodeIdentity) {
    this.own = own;
  }

  /** Of none until now. */
  belongsTo(cluster: string, network: Network): void {
    this.own = { ...this.own, cluster };
    network.judgeAgain();
  }

  get texts(): string[] {
    return this.messages.map(utf8Text);
  }

  identity(): NodeIdentity {
    this.identified++;
    return this.own;
  }

  refusal(other: NodeIdentity): string | undefined {
    return this.unwanted.has(other.node) ? `${other.node} is not wanted here` : undefined;
  }

  message(_: NodeId, payload: Uint8Array): Promise<void> | void {
    // Copied as everybody copies, which with a Buffer would be none.
    this.messages.push(payload.slice());
    payload.fill(0);
    return this.held;
  }

  request(_: NodeId, request: IncomingRequest): void {
    this.requests.push(request);
    this.serve(request);
  }

  visit(from: NodeIdentity, request: IncomingRequest): void {
    this.visitors.push(from);
    this.serve(request);
  }

  up(node: NodeId, life: number): void {
    this.events.push(`up ${node} ${life}`);
  }

  down(node: NodeId, life: number): void {
    this.events.push(`down ${node} ${life}`);
  }
}

export function hostOf(name: string, life = 1, cluster = "c1", disk = ""): RecordingHost {
  return new RecordingHost({ node: nodeId(name), cluster, life, disk });
}
