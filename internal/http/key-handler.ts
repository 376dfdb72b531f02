// GET, HEAD, PUT and DELETE of a key: from the exchange to the coordinator and back.

import { TrefoilError } from "../base/errors.ts";
import { valueTooLarge } from "../node/request-rules.ts";
import type { Coordinator } from "../node/requests.ts";
import type { Answer } from "./answer.ts";
import type { Exchange } from "./exchange.ts";
import { deleteAnswer, getAnswer, putAnswer } from "./key-answers.ts";
import { deleteRequest, putRequest, readDelete, readGet, readPut } from "./key-requests.ts";
import type { Asked, KeyPut } from "./key-requests.ts";
import { problemAnswer, problemOf } from "./problem.ts";
import { dataRoutes, noRoute } from "./routes.ts";
import { keyOfPath, namesKey, splitTarget } from "./target.ts";

export interface KeyService {
  readonly coordinator: Coordinator;
  readonly valueBytesMax: number;
}

/** The path names a key, or nothing that is there. */
export function serveKey(exchange: Exchange, service: KeyService): Answer | Promise<Answer> {
  const { method, headers } = exchange;
  const { path, query } = splitTarget(exchange.target);
  if (!namesKey(path)) throw noRoute(path, dataRoutes);
  if (method !== "GET" && method !== "HEAD" && method !== "PUT" && method !== "DELETE") {
    return wrongMethod(exchange, "GET, HEAD, PUT, DELETE");
  }
  exchange.operation = method === "PUT" ? "put" : method === "DELETE" ? "delete" : "get";
  const asked: Asked = { key: keyOfPath(path), query, headers };
  if (method === "PUT") return put(exchange, service, readPut(asked, service.valueBytesMax));
  return method === "DELETE" ? remove(exchange, service, asked) : get(exchange, service, asked);
}

export function wrongMethod(exchange: Exchange, allowed: string): Answer {
  const failure = new TrefoilError(
    "method_not_allowed",
    `${exchange.method} is not for this path; it knows ${allowed}`,
  );
  return problemAnswer(problemOf(failure, exchange.requestId), ["Allow", allowed]);
}

function get(exchange: Exchange, { coordinator }: KeyService, asked: Asked): Answer | Promise<Answer> {
  const read = readGet(asked, exchange.method === "HEAD");
  exchange.mode = read.request.mode;
  const now = coordinator.getNow(read.request);
  if (now !== undefined) {
    exchange.mode = now.served.consistency;
    return getAnswer(read, now, exchange);
  }
  return coordinator.get(read.request, exchange.caller(read.timeoutMilliseconds)).then((given) => {
    exchange.mode = given.served.consistency;
    return getAnswer(read, given, exchange);
  });
}

async function put(exchange: Exchange, { coordinator, valueBytesMax }: KeyService, asked: KeyPut): Promise<Answer> {
  exchange.mode = asked.mode;
  const body = await exchange.readBody({
    bytesMax: asked.bodyBytesMax,
    tooLarge: (length) => valueTooLarge(length, valueBytesMax),
  });
  const put = putRequest(asked, body);
  const given = await coordinator.write(put.request, exchange.caller(asked.timeoutMilliseconds));
  exchange.mode = given.served.consistency;
  return putAnswer(asked, given, put);
}

async function remove(exchange: Exchange, { coordinator }: KeyService, asked: Asked): Promise<Answer> {
  const wanted = readDelete(asked);
  exchange.mode = wanted.mode;
  const given = await coordinator.write(deleteRequest(wanted), exchange.caller(wanted.timeoutMilliseconds));
  exchange.mode = given.served.consistency;
  return deleteAnswer(given);
}
