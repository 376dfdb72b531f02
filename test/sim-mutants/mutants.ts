// All bugs that `npm run sim:mutants` plants, and those that it does not, with the reason.

import { clusterMutants } from "./cluster-mutants.ts";
import { raftMutants } from "./raft-mutants.ts";
import { diskMutants } from "./disk-mutants.ts";
import { movingMutants } from "./moving-mutants.ts";
import { receivingMutants } from "./receiving-mutants.ts";
import { replicaMutants } from "./replica-mutants.ts";
import { scenarioMutants } from "./scenario-mutants.ts";
import { traceMutants } from "./trace-mutants.ts";
import type { SimMutant, Unplanted } from "./sim-mutant.ts";

export const simMutants: readonly SimMutant[] = [
  ...raftMutants,
  ...traceMutants,
  ...replicaMutants,
  ...scenarioMutants,
  ...receivingMutants,
  ...diskMutants,
  ...movingMutants,
  ...clusterMutants,
];

const notBuilt = "the code does not exist yet";

export const unplanted: readonly Unplanted[] = [
  {
    name: "match taken back by an old answer",
    why: "equivalent for all that a group promises: less is taken for matched for a moment, nothing more; internal/raft/progress.test.ts holds it",
  },
  {
    name: "truncation left to the append that follows it",
    why: "equivalent: an append at an index that is taken stages the truncation itself",
  },
  { name: "rule 9: a restore that starts below the greatest term of its backup", why: notBuilt },
  {
    name: "rule 19: hard state not synced under an interval",
    why: "equivalent: a node whose machine went down under an interval never votes under its id again (the bug of that rule is planted)",
  },
  {
    name: "old ring owner accepts after the hand-over",
    why: `${notBuilt}, as far as a map moves slots; the seal, which is a group's part of it, is planted`,
  },
  {
    name: "a default of fast applied to a write that reads (rule 7)",
    why: "the coordinator's (internal/node), and this simulator's clients ask replicas; that a replica refuses such a write is planted",
  },
  { name: "expiry told as an event (rule 6)", why: notBuilt },
];
