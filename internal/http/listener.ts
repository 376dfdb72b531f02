// A listener: one server of `node:http`, its connections, and an orderly end.
//
//   socket -> parser -> request -> Exchange -> handle
//               │ not HTTP, too long, too slow
//               └─> the body's reader is told, or the socket gets a problem document; then it closes
//
// Requests of one connection are served one after the other: whoever sends many at once, and reads no answers, has one answer in memory.
// Who ends his sending behind whole requests has his answers, and then the end. Nobody can tell him from one who has closed and reads
// nothing: so what is under way is answered, and nothing waits for him: neither for a place in a row nor for a leader that is missing.
// endListening(): no new connections, once those are let in that wait for it. Who is in is served as ever, and each connection ends with its next
// answer, which says so: who asks again finds nobody here, and knows that nothing was done. So hardly any is left that would break under a
// request when it is closed. (Were the others told to go while new ones are let in, all would come back as new ones, and some be in the
// system's queue when that is thrown away.)
// close(): the same for a moment more, for those that have not asked again since. Then who has just come is served, what else comes is refused
// by its handler; each ends with the answer of its last request, those between two requests at once, those before their first after a
// moment; after a while all are cut.

import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import { Server as NetServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { ByteBudget } from "../base/byte-budget.ts";
import { TrefoilError } from "../base/errors.ts";
import { Exchange, ExchangeResponse } from "./exchange.ts";
import type { ExchangeHost } from "./exchange.ts";
import type { HttpLimits } from "./limits.ts";
import { problemAnswer, problemOf } from "./problem.ts";
import { wireRefusal, wireText } from "./wire-answers.ts";

export interface ListenerOptions {
  readonly limits: HttpLimits;
  /** Names requests, with a number behind it. */
  readonly name: string;
  now(): number;
  /** Answers the exchange, sooner or later. */
  handle(exchange: Exchange): void;
}

/** Where to listen; port 0: any that is free. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

interface Connection {
  readonly socket: Socket;
  /** The requests that arrived first and last on it. */
  first: Exchange | undefined;
  latest: Exchange | undefined;
  /** It has no answer yet. */
  serving: Exchange | undefined;
  /** Behind it, in their order. */
  readonly waiting: Exchange[];
  /** Nothing that still comes on it is read. */
  isClosing: boolean;
}

/** So many requests behind the one that is served, and no more is read of a connection for now. */
const waitingMax = 16;

/** Whoever has just connected is about to ask for something. */
const firstRequestMilliseconds = 200;

/** Two requests. */
const isBetween = ({ latest }: Connection): boolean => latest !== undefined;

const afterTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

export class HttpListener implements ExchangeHost {
  readonly limits: HttpLimits;
  readonly budget: ByteBudget;
  private isStopping = false;
  private readonly options: ListenerOptions;
  private readonly server: Server<typeof IncomingMessage, typeof ExchangeResponse>;
  private readonly connections = new Map<Socket, Connection>();
  private requests = 0;
  private unanswered = 0;
  /** Undefined: it listens. */
  private gone: Promise<void> | undefined;
  private closed: Promise<void> | undefined;

  constructor(options: ListenerOptions) {
    const { limits } = options;
    this.options = options;
    this.limits = limits;
    this.budget = new ByteBudget(limits.bodyBytesMax);
    this.server = createServer({
      ServerResponse: ExchangeResponse,
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: limits.headersMilliseconds,
      requestTimeout: limits.requestMilliseconds,
      keepAliveTimeout: limits.idleMilliseconds,
      connectionsCheckingInterval: limits.checkMilliseconds,
      // Refused with a problem document instead.
      requireHostHeader: false,
      // Else the first of two would count, and the other be left out without a word.
      joinDuplicateHeaders: true,
    });
    // Node's documentation leaves it out; without it, the end of what a client sends ends what is sent to him.
    Object.assign(this.server, { httpAllowHalfOpen: true });
    this.server.maxConnections = limits.connectionsMax;
    // Else those behind the thousandth would be left out without a word, conditions among them. Their bytes are bounded.
    this.server.maxHeadersCount = 0;
    this.server.timeout = limits.silentMilliseconds;
    this.server.on("connection", (socket) => this.connected(socket));
    this.server.on("request", (incoming, outgoing) => this.requested(incoming, outgoing, false));
    this.server.on("checkContinue", (incoming, outgoing) => this.requested(incoming, outgoing, true));
    this.server.on("checkExpectation", (incoming, outgoing) => this.requested(incoming, outgoing, false));
    this.server.on("clientError", (failure, socket) => this.refused(failure, socket as Socket));
    this.server.on("connect", (_incoming, socket) => {
      const failure = new TrefoilError("method_not_allowed", "this node is no proxy: CONNECT leads nowhere");
      this.hangUp(socket as Socket, failure);
    });
  }

  /** Without an answer yet. */
  get requestsUnderWay(): number {
    return this.unanswered;
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  now(): number {
    return this.options.now();
  }

  nextRequestId(): string {
    return `${this.options.name}-${(++this.requests).toString(36)}`;
  }

  endsWith(exchange: Exchange): boolean {
    const { socket } = exchange.incoming;
    const isNear = this.gone !== undefined || socket.readableEnded;
    return isNear && this.connections.get(socket)?.latest === exchange;
  }

  /** It is closing, and who asks has had his answers. */
  isOverFor(exchange: Exchange): boolean {
    return this.isStopping && this.connections.get(exchange.incoming.socket)?.first !== exchange;
  }

  /** The address that it listens on now. */
  async listen({ host, port }: ListenAddress): Promise<ListenAddress> {
    await new Promise<void>((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen({ host, port }, () => {
        this.server.off("error", reject);
        resolve();
      });
    });
    const { address, port: taken } = this.server.address() as AddressInfo;
    return { host: address, port: taken };
  }

  /** It is closed soon. */
  endListening(): void {
    this.gone ??= this.stopListening();
  }

  /** Every request that has arrived gets its answer; then nothing is left. */
  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  /** Resolves when no connection is left. */
  private async stopListening(): Promise<void> {
    // In the system's queue they would break: the loop looks there once between these two.
    await afterTurn();
    await afterTurn();
    await new Promise<void>((resolve) => {
      // As servers of HTTP close, it would break off who is between two requests.
      NetServer.prototype.close.call(this.server, () => resolve());
    });
    // There is nobody to watch over any more.
    this.server.close();
  }

  private async end(): Promise<void> {
    this.endListening();
    const { nextRequestMilliseconds, stopMilliseconds } = this.limits;
    if (this.idle(isBetween).length > 0) await new Promise((resolve) => setTimeout(resolve, nextRequestMilliseconds));
    this.isStopping = true;
    for (const { socket } of this.idle(isBetween)) socket.destroySoon();
    const strangers = setTimeout(() => {
      for (const { socket } of this.idle()) socket.destroySoon();
    }, firstRequestMilliseconds);
    const timer = setTimeout(() => this.server.closeAllConnections(), stopMilliseconds);
    await this.gone;
    clearTimeout(strangers);
    clearTimeout(timer);
  }

  /** Which nothing is answered on. */
  private idle(isOne: (connection: Connection) => boolean = () => true): readonly Connection[] {
    return [...this.connections.values()].filter((each) => each.serving === undefined && isOne(each));
  }

  private connected(socket: Socket): void {
    const connection: Connection = {
      socket,
      first: undefined,
      latest: undefined,
      serving: undefined,
      waiting: [],
      isClosing: false,
    };
    this.connections.set(socket, connection);
    socket.once("end", () => connection.serving?.senderEnded());
    socket.once("close", () => {
      this.connections.delete(socket);
      connection.waiting.length = 0;
      if (connection.serving !== undefined) this.leave(connection.serving, connection);
    });
  }

  private requested(incoming: IncomingMessage, outgoing: ExchangeResponse, mustContinue: boolean): void {
    const exchange = new Exchange(this, incoming, outgoing, mustContinue);
    outgoing.exchange = exchange;
    // Requests come over connections, and those are known until they close.
    const connection = this.connections.get(incoming.socket) as Connection;
    connection.first ??= exchange;
    connection.latest = exchange;
    outgoing.on("close", ended);
    if (connection.serving === undefined) {
      this.serve(exchange, connection);
    } else if (connection.waiting.push(exchange) === waitingMax) {
      incoming.socket.pause();
    }
  }

  private serve(exchange: Exchange, connection: Connection): void {
    connection.serving = exchange;
    this.unanswered++;
    this.options.handle(exchange);
  }

  /** Or nobody waits for it any more. */
  answered(exchange: Exchange): void {
    const connection = this.connections.get(exchange.incoming.socket);
    if (connection !== undefined) this.leave(exchange, connection);
  }

  private leave(exchange: Exchange, connection: Connection): void {
    if (connection.serving !== exchange) return;
    connection.serving = undefined;
    this.unanswered--;
    exchange.ended();
    const { waiting, socket } = connection;
    const next = waiting.shift();
    if (next === undefined) {
      if (this.isStopping || connection.isClosing) socket.destroySoon();
      return;
    }
    if (waiting.length === waitingMax - 1) socket.resume();
    this.serve(next, connection);
  }

  /** Something came that the parser does not take, or did not come in time. */
  private refused(failure: Error, socket: Socket): void {
    const refusal = wireRefusal(failure);
    const connection = this.connections.get(socket);
    if (connection?.isClosing === true) return;
    if (refusal === undefined || connection === undefined || !socket.writable) {
      socket.destroy();
      return;
    }
    connection.isClosing = true;
    // The rest of the last body that was begun does not come, whether or not its request is being served yet.
    const { latest } = connection;
    if (latest?.isMissingBody === true) latest.failBody(refusal);
    else if (connection.serving === undefined) this.hangUp(socket, refusal);
  }

  /** Says why, gives the other side a while to read it, and goes. */
  private hangUp(socket: Socket, failure: TrefoilError): void {
    socket.on("error", () => socket.destroy());
    socket.end(wireText(problemAnswer(problemOf(failure, this.nextRequestId()))));
    const timer = setTimeout(() => socket.destroy(), this.limits.lingerMilliseconds);
    socket.once("close", () => clearTimeout(timer));
  }
}

/** One function for all answers: it is called with each. */
function ended(this: ExchangeResponse): void {
  this.exchange?.closed();
}
