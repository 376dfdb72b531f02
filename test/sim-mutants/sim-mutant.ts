// What a planted bug is here: a change to the sources, and, where chance would take too long, the trace of test/raft that
// shows it.

import type { Mutant } from "../mutants/planting.ts";

export interface SimMutant extends Mutant {
  /** Name of a file in test/raft/testdata: it is run in place of the simulator. */
  readonly trace?: string;
}

/** A bug that is not planted, and why. */
export interface Unplanted {
  readonly name: string;
  readonly why: string;
}
