// What a node says of itself on its admin listener.

import type { Readiness } from "../../../internal/http/admin-edge.ts";
import type { ClusterView } from "../../../internal/node/requests.ts";
import { loopback } from "./plan.ts";
import type { PlannedNode } from "./plan.ts";

const askMilliseconds = 2000;
const aboutToBe = "it is about to be ready";

/** Of the problem document. */
interface NotReady {
  readonly detail?: string;
  readonly checks?: Readiness["checks"];
}

/** What a node waits for that is not ready, in its words. */
export async function waitsFor({ ports }: PlannedNode): Promise<string> {
  try {
    const answer = await ask(ports.admin, "/readyz");
    return answer.status === 200 ? aboutToBe : firstOf((await answer.json()) as NotReady);
  } catch {
    return "it does not answer yet";
  }
}

/** Of all that is not as it should be, which may be the same of many groups. */
export function firstOf({ detail = aboutToBe, checks = [] }: NotReady): string {
  const [first, ...more] = checks.filter(({ isFine }) => !isFine).map(({ name, detail: words }) => `${name}: ${words}`);
  if (first === undefined) return detail;
  return more.length === 0 ? first : `${first}; and ${more.length} more`;
}

/** Whatever it says. */
export async function answers({ ports }: PlannedNode): Promise<boolean> {
  try {
    const answer = await ask(ports.admin, "/livez");
    await answer.arrayBuffer();
    return true;
  } catch {
    return false;
  }
}

export async function clusterSeenBy({ ports }: PlannedNode): Promise<ClusterView> {
  const answer = await ask(ports.admin, "/-/cluster");
  if (answer.status !== 200) throw new Error(`the map of the cluster could not be read: ${await answer.text()}`);
  return (await answer.json()) as ClusterView;
}

function ask(port: number, path: string): Promise<Response> {
  return fetch(`http://${loopback}:${port}${path}`, { signal: AbortSignal.timeout(askMilliseconds) });
}
