// What is judged when a run has come to rest: replicas hold the same, every fast write that was answered has its fate, and what
// clients were told can be so.

import { assert } from "../../internal/base/assert.ts";
import { logIndex, term } from "../../internal/base/ids.ts";
import type { ReplicaId } from "../../internal/base/ids.ts";
import { decodeFate } from "../../internal/replica/fates.ts";
import { fateKey } from "../../internal/replica/group-state.ts";
import { checkCounter, checkFastReads, checkRegister } from "./checkers.ts";
import type { FastPromise } from "./clients.ts";
import type { History } from "./history.ts";
import { stateOf } from "./invariants.ts";
import type { SimCluster } from "./sim-cluster.ts";
import { Violation } from "./violation.ts";

export async function compareStates(cluster: SimCluster): Promise<void> {
  const states: { readonly id: number; readonly lines: readonly string[] }[] = [];
  for (const node of cluster.nodes.values()) states.push({ id: node.id, lines: await stateOf(node) });
  const [first] = states;
  for (const { id, lines } of states) {
    const at = lines.findIndex((line, which) => line !== first?.lines[which]);
    if (at < 0 && lines.length === first?.lines.length) continue;
    throw new Violation("equal replicas", ` ${first?.id} has "${first?.lines[at]}", ${id} has "${lines[at]}"`);
  }
}

/** Every fast write that was answered was committed, or its fate is known, or it was on a disk that was lost. */
export async function fatesOf(
  cluster: SimCluster,
  promises: readonly FastPromise[],
  leaderOf: (term: number) => number | undefined,
): Promise<Map<string, number>> {
  const node = cluster.leader;
  assert(node?.replica !== undefined && node.engine !== undefined, "no leader in the end");
  const { replica, engine } = node;
  const fates = new Map<string, number>();
  for (const { version, key } of promises) {
    const [of, index] = [term(version.term), logIndex(version.index)];
    let fate: string | undefined = replica.state.holds(of, index) === true ? "committed" : undefined;
    if (fate === undefined) {
      const record = await engine.get(replica.incarnation, fateKey(of, index));
      fate = record === undefined ? undefined : decodeFate(record.payload).fate;
    }
    if (fate === undefined && cluster.lostDisks.has(leaderOf(of) as ReplicaId)) fate = "lost with its disk";
    if (fate === undefined)
      throw new Violation("fates", `the fast write ${of}.${index} of ${key} was answered and has no fate`);
    fates.set(fate, (fates.get(fate) ?? 0) + 1);
  }
  return fates;
}

export function judge(history: History): void {
  for (const key of history.keys) {
    const entries = history.of(key);
    const late = key.startsWith("c") ? undefined : checkFastReads(entries);
    if (late !== undefined) throw new Violation("fast reads", late);
    if (key.startsWith("c")) {
      const wrong = checkCounter(entries);
      if (wrong !== undefined) throw new Violation("counters", `${key}: ${wrong}`);
    }
    if (!key.startsWith("s")) continue;
    const verdict = checkRegister(entries);
    if (verdict.kind !== "linearizable")
      throw new Violation("linearizability", `${key} is ${verdict.kind} after ${verdict.steps} steps`);
  }
}
