// What clients met, inside the windows of a fault and outside of them, and whether that is enough for a verdict: a run in which nothing is
// asked breaks no promise, and one that is mostly refused keeps them cheaply.

import type { HistoryEntry } from "../sim/history.ts";
import type { Round } from "./drill.ts";
import type { ClientCounts } from "./mixed-client.ts";

export interface Figures {
  readonly outside: Part;
  readonly inside: Part;
  /** The longest time without an answered strong write, from a fault's beginning on, in milliseconds. */
  readonly longestGap: number;
}

export interface Part {
  readonly asked: number;
  readonly answered: number;
}

/** Outside: from the call to the answer. A condition that did not hold is an answer. */
export function figuresOf(entries: readonly HistoryEntry[], rounds: readonly Round[]): Figures {
  const isInside = ({ calledAt, returnedAt }: HistoryEntry): boolean =>
    rounds.some(({ from, to }) => calledAt < to && returnedAt > from);
  return {
    inside: partOf(entries.filter(isInside)),
    outside: partOf(entries.filter((entry) => !isInside(entry))),
    longestGap: gapOf(entries, rounds),
  };
}

function partOf(entries: readonly HistoryEntry[]): Part {
  return { asked: entries.length, answered: entries.filter(({ told }) => told !== undefined).length };
}

function gapOf(entries: readonly HistoryEntry[], rounds: readonly Round[]): number {
  const moments = entries
    .filter(({ done, told }) => done.kind === "write" && done.mode === "strong" && told !== undefined)
    .map(({ returnedAt }) => returnedAt)
    .sort((left, right) => left - right);
  let longest = 0;
  for (const { from, to } of rounds) {
    let before = from;
    for (const moment of moments) {
      if (moment < from) continue;
      longest = Math.max(longest, moment - before);
      before = moment;
      if (moment > to) break;
    }
  }
  return longest;
}

/** Of a hundred operations outside of windows: more are answered. */
const answeredPercent = 99;

export interface Shortcomings {
  /** None: it was enough. */
  readonly fails: readonly string[];
  /** For whoever reads of the run. */
  readonly tells: readonly string[];
}

/**
 * In words. `late`: requests that were not answered in time. Where pace is not judged, only silence is a failure: requests that were
 * never answered, or none that was; how soon and how many else depends on what the machine has to do beside.
 */
export function shortcomings(
  { inside, outside }: Figures,
  { silent, late }: Pick<ClientCounts, "silent" | "late">,
  { operations, judgesPace }: { readonly operations: number; readonly judgesPace: boolean },
): Shortcomings {
  const silence: string[] = [];
  const pace: string[] = [];
  const answered = inside.answered + outside.answered;
  if (silent > 0) silence.push(`${silent} requests were never answered`);
  if (answered === 0) silence.push("nothing was answered at all");
  if (late > 0) pace.push(`${late} requests were answered long after their deadline`);
  if (answered < operations) pace.push(`${answered} operations were answered, of at least ${operations}`);
  if (outside.answered * 100 < outside.asked * answeredPercent) {
    pace.push(`only ${outside.answered} of ${outside.asked} operations outside of the fault were answered`);
  }
  if (inside.answered === 0) pace.push("no operation was answered while the fault lasted");
  return judgesPace ? { fails: [...silence, ...pace], tells: [] } : { fails: silence, tells: pace };
}
