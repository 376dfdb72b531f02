// Routes that only tell: GET and HEAD, with a query of known parameters.

import type { Coordinator } from "../node/requests.ts";
import type { Answer } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import { wrongMethod } from "./key-handler.ts";
import { timeoutOf } from "./parameters.ts";
import { readQuery } from "./query.ts";
import type { Query } from "./query.ts";
import type { Handler } from "./serving.ts";
import { splitTarget } from "./target.ts";
import { clusterAnswer } from "./views.ts";

export const htmlType = "text/html; charset=utf-8";
export const plainType = "text/plain; charset=utf-8";

export const viewParameters: readonly string[] = ["timeout"];

export interface Read {
  readonly exchange: Exchange;
  readonly path: string;
  readonly query: Query;
}

/** `known` are the parameters. */
export function reading(known: readonly string[], answer: (read: Read) => Answer | Promise<Answer>): Handler {
  return (exchange) => {
    const { method } = exchange;
    if (method !== "GET" && method !== "HEAD") return wrongMethod(exchange, "GET, HEAD");
    const { path, query } = splitTarget(exchange.target);
    return answer({ exchange, path, query: readQuery(query, known) });
  };
}

/** `/-/cluster`, of both listeners. */
export function clusterRoute(coordinator: Coordinator): Handler {
  return reading(viewParameters, async ({ exchange, query }) => {
    const view = await coordinator.cluster(exchange.caller(timeoutOf(query.text("timeout"))));
    return clusterAnswer(view);
  });
}
