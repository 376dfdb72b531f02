// `npm run sim`: seeds of the simulator, as many as the hours take, on as many processes as there are processors. Ends with what
// was done; a violation ends with the command that repeats it, and with as little of it as still fails.

import { runCommand, WrongUse, type Command, type Given } from "../../scripts/command-line.ts";
import { runCampaign } from "./campaign.ts";
import { kindsOfRuns, namesOf, tryAny } from "./kinds-of-runs.ts";
import { flagsOf, wholeRun } from "./run-plan.ts";
import type { RunPlan } from "./run-plan.ts";
import { shrink } from "./shrink.ts";
import { Trace } from "./trace.ts";
import type { Report } from "./violation.ts";

const traceLines = 100;

const command: Command = {
  call: "npm run sim --",
  what: `Runs three replicas, each with a log, an engine and a disk that forgets what was not synced, or, every fourth seed, a whole cluster
of nodes, against virtual time and a virtual network, while faults come and clients write down what they are told. Then everything
heals, and what happened is judged: docs/simulation.md says by what.
Exit code 1: something was violated, or too little happened for the run to mean anything.`,
  flags: [
    { name: "hours", value: "N", fallback: "1", what: "virtual hours at least, spread over many seeds" },
    { name: "seeds", value: "N", fallback: "1", what: "seeds at least" },
    { name: "first", value: "N", what: "the first of the seeds (default: another one each time)" },
    { name: "only", value: "KIND", what: "seeds of one kind: group, or cluster" },
    { name: "seed", value: "N", what: "runs this seed alone, twice, and shows that it does the same both times" },
    { name: "until", value: "MS", what: "with --seed: all heals after so many virtual milliseconds" },
    { name: "without", value: "NAMES", what: "with --seed: leaves out kinds of faults, and features of the workload" },
    { name: "faults", value: "NUMBERS", what: "with --seed: makes these of its faults only" },
    { name: "shrink", value: "S", fallback: "120", what: "seconds to make what failed smaller; 0: not at all" },
    { name: "lines", value: "N", fallback: String(traceLines), what: "lines of the trace of a failure" },
  ],
};

async function runMany(given: Given): Promise<boolean> {
  const first = given.has("first") ? given.wholeNumber("first") : Math.floor(Math.random() * 1_000_000);
  console.log(`first seed ${first}`);
  const least = { hours: given.wholeNumber("hours"), seeds: given.wholeNumber("seeds", 1) };
  const word = given.text("only");
  const only = kindsOfRuns.find((kind) => kind === word);
  if (word !== undefined && only === undefined) throw new WrongUse(`--only takes ${kindsOfRuns.join(" or ")}`);
  const campaign = await runCampaign(first, least, only);
  campaign.show();
  const gaps = campaign.reports.length > 0 ? [] : campaign.gaps();
  for (const gap of gaps) console.log(`not valid: ${gap}`);
  for (const report of campaign.reports) showReport(report, wholeRun);
  const [violated] = campaign.reports;
  if (violated !== undefined) await explain(violated.seed, wholeRun, given);
  return campaign.reports.length + gaps.length === 0;
}

/** One seed, twice: the same trace, or its failure. */
async function runSeed(seed: number, plan: RunPlan, given: Given): Promise<boolean> {
  const once = await tryAny(seed, plan);
  if (once.kind === "violated") {
    showReport(once.report, plan);
    await explain(seed, plan, given);
    return false;
  }
  const again = await tryAny(seed, plan);
  const { completed, faults, leaderChanges, trace: hash } = once.result;
  console.log(
    `seed ${seed}: ${completed} operations, ${faults} faults, ${leaderChanges} leader changes, trace ${hash}`,
  );
  if (again.kind === "done" && again.result.trace === hash) return true;
  console.log("the second run of the same seed differs");
  return false;
}

/** The least that still fails so, and how it came about. */
async function explain(seed: number, plan: RunPlan, given: Given): Promise<void> {
  const seconds = given.wholeNumber("shrink");
  if (seconds === 0) return showTrace(seed, plan, given);
  const found = await tryAny(seed, plan);
  if (found.kind === "done") return console.log("  run again, it does not fail: the machine takes part in it");
  const end = performance.now() + 1000 * seconds;
  const names = namesOf(seed);
  const shrunk = await shrink(plan, found, {
    names,
    run: (smaller) => tryAny(seed, smaller),
    isEnough: () => performance.now() > end,
  });
  await showTrace(seed, shrunk.plan, given);
  const left = names.filter((name) => !shrunk.plan.without.has(name));
  console.log(
    `smaller, after ${shrunk.runs} runs${shrunk.isCutShort ? " and out of time" : ""}; needed: ${left.join(", ")}`,
  );
  showReport(shrunk.report, shrunk.plan);
}

/** What happened last, in another run of the same. */
async function showTrace(seed: number, plan: RunPlan, given: Given): Promise<void> {
  const lines = given.wholeNumber("lines");
  const trace = new Trace(lines);
  await tryAny(seed, { ...plan, trace });
  console.log(trace.last(lines).join("\n"));
}

function showReport({ by, seed, what, atMilliseconds }: Report, plan: RunPlan): void {
  console.log(`VIOLATED by seed ${seed} at ${atMilliseconds.toFixed(2)} ms: ${by}\n  ${what}`);
  console.log(`  again: npm run sim -- --seed ${seed} ${flagsOf(plan)}`.trimEnd());
}

function planOf(given: Given, seed: number): RunPlan {
  const without = listOf(given.text("without"));
  const names = namesOf(seed);
  for (const name of without) {
    if (!names.includes(name)) throw new WrongUse(`--without names "${name}", and its kind of run has no such thing`);
  }
  return {
    faultMilliseconds: given.has("until") ? given.wholeNumber("until") : wholeRun.faultMilliseconds,
    without: new Set(without),
    faults: given.has("faults") ? new Set(listOf(given.text("faults")).map(Number)) : undefined,
    trace: undefined,
  };
}

const listOf = (text: string | undefined): string[] => (text ?? "").split(",").filter((name) => name !== "");

await runCommand(command, async (given) =>
  given.has("seed")
    ? runSeed(given.wholeNumber("seed"), planOf(given, given.wholeNumber("seed")), given)
    : runMany(given),
);
