// What is judged when a run has come to rest: replicas hold the same, and every fast write that was answered has its
// fate. (checkers.ts judges what clients were told.)

import { assert } from "../../internal/base/assert.ts";
import type { Exemptions, FastPromises } from "./fast-promises.ts";
import { stateOf } from "./invariants.ts";
import type { SimCluster } from "./sim-cluster.ts";
import { Violation } from "./violation.ts";

export async function compareStates(cluster: SimCluster): Promise<void> {
  const states: { readonly id: number; readonly lines: readonly string[] }[] = [];
  for (const node of cluster.nodes.values()) states.push({ id: node.id, lines: await stateOf(node) });
  expectEqual(states);
}

export function expectEqual(states: readonly { readonly id: number; readonly lines: readonly string[] }[]): void {
  const [first] = states;
  for (const { id, lines } of states) {
    const longest = Math.max(lines.length, first?.lines.length ?? 0);
    const at = Array.from({ length: longest }).findIndex((_, which) => lines[which] !== first?.lines[which]);
    if (at < 0) continue;
    throw new Violation("equal replicas", `${first?.id} has "${first?.lines[at]}", ${id} has "${lines[at]}"`);
  }
}

/** The fate of every fast write that was answered, by version. */
export function settleFates(
  cluster: SimCluster,
  promises: FastPromises,
  exempt: Exemptions,
): Promise<Map<string, string>> {
  const node = cluster.leader;
  assert(node !== undefined, "no leader in the end");
  return promises.settle(node, exempt);
}
