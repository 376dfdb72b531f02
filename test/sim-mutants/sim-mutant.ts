// What a planted bug is here: a change to the sources, and, where chance would take too long, the trace of test/raft, or the
// scenario of test/replica, that shows it.

import type { Mutant } from "../mutants/planting.ts";

export interface SimMutant extends Mutant {
  /** What is run to find it; a group, where nothing is said. */
  readonly run?: "cluster";
  /** Name of a file in test/raft/testdata: it is run in place of the simulator. */
  readonly trace?: string;
  /** A test of test/replica, run in place of the simulator. */
  readonly scenario?: Scenario;
}

export interface Scenario {
  /** Seen from test/replica, which most of them are in, without its ending. */
  readonly file: string;
  /** The whole name of the test. */
  readonly name: string;
}

/** A bug that is not planted, and why. */
export interface Unplanted {
  readonly name: string;
  readonly why: string;
}
