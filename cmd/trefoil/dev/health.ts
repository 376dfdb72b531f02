// What a node says of itself on its admin listener.

import type { ClusterView } from "../../../internal/node/requests.ts";
import { loopback } from "./plan.ts";
import type { PlannedNode } from "./plan.ts";

const askMilliseconds = 2000;

/** What a node waits for that is not ready, in its words. */
export async function waitsFor({ ports }: PlannedNode): Promise<string> {
  try {
    const answer = await ask(ports.admin, "/readyz");
    const problem: unknown = answer.status === 200 ? undefined : await answer.json();
    const { detail } = (problem ?? {}) as { readonly detail?: unknown };
    return typeof detail === "string" ? firstOf(detail) : "it is about to be ready";
  } catch {
    return "it does not answer yet";
  }
}

/** Of all that is not as it should be, which may be the same of many groups. */
export function firstOf(detail: string): string {
  const [state = "", first = state, ...more] = detail.split("; ");
  return more.length === 0 ? first : `${first}; and ${more.length} more`;
}

export async function clusterSeenBy({ ports }: PlannedNode): Promise<ClusterView> {
  const answer = await ask(ports.admin, "/-/cluster");
  if (answer.status !== 200) throw new Error(`the map of the cluster could not be read: ${await answer.text()}`);
  return (await answer.json()) as ClusterView;
}

function ask(port: number, path: string): Promise<Response> {
  return fetch(`http://${loopback}:${port}${path}`, { signal: AbortSignal.timeout(askMilliseconds) });
}
