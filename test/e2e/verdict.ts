// What a history of a real cluster comes to, by the checkers of the simulator, and by what it was cut off from when.

import { judgeHistory } from "../sim/checkers.ts";
import { entryInWords, versionName } from "../sim/history.ts";
import type { History } from "../sim/history.ts";
import { Violation } from "../sim/violation.ts";
import type { Arena } from "./arena.ts";
import type { Fault } from "./faults/faults.ts";
import { tryInWords } from "./tries.ts";
import type { Try } from "./tries.ts";

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

/** A strong answer, with the process that gave it. */
interface Strong {
  readonly via: string | undefined;
  readonly calledAt: number;
  readonly returnedAt: number;
  readonly words: () => string;
}

/**
 * Whoever is cut off from all others does nothing strong: there is one side that answers, and it is the other one. A write was answered
 * as often as it was tried.
 */
export function judgeSpells(
  history: History,
  tries: readonly Try[],
  { spells, idOf }: { readonly spells: Arena["spells"]; readonly idOf: (node: number) => string },
): void {
  const answers = strongAnswers(history, tries);
  for (const { node, from, to } of spells) {
    const lives = `${idOf(node)}/`;
    const wrong = answers.find(
      ({ via, calledAt, returnedAt }) => via?.startsWith(lives) && calledAt > from && returnedAt < to,
    );
    if (wrong === undefined) continue;
    throw new Violation("one side answers", `${idOf(node)} was cut off, and answered ${wrong.words()}`);
  }
}

function strongAnswers({ entries }: History, tries: readonly Try[]): readonly Strong[] {
  const reads = entries.filter(
    ({ done, told }) => done.kind === "read" && done.mode === "strong" && told !== undefined,
  );
  const writes = tries.filter(({ entry }) => entry.done.mode === "strong");
  return [
    ...reads.map((entry) => ({ ...entry, words: () => entryInWords(entry) })),
    ...writes.map((each) => ({ ...each, words: () => tryInWords(each) })),
  ];
}
