// One request and its answer, on a connection of `HttpListener`. What handlers see of the wire is here: the raw target, headers,
// the body when they ask for it; and they return an answer, or throw, or a promise of either.
//
// A refusal may come while the request is still arriving. Then the answer goes first, what still comes is thrown away for a
// while, and the connection closes: one that was cut at once would often take the answer with it.

import { ServerResponse } from "node:http";
import type { IncomingMessage, OutgoingHttpHeader } from "node:http";
import type { ByteBudget } from "../base/byte-budget.ts";
import { TrefoilError } from "../base/errors.ts";
import type { Operation } from "../node/observer.ts";
import { traceOf } from "../node/request-rules.ts";
import type { ReadMode } from "../node/requests.ts";
import type { Answer } from "./answer.ts";
import { BodyReader, checkLength, declaredLength } from "./body.ts";
import type { BodyRefusal } from "./body.ts";
import { HttpCaller } from "./caller.ts";
import type { HttpLimits } from "./limits.ts";
import type { RequestHeaders } from "./request-headers.ts";

/** What an exchange needs of its listener. */
export interface ExchangeHost {
  readonly limits: HttpLimits;
  readonly budget: ByteBudget;
  /** Its connection has no other request behind it, and takes none: the listener is stopping, or the other side has ended its sending. */
  endsWith(exchange: Exchange): boolean;
  /** Or nobody waits for it any more. */
  answered(exchange: Exchange): void;
  /** Milliseconds that only grow. */
  now(): number;
  nextRequestId(): string;
}

/** Up to here a copy is cheaper than a piece of its own. */
const joinedBytesMax = 16 * 1024;
/** What every request has for its answer without asking: the bound on requests is theirs as well. */
const freeAnswerBytes = 1024;

export class Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly startedAt: number;
  private readonly host: ExchangeHost;
  private readonly body: BodyReader;
  private readonly mustContinue: boolean;
  /** For whoever counts requests. */
  operation: Operation | undefined;
  mode: ReadMode | undefined;
  private id: string | undefined;
  private gone: AbortController | undefined;
  private hasEnded = false;
  /** Of its answer, against the budget. */
  private bytesHeld = 0;
  /** Nothing that comes behind this request can be understood. */
  private isLast = false;

  constructor(host: ExchangeHost, incoming: IncomingMessage, outgoing: ServerResponse, mustContinue: boolean) {
    this.host = host;
    this.incoming = incoming;
    this.outgoing = outgoing;
    this.mustContinue = mustContinue;
    this.startedAt = host.now();
    this.body = new BodyReader(incoming, host.budget);
  }

  get method(): string {
    return this.incoming.method as string;
  }

  /** As it came over the wire. */
  get target(): string {
    return this.incoming.url as string;
  }

  get headers(): RequestHeaders {
    return this.incoming.headers;
  }

  get requestId(): string {
    this.id ??= this.host.nextRequestId();
    return this.id;
  }

  /** From now on: the time that the request took to arrive is not the coordinator's. */
  caller(timeoutMilliseconds: number): HttpCaller {
    return new HttpCaller(this, this.host.now() + timeoutMilliseconds, traceOf(this.headers["traceparent"]));
  }

  /** Once. Throws for a body that is too long by its own word, without reading it. */
  readBody(refusal: BodyRefusal): Promise<Uint8Array> {
    checkLength(this.incoming, refusal);
    if (this.mustContinue) this.outgoing.writeContinue();
    return this.body.read(refusal);
  }

  /** Somebody waits for it, or will. */
  get isMissingBody(): boolean {
    return !this.hasEnded && !this.incoming.complete;
  }

  /** What was coming will not come. */
  failBody(failure: Error): void {
    this.isLast = true;
    this.body.fail(failure);
  }

  /** Once. Throws `busy`, and has sent nothing, when too much is in memory already; what is short, or a refusal, always fits. */
  send({ status, headers, body }: Answer): void {
    const { outgoing } = this;
    if (this.hasEnded || outgoing.headersSent) return;
    this.body.release();
    const length = typeof body === "string" ? Buffer.byteLength(body) : body.length;
    if (length > freeAnswerBytes && status < 300) this.hold(length);
    const isUnread = this.hasUnreadBody();
    // A connection ends with the last of its answers.
    const closes = this.isLast || isUnread || this.host.endsWith(this);
    if (status !== 204 && status !== 304) headers.push("Content-Length", String(length));
    if (closes) headers.push("Connection", "close");
    outgoing.writeHead(status, headers as OutgoingHttpHeader[]);
    if (isUnread) {
      outgoing.flushHeaders();
      if (body.length > 0) outgoing.write(body);
      this.linger();
    } else if (typeof body === "string" || body.length > joinedBytesMax) {
      outgoing.end(body);
    } else {
      // As text of a byte a character it leaves in one piece with the headers: two pieces cost the kernel and node twice as much.
      outgoing.end(latin1Text(body), "latin1");
    }
  }

  /** Aborted when the other side goes before it has its answer, or ends its sending: most who do that have gone. */
  get signal(): AbortSignal {
    this.gone ??= new AbortController();
    if (this.hasEnded || this.incoming.socket.readableEnded) this.gone.abort();
    return this.gone.signal;
  }

  /** The other side has ended its sending. */
  senderEnded(): void {
    this.gone?.abort();
  }

  /** The wire is done with its answer, whole or not. */
  closed(): void {
    this.host.answered(this);
  }

  /** Answered, or nobody is there to be answered. */
  ended(): void {
    this.hasEnded = true;
    this.body.release();
    this.host.budget.giveBack(this.bytesHeld);
    this.bytesHeld = 0;
    if (!this.outgoing.writableFinished) this.gone?.abort();
  }

  /** Until the other side has taken it, or has gone. */
  private hold(bytes: number): void {
    if (this.method === "HEAD") return;
    if (!this.host.budget.take(bytes)) {
      throw new TrefoilError(
        "busy",
        `no room for an answer of ${bytes} bytes beside the requests and answers in memory; try again, or ask for less at once`,
      );
    }
    this.bytesHeld = bytes;
  }

  /** More of it may come than is worth reading for the sake of the connection. */
  private hasUnreadBody(): boolean {
    if (this.incoming.complete) return false;
    const length = declaredLength(this.incoming);
    if (length === 0) return false;
    return this.isLast || length === undefined || length > this.host.limits.discardedBytesMax;
  }

  private linger(): void {
    const { incoming, outgoing } = this;
    const { lingerBytesMax, lingerMilliseconds } = this.host.limits;
    let bytes = 0;
    const finish = (): void => {
      clearTimeout(timer);
      outgoing.end();
    };
    const timer = setTimeout(finish, lingerMilliseconds);
    incoming.on("data", (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (bytes > lingerBytesMax) finish();
    });
    incoming.once("end", finish).once("close", finish).on("error", finish);
    incoming.resume();
  }
}

/** What becomes text passes through here: a Buffer of its own over the same bytes costs more than the copy. */
const passage = Buffer.alloc(joinedBytesMax);

function latin1Text(bytes: Uint8Array): string {
  passage.set(bytes);
  return passage.toString("latin1", 0, bytes.length);
}

/** Carries its exchange through whoever routes it. */
export class ExchangeResponse extends ServerResponse {
  exchange: Exchange | undefined;
}
