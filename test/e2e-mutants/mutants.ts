// Bugs to plant that npm run e2e has to find, each with the fault that brings it to light. They break what clients are promised, and nothing
// that would have a node notice it: a process that ends, or a cluster that does not come up, is no find.

import type { Mutant } from "../mutants/planting.ts";
import { raftMutants } from "../sim-mutants/raft-mutants.ts";

export interface E2eMutant extends Mutant {
  /** By its name in test/e2e/faults/faults.ts. */
  readonly fault: string;
  /** Why that fault shows it. */
  readonly because: string;
}

function ofTheCore(name: string): Mutant {
  const known = raftMutants.find((mutant) => mutant.name === name);
  if (known === undefined) throw new Error(`test/sim-mutants has no "${name}"`);
  return known;
}

export const e2eMutants: readonly E2eMutant[] = [
  {
    name: "a strong write is answered before a majority has it",
    fault: "leader-cut",
    because: "what a leader answers between the cut and its noticing it is known to nobody else",
    file: "internal/replica/write-answers.ts",
    find: "this.waiters.add({ term, index, stamp, consistency, shown, resolve })",
    // Of those without a condition: what the others come to is not known before they are applied, and guessing would show at once.
    replace:
      'this.waiters.add({ term, index, stamp, consistency: write.command?.operations[0]?.condition === 0 ? "fast" : consistency, shown, resolve })',
  },
  {
    ...ofTheCore("ReadIndex without the round of heartbeats"),
    fault: "leader-asleep",
    because: "a leader that slept knows nothing of its successor, and believes for a while that it is heard",
  },
  {
    name: "a node that starts again reads nothing of its log back",
    fault: "all-killed",
    because: "nobody is left who knows what was not in tables yet",
    file: "internal/log/recovery.ts",
    find: "state.checkInvariants();",
    // Group 0 has the map of the cluster: without it none of them would start.
    replace:
      "if (state.group !== 0 && state.lastIndex > state.baseIndex) {\n        state.truncateFrom(state.firstIndex);\n        state.commit = state.baseIndex;\n      }",
  },
];
