// One call, from its headers to its end. The library is told that every method is a stream both ways, which looks the same on the wire: so
// a call can be refused before its request has come, is known while it arrives, and says when its answer has been taken.
//
//   headers ──▶ arriving ──request whole──▶ served ──answer, status──▶ taken by the client
//      │            │ too slow, broken off      │ client gone: signal         │ too slow: the connection is cut
//
// What it holds of the budget it gives back when both its handler has ended and the client has its answer, or is gone.

import type { Metadata, ServerDuplexStream } from "@grpc/grpc-js";
import type { ByteBudget } from "../base/byte-budget.ts";
import { TrefoilError } from "../base/errors.ts";
import type { Failure } from "../node/failure.ts";
import type { ObservedOutcome } from "../node/observer.ts";
import { timeoutMillisecondsDefault, timeoutMillisecondsMax, traceOf } from "../node/request-rules.ts";
import type { Caller, ReadMode } from "../node/requests.ts";
import { refusalOf } from "./refusals.ts";

export type CallStream = ServerDuplexStream<Uint8Array, Uint8Array>;

/** What a call needs of its listener. */
export interface CallHost {
  readonly budget: ByteBudget;
  /** Milliseconds that only grow. */
  now(): number;
  nextRequestId(): string;
  /** The request is whole, or nothing more of it is read. */
  arrived(call: Call): void;
  /** Nothing is left of it. */
  ended(call: Call): void;
}

export class Call implements Caller {
  readonly stream: CallStream;
  readonly startedAt: number;
  /** For whoever counts requests. */
  mode: ReadMode | undefined;
  outcome: ObservedOutcome = "ok";
  /** Since when the client has not taken what was sent to it; undefined: it has all of it. */
  untakenSince: number | undefined;
  private readonly host: CallHost;
  /** Of the wall, as the client gave it. */
  private readonly wallDeadline: number;
  private until: number | undefined;
  private id: string | undefined;
  private gone: AbortController | undefined;
  private bytesHeld = 0;
  private isOver = false;
  private isDone = false;
  private failRequest: ((failure: TrefoilError) => void) | undefined;
  /** Of the send under way. */
  private taken: ((isTaken: boolean) => void) | undefined;

  constructor(host: CallHost, stream: CallStream) {
    this.host = host;
    this.stream = stream;
    this.startedAt = host.now();
    const deadline = stream.getDeadline();
    this.wallDeadline = typeof deadline === "number" ? deadline : deadline.getTime();
    stream.once("cancelled", () => this.over());
    // What the library makes of a refusal; there is nothing to add.
    stream.on("error", () => undefined);
  }

  get requestId(): string {
    this.id ??= this.host.nextRequestId();
    return this.id;
  }

  get trace(): string {
    return traceOf(this.stream.metadata.get("traceparent")[0]);
  }

  get deadline(): number {
    this.until ??= this.deadlineFromNow();
    return this.until;
  }

  /** Aborted when the client goes before it has its answer. */
  get signal(): AbortSignal {
    this.gone ??= new AbortController();
    if (this.isOver) this.gone.abort();
    return this.gone.signal;
  }

  get isGone(): boolean {
    return this.isOver;
  }

  /** On whose behalf a page of a stream is asked for: each has the time of a request, if the client gives it so long. */
  pageCaller(): Caller {
    const deadline = this.host.now() + Math.min(this.wallLeft(), timeoutMillisecondsDefault);
    return { deadline, signal: this.signal, trace: this.trace };
  }

  /** The one message of a request, once it is whole. Its bytes are held, and the receiver's to read. */
  request(): Promise<Uint8Array> {
    return new Promise<Uint8Array>((resolve, reject) => {
      let message: Uint8Array | undefined;
      this.failRequest = (failure) => {
        this.settleRequest();
        reject(failure);
      };
      this.stream.on("data", (bytes: Uint8Array) => {
        if (this.failRequest === undefined) return;
        if (message !== undefined)
          this.failRequest(new TrefoilError("bad_request", "a request is one message, not more"));
        else if (this.tryHold(bytes.length)) message = bytes;
        else this.failRequest(tooMuchAtOnce());
      });
      this.stream.once("end", () => {
        if (this.failRequest === undefined) return;
        if (message === undefined)
          this.failRequest(new TrefoilError("bad_request", "a request is one message; none came"));
        else {
          this.settleRequest();
          resolve(message);
        }
      });
    });
  }

  /** Stops waiting for the request; nothing, when it has come. */
  giveUp(failure: TrefoilError): void {
    this.failRequest?.(failure);
  }

  get isArriving(): boolean {
    return this.failRequest !== undefined;
  }

  /** Counts bytes against the budget until the call is over. Throws `busy`. */
  hold(bytes: number): void {
    if (!this.tryHold(bytes)) throw tooMuchAtOnce();
  }

  /** What has been held for the request or an answer before is not there any more. */
  letGo(): void {
    this.host.budget.giveBack(this.bytesHeld);
    this.bytesHeld = 0;
  }

  /** Resolves when the connection has taken it, false: it never will. One at a time. */
  send(message: Uint8Array): Promise<boolean> {
    if (this.isOver) return Promise.resolve(false);
    return new Promise<boolean>((resolve) => {
      this.untakenSince = this.host.now();
      this.taken = (isTaken) => {
        this.taken = undefined;
        this.untakenSince = undefined;
        resolve(isTaken);
      };
      this.stream.write(message, (failure?: Error | null) => this.taken?.(failure === null || failure === undefined));
    });
  }

  /** The whole answer, and the end of the call. */
  answer(message: Uint8Array): void {
    if (this.isOver) return;
    this.untakenSince = this.host.now();
    this.stream.write(message);
    this.stream.end();
  }

  /** The end of a stream that has had its messages. */
  finish(): void {
    if (this.isOver) return;
    this.untakenSince = this.host.now();
    this.stream.end();
  }

  refuse(failure: Failure): void {
    if (this.isOver) return;
    this.untakenSince = this.host.now();
    const { code, details, metadata } = refusalOf(failure);
    this.stream.emit("error", Object.assign(new StatusError(details), { code, details, metadata }));
  }

  /** Nobody works for it any more. */
  done(): void {
    this.isDone = true;
    this.settleRequest();
    this.end();
  }

  /** The client has its answer, or has gone; the library says so of every call. */
  private over(): void {
    this.isOver = true;
    this.untakenSince = undefined;
    this.giveUp(new TrefoilError("bad_request", "the call ended before its request was whole; nothing was done"));
    this.taken?.(false);
    if (!this.isDone) this.gone?.abort();
    this.end();
  }

  private end(): void {
    if (!this.isOver || !this.isDone) return;
    this.letGo();
    this.host.ended(this);
  }

  private settleRequest(): void {
    this.failRequest = undefined;
    this.host.arrived(this);
  }

  private tryHold(bytes: number): boolean {
    if (!this.host.budget.take(bytes)) return false;
    this.bytesHeld += bytes;
    return true;
  }

  /** The time that the request took to arrive counts against the client's deadline only. */
  private deadlineFromNow(): number {
    const left = this.wallLeft();
    return this.host.now() + (left === Infinity ? timeoutMillisecondsDefault : Math.min(left, timeoutMillisecondsMax));
  }

  /** Infinity: the client waits for ever. */
  private wallLeft(): number {
    return this.wallDeadline - Date.now();
  }
}

/** What the library takes for the status of a call. */
class StatusError extends Error {
  declare readonly code: number;
  declare readonly details: string;
  declare readonly metadata: Metadata;
}

function tooMuchAtOnce(): TrefoilError {
  return new TrefoilError("busy", "there is too much in memory of requests and answers at once; try again");
}
