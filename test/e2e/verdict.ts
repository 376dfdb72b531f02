// What a history of a real cluster comes to, by the checkers of the simulator, and by what it was cut off from when.

import { judgeHistory } from "../sim/checkers.ts";
import { entryInWords, versionName } from "../sim/history.ts";
import type { History } from "../sim/history.ts";
import { Violation } from "../sim/violation.ts";
import type { Arena } from "./arena.ts";
import type { Fault } from "./faults/faults.ts";

/** All nodes have one clock here; this much passes between taking the time and sending what it is for. */
const clockErrorMilliseconds = 50;
/** Who led when is not seen from outside: whatever depends on it is left to the simulator. */
const nobodyKnows = [{ term: Number.POSITIVE_INFINITY, since: Number.NEGATIVE_INFINITY }];

/** Throws a Violation. When every node is back with its disk, each fast write that was answered is there, or something newer is. */
export function judgeAtRest(history: History, { losesDisk = false, clockError = 0 }: Fault): void {
  const fates = new Map<string, string>();
  if (!losesDisk) {
    for (const { done, told } of history.entries) {
      if (done.kind === "write" && done.mode === "fast" && told?.kind === "done") {
        fates.set(versionName(told.version), "committed");
      }
    }
  }
  judgeHistory(history, { clockError: clockErrorMilliseconds + clockError, fates, leaders: nobodyKnows });
}

/** Whoever is cut off from all others does nothing strong: there is one side that answers, and it is the other one. */
export function judgeSpells(history: History, arena: Arena): void {
  for (const { node, from, to } of arena.spells) {
    const lives = `${arena.idOf(node)}/`;
    const wrong = history.entries.find(
      ({ done, told, via, calledAt, returnedAt }) =>
        told !== undefined && done.mode === "strong" && via?.startsWith(lives) && calledAt > from && returnedAt < to,
    );
    if (wrong === undefined) continue;
    throw new Violation("one side answers", `${arena.idOf(node)} was cut off, and answered ${entryInWords(wrong)}`);
  }
}
