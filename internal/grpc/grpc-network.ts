// Network over gRPC: one server that takes other nodes' streams, and for each peer a link with a dialler.

import { Server, type ServerDuplexStream } from "@grpc/grpc-js";
import { assert } from "../base/assert.ts";
import type { NodeId } from "../base/ids.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import type { Logger } from "../platform/logger.ts";
import type { AskOutcome, Network, NetworkHost, Peer, RequestOptions } from "../platform/network.ts";
import { Dial } from "./dial.ts";
import { Dialler } from "./dialler.ts";
import { Greeting } from "./greeting.ts";
import { judgeHello, welcomeOf, type Welcome } from "./handshake.ts";
import { defaultLimits, type TransportLimits } from "./limits.ts";
import { PeerLink } from "./peer-link.ts";
import { RequestNumbers } from "./asked-requests.ts";
import { encodeHello, purpose, type Hello } from "./peer-protocol.ts";
import { peerCredentials, peersService, serverOptions } from "./peer-service.ts";
import { RateLimit } from "./rate-limit.ts";
import { Visit, Visitor, type VisitParts } from "./visit.ts";
import { ServerWire, type Wire } from "./wire.ts";

export interface GrpcNetworkOptions {
  /** "host:port"; port 0 takes one that is free. Undefined: this process dials, and is dialled by nobody. */
  readonly address: string | undefined;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
  readonly limits?: Partial<TransportLimits>;
}

interface Neighbour {
  readonly link: PeerLink;
  /** None: it has dialled, and nobody here has asked for it. */
  dialler: Dialler | undefined;
}

export class GrpcNetwork implements Network {
  private readonly options: GrpcNetworkOptions;
  private readonly limits: TransportLimits;
  private readonly server: Server;
  private readonly bulkRate: RateLimit;
  private readonly numbers = new RequestNumbers();
  private readonly neighbours = new Map<NodeId, Neighbour>();
  private listening: { readonly host: NetworkHost; readonly port: number } | undefined;
  private strangers = 0;
  private visitors = 0;
  private readonly visits = new Set<Visit>();
  /** By the own cluster. */
  private isJudged = false;
  private isClosed = false;

  constructor(options: GrpcNetworkOptions) {
    this.options = options;
    this.limits = { ...defaultLimits, ...options.limits };
    this.bulkRate = new RateLimit(this.limits.bulkBytesPerSecond);
    this.server = new Server(serverOptions(this.limits));
  }

  /** REQUIRES: listening. */
  get port(): number {
    assert(this.listening !== undefined, "the network does not listen", {});
    return this.listening.port;
  }

  /** Open streams to peers, those for snapshots left out: two for each when both sides dial. */
  get streams(): number {
    let count = 0;
    for (const { link } of this.neighbours.values()) count += link.mainStreams;
    return count;
  }

  async listen(host: NetworkHost): Promise<void> {
    assert(this.listening === undefined, "the network listens already", {});
    const { address } = this.options;
    this.listening = { host, port: address === undefined ? 0 : await this.bind(address, host) };
  }

  private bind(address: string, host: NetworkHost): Promise<number> {
    this.server.addService(peersService, {
      exchange: (call: ServerDuplexStream<Uint8Array, Uint8Array>) => this.accept(new ServerWire(call), host),
    });
    return new Promise<number>((resolve, reject) => {
      this.server.bindAsync(address, peerCredentials.server(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
  }

  peer(node: NodeId, address: string): Peer {
    assert(this.listening !== undefined && !this.isClosed, "the network does not listen", { node });
    const { host } = this.listening;
    assert(node !== host.identity().node, "a node is no peer of itself", { node });
    const neighbour = this.neighbour(node, host);
    if (neighbour.dialler?.address === address) return neighbour.link;
    neighbour.dialler?.close("it has moved to another address");
    const { clock, scheduler, logger } = this.options;
    const { limits } = this;
    const { link } = neighbour;
    neighbour.dialler = new Dialler(link, {
      address,
      host,
      clock,
      scheduler,
      logger,
      limits,
      purpose: purpose.main,
      chance: () => Math.random(),
    });
    link.openBulk = () => this.openBulk(link, address, host);
    return link;
  }

  connected(): readonly Peer[] {
    return Array.from(this.neighbours.values(), ({ link }) => link).filter(({ life }) => life !== undefined);
  }

  ask(address: string, payload: Uint8Array, options: RequestOptions): Promise<AskOutcome> {
    assert(this.listening !== undefined && !this.isClosed, "the network does not listen", { address });
    const parts = this.visitParts(this.listening.host);
    return new Promise<AskOutcome>((resolve) => {
      const settle = (outcome: AskOutcome): void => {
        this.visits.delete(made);
        resolve(outcome);
      };
      const made = new Visit(parts, address, { payload, options, settle });
      this.visits.add(made);
    });
  }

  judgeAgain(): void {
    assert(this.listening !== undefined, "the network does not listen", {});
    const own = this.listening.host.identity();
    if (this.isClosed || this.isJudged || own.cluster === "") return;
    this.isJudged = true;
    for (const { link, dialler } of this.neighbours.values()) if (link.judge(own)) dialler?.renew();
  }

  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    for (const { link } of this.neighbours.values()) link.end("the other node stops");
    for (const made of this.visits) made.close("this node stops");
    // The words of farewell leave in this turn; who does not take them loses the connection without.
    await new Promise<void>((resolve) => {
      this.options.scheduler.afterTurn(resolve);
    });
    this.server.forceShutdown();
  }

  private neighbour(node: NodeId, host: NetworkHost): Neighbour {
    const known = this.neighbours.get(node);
    if (known !== undefined) return known;
    const { clock, scheduler } = this.options;
    const { limits, bulkRate, numbers } = this;
    const made: Neighbour = {
      link: new PeerLink(node, { host, clock, scheduler, limits, bulkRate, numbers }),
      dialler: undefined,
    };
    made.link.onClose = () => {
      made.dialler?.close("not wanted any more");
      this.neighbours.delete(node);
    };
    // Whom nobody here dials, a gateway, is forgotten when it leaves.
    made.link.onLost = () => this.forgetUnknown(made);
    this.neighbours.set(node, made);
    return made;
  }

  private forgetUnknown({ link, dialler }: Neighbour): void {
    if (dialler === undefined && link.life === undefined) this.neighbours.delete(link.node);
  }

  private accept(wire: Wire, host: NetworkHost): void {
    if (this.isClosed || this.strangers >= this.limits.strangersMax) {
      refuse(wire, this.isClosed ? "this node stops" : "too many connections that have not said who they are");
      return;
    }
    this.strangers++;
    let isStranger = true;
    const known = (): void => {
      if (isStranger) this.strangers--;
      isStranger = false;
    };
    new Greeting(wire, {
      scheduler: this.options.scheduler,
      milliseconds: this.limits.handshakeMilliseconds,
      hello: (hello) => {
        known();
        this.greet(wire, hello, host);
      },
      closed: known,
    });
  }

  private greet(wire: Wire, hello: Hello, host: NetworkHost): void {
    const judged = judgeHello(hello, host);
    if (judged.kind === "refused") {
      this.options.logger.warn("a connection was refused", { why: judged.why });
      wire.close(judged.why);
      return;
    }
    const { identity } = judged;
    if (judged.purpose === purpose.visit) {
      this.receive(wire, judged, host);
      return;
    }
    const neighbour = this.neighbour(identity.node, host);
    const { link, dialler } = neighbour;
    const why = link.refusal(identity, judged.purpose);
    if (why !== undefined) {
      wire.close(why);
      this.forgetUnknown(neighbour);
      return;
    }
    wire.write(encodeHello(welcomeOf(host.identity(), judged)), () => undefined);
    link.attach(wire, identity, { purpose: judged.purpose, isDialled: false });
    // The loss of an earlier process, of which this stream was the first news, may have forgotten it.
    this.neighbours.set(identity.node, neighbour);
    dialler?.hurry();
  }

  private receive(wire: Wire, judged: Welcome, host: NetworkHost): void {
    if (this.visitors >= this.limits.strangersMax) {
      wire.close("too many visitors");
      return;
    }
    this.visitors++;
    wire.write(encodeHello(welcomeOf(host.identity(), judged)), () => undefined);
    new Visitor(wire, judged.identity, this.visitParts(host), () => {
      this.visitors--;
    });
  }

  private visitParts(host: NetworkHost): VisitParts {
    const { clock, scheduler } = this.options;
    const { limits, numbers } = this;
    return { host, clock, scheduler, limits, numbers };
  }

  private openBulk(link: PeerLink, address: string, host: NetworkHost): void {
    const { scheduler } = this.options;
    const { limits } = this;
    const ended = (why: string | undefined): void => {
      if (why !== undefined) link.bulkFailed();
    };
    new Dial(link, { address, host, scheduler, limits, purpose: purpose.bulk, ended });
  }
}

function refuse(wire: Wire, why: string): void {
  wire.listen({ frame: () => undefined, closed: () => undefined });
  wire.close(why);
}
