// Between the wire and the handlers: every exchange gets exactly one answer, whatever its handler returns or throws.

import { TrefoilError } from "../base/errors.ts";
import { outcomeOfFailure, outcomeOfStatus } from "../node/observer.ts";
import type { ObservedOutcome, RequestObserver } from "../node/observer.ts";
import type { Answer } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import type { HttpListener } from "./listener.ts";
import { refusalHeaders } from "./key-answers.ts";
import { problemAnswer, problemOf } from "./problem.ts";
import { headerOf, namesHost } from "./request-headers.ts";

export type Handler = (exchange: Exchange) => Answer | Promise<Answer>;

export interface ServingOptions {
  readonly observer: RequestObserver | undefined;
  /** A fault of ours: not a TrefoilError. The request has this id in its problem document. */
  onUnexpected(failure: unknown, requestId: string): void;
}

export class Serving {
  private readonly listener: HttpListener;
  private readonly options: ServingOptions;

  constructor(listener: HttpListener, options: ServingOptions) {
    this.listener = listener;
    this.options = options;
  }

  serve(exchange: Exchange, handler: Handler): void {
    let answer: Answer | Promise<Answer>;
    try {
      this.admit(exchange);
      answer = handler(exchange);
    } catch (failure) {
      this.refuse(exchange, failure);
      return;
    }
    if (!(answer instanceof Promise)) {
      this.deliver(exchange, answer);
      return;
    }
    answer.then(
      (given) => this.deliver(exchange, given),
      (failure: unknown) => this.refuse(exchange, failure),
    );
  }

  refuse(exchange: Exchange, failure: unknown): void {
    if (!(failure instanceof TrefoilError)) this.options.onUnexpected(failure, exchange.requestId);
    const problem = problemOf(failure, exchange.requestId);
    exchange.send(problemAnswer(problem, refusalHeaders(failure)));
    this.observe(exchange, outcomeOfFailure(problem));
  }

  private deliver(exchange: Exchange, answer: Answer): void {
    try {
      exchange.send(answer);
    } catch (failure) {
      // A header that cannot be sent: whatever was done is done.
      this.refuse(exchange, failure);
      return;
    }
    this.observe(exchange, outcomeOfStatus(answer.status));
  }

  private admit(exchange: Exchange): void {
    const { listener } = this;
    if (listener.isOverFor(exchange)) throw new TrefoilError("stopping", "this node is stopping; ask another one");
    const { requestsMax } = listener.limits;
    if (listener.requestsUnderWay > requestsMax) {
      throw new TrefoilError("busy", `${requestsMax} requests are under way here; try again, or ask another node`);
    }
    const { incoming } = exchange;
    if (incoming.headers.host === undefined && incoming.httpVersion !== "1.0") {
      throw new TrefoilError("bad_request", "a request of HTTP/1.1 has a Host header");
    }
    if (!namesHost(incoming.headers.host ?? "")) throw new TrefoilError("bad_request", "the Host header names no host");
    const expected = headerOf(incoming.headers, "expect");
    if (expected !== undefined && expected.toLowerCase() !== "100-continue") {
      throw new TrefoilError(
        "bad_request",
        `nothing but 100-continue can be expected, not ${JSON.stringify(expected)}`,
      );
    }
  }

  private observe(exchange: Exchange, outcome: ObservedOutcome): void {
    const { operation, mode, startedAt } = exchange;
    if (operation === undefined) return;
    this.options.observer?.answered(operation, mode, outcome, this.listener.now() - startedAt);
  }
}
