// Network (internal/platform/network.ts) of one simulated process. Who may talk to whom is decided by the handshake of
// internal/grpc, word for word; ways, loss and time are those of the simulated wires.

import { assert } from "../../../internal/base/assert.ts";
import type { NodeId } from "../../../internal/base/ids.ts";
import type { Prng } from "../../../internal/base/prng.ts";
import { judgeHello, welcomeOf, type Welcome } from "../../../internal/grpc/handshake.ts";
import { defaultLimits, type TransportLimits } from "../../../internal/grpc/limits.ts";
import { purpose, type Hello } from "../../../internal/grpc/peer-protocol.ts";
import type { AskOutcome, Network, NetworkHost, Peer, RequestOptions } from "../../../internal/platform/network.ts";
import type { NodeClock } from "../virtual-time.ts";
import { Dial, Dialler } from "./dialler.ts";
import { Link } from "./link.ts";
import type { EndOwner, EndProcess, StreamEnd } from "./stream.ts";
import { visit, Visitor } from "./visit.ts";
import type { Wires } from "./wires.ts";

export interface NodeNetworkParts {
  readonly wires: Wires;
  /** "host:port". One machine is one address. */
  readonly address: string;
  /** Of the process: dead when it is. */
  readonly clock: NodeClock;
  readonly chance: Prng;
  readonly limits?: Partial<TransportLimits>;
}

interface Neighbour {
  readonly link: Link;
  /** None: it has dialled, and nobody here has asked for it. */
  dialler: Dialler | undefined;
}

interface Listening {
  readonly host: NetworkHost;
  readonly process: EndProcess;
}

/** A kernel closes the connections of a process that has ended within so long. */
const closingMillisecondsMost = 20;

export class NodeNetwork implements Network {
  readonly wires: Wires;
  readonly address: string;
  readonly chance: Prng;
  private readonly parts: NodeNetworkParts;
  private readonly neighbours = new Map<NodeId, Neighbour>();
  private listening: Listening | undefined;
  private visitors = 0;
  private isJudged = false;
  private isClosed = false;

  constructor(parts: NodeNetworkParts) {
    this.parts = parts;
    this.wires = parts.wires;
    this.address = parts.address;
    this.chance = parts.chance;
  }

  get host(): NetworkHost {
    return this.present.host;
  }

  get process(): EndProcess {
    return this.present.process;
  }

  /** Open streams to peers, those for snapshots left out: two for each when both sides dial. */
  get streams(): number {
    let count = 0;
    for (const { link } of this.neighbours.values()) count += link.mainStreams;
    return count;
  }

  get diallers(): number {
    return [...this.neighbours.values()].filter(({ dialler }) => dialler !== undefined).length;
  }

  async listen(host: NetworkHost): Promise<void> {
    assert(this.listening === undefined, "the network listens already", {});
    const { clock } = this.parts;
    const limits = { ...defaultLimits, ...this.parts.limits };
    this.wires.listen(this);
    const { node } = host.identity();
    this.listening = { host, process: { node, clock, limits, ends: new Set(), requestNumbers: { last: 0 } } };
  }

  peer(node: NodeId, address: string): Peer {
    const { host } = this.open;
    assert(node !== host.identity().node, "a node is no peer of itself", { node });
    const neighbour = this.neighbour(node);
    if (neighbour.dialler?.address === address) return neighbour.link;
    neighbour.dialler?.close("it has moved to another address");
    const { link } = neighbour;
    neighbour.dialler = new Dialler(this, link, address);
    link.openBulk = () => this.openBulk(link, address);
    return link;
  }

  connected(): readonly Peer[] {
    return Array.from(this.neighbours.values(), ({ link }) => link).filter(({ life }) => life !== undefined);
  }

  ask(address: string, payload: Uint8Array, options: RequestOptions): Promise<AskOutcome> {
    assert(this.open !== undefined, "the network does not listen", { address });
    return visit(this, address, payload, options);
  }

  judgeAgain(): void {
    const own = this.host.identity();
    if (this.isClosed || this.isJudged || own.cluster === "") return;
    this.isJudged = true;
    for (const { link, dialler } of this.neighbours.values()) if (link.judge(own)) dialler?.renew();
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const { link } of this.neighbours.values()) link.end("the other node stops");
    for (const end of this.listening?.process.ends ?? []) end.close("the other node stops");
    this.wires.leave(this);
  }

  /**
   * The process ends without a word. Its kernel closes its connections after a moment, some with what was on its way;
   * without power nobody does. REQUIRES: its clock is dead.
   */
  crash(isPowerCut: boolean): void {
    assert(this.parts.clock.isDead, "a process that lives", { address: this.address });
    this.isClosed = true;
    this.wires.leave(this);
    if (isPowerCut) this.wires.dark.add(this.address);
    for (const end of this.listening?.process.ends ?? []) {
      end.die();
      if (isPowerCut) continue;
      const loses = this.chance.chance(1, 2);
      this.wires.time.after(this.chance.below(closingMillisecondsMost), () => {
        if (loses) end.out.drop();
        end.out.put({ kind: loses ? "reset" : "end", why: "the connection was lost" });
      });
    }
  }

  /** A stream has reached this address. */
  accept(end: StreamEnd): void {
    const { process } = this.present;
    const greeting: EndOwner = {
      hello: (_, hello) => this.greet(end, hello),
      received: () => undefined,
      closed: () => undefined,
      roundTrip: () => undefined,
    };
    end.begin(process, greeting);
  }

  /** A message of a connection that may be gone, from a process that may be. */
  straggler(from: NodeId, payload: Uint8Array): void {
    const { host, process } = this.present;
    process.clock.live(() => {
      if (!this.isClosed) void host.message(from, payload.slice());
    });
  }

  private get present(): Listening {
    assert(this.listening !== undefined, "the network does not listen", { address: this.address });
    return this.listening;
  }

  private get open(): Listening {
    assert(!this.isClosed, "the network is closed", { address: this.address });
    return this.present;
  }

  private neighbour(node: NodeId): Neighbour {
    const known = this.neighbours.get(node);
    if (known !== undefined) return known;
    const made: Neighbour = { link: new Link(node, this.process, this.host, this.wires), dialler: undefined };
    made.link.onClose = () => {
      made.dialler?.close("not wanted any more");
      this.neighbours.delete(node);
    };
    made.link.onLost = () => {
      if (made.dialler === undefined) this.neighbours.delete(node);
    };
    this.neighbours.set(node, made);
    return made;
  }

  private greet(end: StreamEnd, hello: Hello): void {
    const { host } = this;
    const judged = judgeHello(hello, host);
    if (judged.kind === "refused") end.close(judged.why);
    else if (judged.purpose === purpose.visit) this.receive(end, judged);
    else {
      const { identity } = judged;
      const neighbour = this.neighbour(identity.node);
      const { link, dialler } = neighbour;
      const stale = link.refusal(identity) ?? link.bulkRefusal(identity, judged.purpose);
      if (stale !== undefined) {
        end.close(stale);
        return;
      }
      end.say(welcomeOf(host.identity(), judged));
      link.attach(end, identity, { purpose: judged.purpose, isDialled: false });
      // The loss of an earlier process may just have made it forgotten.
      this.neighbours.set(identity.node, neighbour);
      dialler?.hurry();
    }
  }

  private receive(end: StreamEnd, judged: Welcome): void {
    if (this.visitors >= this.process.limits.strangersMax) {
      end.close("too many visitors");
      return;
    }
    this.visitors++;
    end.say(welcomeOf(this.host.identity(), judged));
    new Visitor(end, judged.identity, this, () => {
      this.visitors--;
    });
  }

  private openBulk(link: Link, address: string): void {
    new Dial(this, {
      address,
      wanted: link.node,
      purpose: purpose.bulk,
      milliseconds: this.process.limits.handshakeMilliseconds,
      welcome: (end, hello) => {
        const why = link.bulkRefusal(hello, purpose.bulk);
        if (why !== undefined) return why;
        link.attach(end, hello, { purpose: purpose.bulk, isDialled: true });
        return undefined;
      },
      failed: () => link.bulkFailed(),
    });
  }
}
