// `trefoil health`: what each node says of itself on its admin listener. Who they are the map tells, or --admin-endpoint.

import { Agent } from "node:http";
import process from "node:process";
import type { ClusterView } from "../../../internal/node/requests.ts";
import { CommandFailure, exitCodes } from "../failure.ts";
import { adminEndpointOf, adminEndpointsOf, nameOf } from "./endpoints.ts";
import type { Endpoint } from "./endpoints.ts";
import { exchange } from "./exchange.ts";
import type { Exchange } from "./exchange.ts";
import { printReport } from "./report.ts";
import { inSession } from "./session.ts";
import type { Session, SessionOptions } from "./session.ts";

export interface HealthOptions extends SessionOptions {
  readonly adminEndpoint?: string;
}

interface NodeHealth {
  /** Null: it was named by its address alone. */
  readonly node: string | null;
  /** Null: nobody knows it yet. */
  readonly admin: string | null;
  readonly live: boolean;
  readonly ready: boolean;
  /** Why not, or what is not as it should be. */
  readonly detail: string;
}

/** Without an endpoint: a founder that has not told the others yet where it listens. */
type Asked = readonly [node: string | null, endpoint: Endpoint | undefined];

export function health(options: HealthOptions): Promise<number> {
  return inSession(options, async (session) => {
    const named = adminEndpointsOf(options.adminEndpoint, process.env);
    const asked = named?.map((endpoint): Asked => [null, endpoint]) ?? (await fromMap(session));
    const agent = new Agent();
    const told = await Promise.all(asked.map((each) => healthOf(agent, each, session.timeoutMilliseconds)));
    agent.destroy();
    const rows = told.map(({ node, admin, live, ready, detail }) => [
      node,
      admin,
      live ? "yes" : "no",
      ready ? "yes" : "no",
      detail,
    ]);
    await printReport(session.screen, session.form ?? "table", {
      parts: [{ kind: "rows", headings: ["node", "admin", "live", "ready", "detail"], rows }],
      json: JSON.stringify(told),
    });
    return told.every(({ live, ready }) => live && ready) ? exitCodes.ok : exitCodes.unavailable;
  });
}

async function fromMap({ client }: Session): Promise<readonly Asked[]> {
  try {
    const { body } = await client.ask({ method: "GET", path: "/-/cluster", mayRepeat: true });
    const { nodes } = JSON.parse(body.toString()) as ClusterView;
    return nodes.map(({ node, addresses }): Asked => [node, adminEndpointOf(addresses.admin)]);
  } catch (failure) {
    if (!(failure instanceof CommandFailure)) throw failure;
    const hint = "Without the map, --admin-endpoint says which nodes to ask";
    throw new CommandFailure(failure.exitCode, `${failure.message}. ${hint}`);
  }
}

async function healthOf(agent: Agent, [node, endpoint]: Asked, milliseconds: number): Promise<NodeHealth> {
  if (endpoint === undefined) return { node, admin: null, live: false, ready: false, detail: notRegistered };
  const patience = { connectMilliseconds: milliseconds, wholeMilliseconds: milliseconds };
  const ask = (path: string): Promise<Exchange> => exchange(agent, endpoint, { method: "GET", path }, patience);
  const [living, readiness] = await Promise.all([ask("/livez"), ask("/readyz?verbose")]);
  const live = living.kind === "answered" && living.status === 200;
  const ready = readiness.kind === "answered" && readiness.status === 200;
  return { node, admin: nameOf(endpoint), live, ready, detail: live ? detailOf(readiness) : wordsOf(living) };
}

const notRegistered = "it has not told the cluster yet where it listens";

/** Of a node that is ready, what it lists as not fine; of another, what it waits for. */
function detailOf(readiness: Exchange): string {
  if (readiness.kind !== "answered") return wordsOf(readiness);
  const text = readiness.body.toString();
  if (readiness.status === 200) {
    const wanting = text.split("\n").filter((line) => line.startsWith("not "));
    return wanting.map((line) => line.slice("not ".length).trim()).join("; ");
  }
  try {
    const { detail } = JSON.parse(text) as { readonly detail?: unknown };
    if (typeof detail === "string") return detail;
  } catch {
    // Whatever it is, it is no node.
  }
  return wordsOf(readiness);
}

function wordsOf(told: Exchange): string {
  return told.kind === "answered"
    ? `it answers ${told.status}, as no admin port does: is it another one of a node?`
    : told.why;
}
