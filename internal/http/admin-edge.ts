// The admin listener: is the process alive, may it be given work, what does it measure, and the place of the admin routes.

import type { Answer } from "./answer.ts";
import { answerOf } from "./answer.ts";
import { docsPage } from "./docs-page.ts";
import { openEdge } from "./edge.ts";
import type { EdgeOptions, OpenEdge } from "./edge.ts";
import { TrefoilError } from "../base/errors.ts";
import type { Exchange } from "./exchange.ts";
import type { ListenAddress } from "./listener.ts";
import { flagOf } from "./parameters.ts";
import { problemAnswer, problemOf } from "./problem.ts";
import { reachesNobody } from "../node/refusals.ts";
import { clusterRoute, htmlType, plainType, reading } from "./reading.ts";
import { adminRoutes, noRoute } from "./routes.ts";
import type { Handler } from "./serving.ts";
import { splitTarget } from "./target.ts";

export interface ReadinessCheck {
  readonly name: string;
  readonly isFine: boolean;
  readonly detail: string;
}

export interface Readiness {
  /** `cut_off`: a gateway that knows its cluster, and reaches nobody of it. */
  readonly state: "ready" | "starting" | "stopping" | "cut_off";
  /** What was looked at; not everything that is not fine makes a node unready. */
  readonly checks: readonly ReadinessCheck[];
}

export interface MetricsPage {
  readonly contentType: string;
  readonly text: string;
}

export interface AdminOptions extends EdgeOptions {
  readiness(): Readiness;
  metrics(): Promise<MetricsPage>;
  /** Everything under `/-/admin/`; undefined: there is no such route. */
  readonly admin?: (exchange: Exchange) => Answer | Promise<Answer> | undefined;
}

export function openAdminEdge(options: AdminOptions, at: ListenAddress): Promise<OpenEdge> {
  return openEdge(options, at, {
    name: "a",
    addRoutes: (add) => {
      add(
        "/livez",
        reading([], () => answerOf(200, plainType, "alive\n")),
      );
      add(
        "/readyz",
        reading(["verbose"], ({ query, exchange }) =>
          readinessAnswer(options.readiness(), flagOf("verbose", query.text("verbose")), exchange.requestId),
        ),
      );
      add(
        "/metrics",
        reading([], async () => {
          const { contentType, text } = await options.metrics();
          return answerOf(200, contentType, text);
        }),
      );
      add("/-/cluster", clusterRoute(options.coordinator));
      // Where problem documents of this listener, too, say that their codes are explained.
      add(
        "/-/docs",
        reading([], () => answerOf(200, htmlType, docsPage())),
      );
      add("/-/admin/*", (exchange) => options.admin?.(exchange) ?? unknownRoute(exchange));
      add("/*", unknownRoute);
    },
  });
}

const unknownRoute: Handler = (exchange) => {
  throw noRoute(splitTarget(exchange.target).path, adminRoutes);
};

/** The codes are those that requests are told there. */
const refusals = {
  starting: { code: "starting", why: "this node is starting" },
  stopping: { code: "stopping", why: "this node is stopping" },
  cut_off: { code: "no_leader", why: reachesNobody },
} as const;

function readinessAnswer({ state, checks }: Readiness, isVerbose: boolean, requestId: string): Answer {
  if (state === "ready") {
    const lines = checks.map(({ name, isFine, detail }) => `${isFine ? "ok  " : "not "} ${name}: ${detail}`);
    return answerOf(200, plainType, ["ready", ...(isVerbose ? lines : []), ""].join("\n"));
  }
  const told = isVerbose ? checks : checks.filter(({ isFine }) => !isFine);
  const words = told.map(({ name, isFine, detail }) =>
    isVerbose ? `${isFine ? "ok" : "not"} ${name}: ${detail}` : `${name}: ${detail}`,
  );
  const { code, why } = refusals[state];
  const refusal = new TrefoilError(code, [why, ...words].join("; "));
  // The same for programs: the words may hold whatever stands between them.
  return problemAnswer({ ...problemOf(refusal, requestId), checks: told });
}
