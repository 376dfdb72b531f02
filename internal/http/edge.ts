// A listener whose requests hono routes. Handlers write their answers themselves, and hono is told that it is done: its own
// way of answering goes through the Fetch API's Response, which costs more than all the rest, or overrides globals.
//
// Hono goes by the path as it came over the wire: a URL parser would have rewritten keys.

import { getRequestListener } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import type { Context } from "hono";
import type { IncomingMessage } from "node:http";
import { TrefoilError } from "../base/errors.ts";
import type { RequestObserver } from "../node/observer.ts";
import type { Coordinator } from "../node/requests.ts";
import type { Exchange, ExchangeResponse } from "./exchange.ts";
import { defaultLimits } from "./limits.ts";
import type { HttpLimits } from "./limits.ts";
import { HttpListener } from "./listener.ts";
import type { ListenAddress } from "./listener.ts";
import { problemOf, problemType } from "./problem.ts";
import { Serving } from "./serving.ts";
import type { Handler } from "./serving.ts";
import { isPlainKey, pathOf, splitTarget } from "./target.ts";

export interface EdgeOptions {
  readonly coordinator: Coordinator;
  readonly limits?: Partial<HttpLimits>;
  readonly observer?: RequestObserver;
  /** A fault of ours; the request has this id in its problem document. */
  onUnexpected(failure: unknown, requestId: string): void;
}

export interface OpenEdge {
  readonly address: ListenAddress;
  readonly listener: HttpListener;
  /** Finishes what is under way, takes nothing new. */
  close(): Promise<void>;
}

/** What hono hands to handlers. */
interface Wire {
  readonly Bindings: { readonly incoming: IncomingMessage; readonly outgoing: ExchangeResponse };
}

/** Whatever method: handlers refuse the ones that they do not know. */
export type AddRoute = (pattern: string, handler: Handler) => void;

export interface EdgeShape {
  /** `data`, `admin`: part of request ids. */
  readonly name: string;
  addRoutes(add: AddRoute, limits: HttpLimits): void;
  /** What is no route of ours by its first letters goes straight to this handler: most requests, past hono. */
  keys?(limits: HttpLimits): Handler;
}

export async function openEdge(options: EdgeOptions, at: ListenAddress, shape: EdgeShape): Promise<OpenEdge> {
  const { coordinator, observer } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const app = new Hono<Wire>({ getPath: (_request, given) => pathOf(incomingOf(given?.env).url as string) });
  const toHono = getRequestListener(app.fetch, {
    overrideGlobalObjects: false,
    autoCleanupIncoming: false,
    hostname: "localhost",
    errorHandler: (failure) => badHost(failure, listener.nextRequestId()),
  });
  const listener = new HttpListener({
    limits,
    name: `${coordinator.node}-${shape.name}`,
    now: () => coordinator.now(),
    handle: (exchange) => handle(exchange),
  });
  const serving = new Serving(listener, {
    observer,
    onUnexpected: (failure, requestId) => options.onUnexpected(failure, requestId),
  });
  const keys = shape.keys?.(limits);
  const handle = (exchange: Exchange): void => {
    if (keys !== undefined && isPlainKey(exchange.target)) {
      serving.serve(exchange, keys);
      return;
    }
    try {
      splitTarget(exchange.target);
    } catch (failure) {
      serving.refuse(exchange, failure);
      return;
    }
    void toHono(exchange.incoming, exchange.outgoing);
  };
  shape.addRoutes((pattern, handler) => {
    app.all(pattern, (context: Context<Wire>) => {
      const { exchange } = context.env.outgoing;
      if (exchange !== undefined) serving.serve(exchange, handler);
      return RESPONSE_ALREADY_SENT;
    });
  }, limits);
  return { address: await listener.listen(at), listener, close: () => listener.close() };
}

function incomingOf(env: unknown): IncomingMessage {
  return (env as Wire["Bindings"]).incoming;
}

/** All that hono's adapter refuses by itself, since the target was looked at before. */
function badHost(failure: unknown, requestId: string): Response {
  const refusal = new TrefoilError("bad_request", "the Host header names no host", { cause: failure });
  const problem = problemOf(refusal, requestId);
  const headers = { "Content-Type": problemType, Connection: "close" };
  return new Response(`${JSON.stringify(problem)}\n`, { status: problem.status, headers });
}
