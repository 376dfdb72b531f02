// All bugs that `npm run sim:mutants` plants, and those that it does not, with the reason.

import { raftMutants } from "./raft-mutants.ts";
import { diskMutants } from "./disk-mutants.ts";
import { replicaMutants } from "./replica-mutants.ts";
import type { SimMutant, Unplanted } from "./sim-mutant.ts";

export const simMutants: readonly SimMutant[] = [...raftMutants, ...replicaMutants, ...diskMutants];

export const unplanted: readonly Unplanted[] = [];
