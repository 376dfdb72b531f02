// What a history of a real cluster comes to, by the checkers of the simulator.

import { judgeHistory } from "../sim/checkers.ts";
import { versionName } from "../sim/history.ts";
import type { History } from "../sim/history.ts";

/** All nodes have one clock here; this much passes between taking the time and sending what it is for. */
const clockErrorMilliseconds = 50;
/** Who led when is not seen from outside: whatever depends on it is left to the simulator. */
const nobodyKnows = [{ term: Number.POSITIVE_INFINITY, since: Number.NEGATIVE_INFINITY }];

/** Throws a Violation. For histories that are still being made: what lies on a disk that is away may be missing. */
export function judge(history: History): void {
  judgeHistory(history, { clockError: clockErrorMilliseconds, fates: new Map(), leaders: nobodyKnows });
}

/** The same, when every node is back with its disk: each fast write that was answered is there then, or something newer is. */
export function judgeAtRest(history: History): void {
  const fates = new Map<string, string>();
  for (const { done, told } of history.entries) {
    if (done.kind === "write" && done.mode === "fast" && told?.kind === "done") {
      fates.set(versionName(told.version), "committed");
    }
  }
  judgeHistory(history, { clockError: clockErrorMilliseconds, fates, leaders: nobodyKnows });
}
