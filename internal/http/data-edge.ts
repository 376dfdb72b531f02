// The data listener: what it serves, route by route.

import type { Coordinator } from "../node/requests.ts";
import { answerOf } from "./answer.ts";
import { docsPage } from "./docs-page.ts";
import { openEdge } from "./edge.ts";
import type { AddRoute, EdgeOptions, OpenEdge } from "./edge.ts";
import { helpHtml, helpText } from "./help-page.ts";
import type { Defaults } from "./help-page.ts";
import { serveKey } from "./key-handler.ts";
import type { HttpLimits } from "./limits.ts";
import type { ListenAddress } from "./listener.ts";
import { listingAnswer, listParameters, readListing } from "./listing.ts";
import { openApiText } from "./openapi.ts";
import { timeoutOf } from "./parameters.ts";
import { clusterRoute, htmlType, plainType, reading, viewParameters } from "./reading.ts";
import { accepts, headerOf } from "./request-headers.ts";
import { dataRoutes, noRoute } from "./routes.ts";
import type { Handler } from "./serving.ts";
import { encodedKey, explain64Path, explainPath, plainKey } from "./target.ts";
import { explanationAnswer } from "./views.ts";

export interface DataOptions extends EdgeOptions {
  /** As the coordinator has them. */
  readonly defaults: Defaults;
}

export function openDataEdge(options: DataOptions, at: ListenAddress): Promise<OpenEdge> {
  return openEdge(options, at, {
    name: "d",
    addRoutes: (add, limits) => addDataRoutes(add, options, limits),
    keys: (limits) => keysOf(options.coordinator, limits),
  });
}

function addDataRoutes(add: AddRoute, { coordinator, defaults }: DataOptions, limits: HttpLimits): void {
  const keys = keysOf(coordinator, limits);
  const help = helpRoute(defaults);
  add("/", (exchange) => (exchange.method === "PUT" || exchange.method === "DELETE" ? keys(exchange) : help(exchange)));
  add("/-/keys", listRoute(coordinator));
  add("/-/cluster", clusterRoute(coordinator));
  add(
    "/-/openapi.json",
    reading([], () => answerOf(200, "application/json", openApiText())),
  );
  add(
    "/-/docs",
    reading([], () => answerOf(200, htmlType, docsPage())),
  );
  add("/-/explain/*", explainRoute(coordinator, explainPath));
  add("/-/explain64/*", explainRoute(coordinator, explain64Path));
  // Keys under /-/kv/ and /-/kv64/ among them; what is neither is refused with the nearest route.
  add("/*", keys);
}

function keysOf(coordinator: Coordinator, { valueBytesMax }: HttpLimits): Handler {
  const service = { coordinator, valueBytesMax };
  return (exchange) => serveKey(exchange, service);
}

function helpRoute(defaults: Defaults): Handler {
  return reading([], ({ exchange: { headers } }) => {
    // It has been looked at: no letter of it means anything in HTML.
    const host = headerOf(headers, "host") ?? "";
    const shown = host === "" ? "localhost:8080" : host;
    const asPage = accepts(headers, "text/html");
    if (asPage) return answerOf(200, htmlType, helpHtml(shown, defaults));
    return answerOf(200, plainType, helpText(shown, defaults));
  });
}

function listRoute(coordinator: Coordinator): Handler {
  return reading(listParameters, async ({ exchange, query }) => {
    exchange.operation = "scan";
    const { request, timeoutMilliseconds } = readListing(query);
    exchange.mode = request.mode;
    const given = await coordinator.list(request, exchange.caller(timeoutMilliseconds));
    exchange.mode = given.consistency;
    return listingAnswer(given, coordinator.node);
  });
}

/** The key follows `prefix`. */
function explainRoute(coordinator: Coordinator, prefix: string): Handler {
  return reading(viewParameters, async ({ exchange, path, query }) => {
    if (!path.startsWith(prefix)) throw noRoute(path, dataRoutes);
    const key = prefix === explain64Path ? encodedKey(path, prefix.length) : plainKey(path, prefix.length);
    const explanation = await coordinator.explain(key, exchange.caller(timeoutOf(query.text("timeout"))));
    return explanationAnswer(key, explanation, coordinator.node);
  });
}
