// `npm run sim:mutants`: plants one bug after the other in a copy of the sources, builds it, and lets the simulator look for
// it, on fresh seeds, or, where the bug names one, a trace of test/raft or a scenario of test/replica.
//
// A bug counts as found only when an invariant, a checker, the trace or the scenario reports it: a build that fails, a process that dies or
// hangs, and code that trips over itself are none. A bug that is not found is a hole in the simulator: the command fails. So
// does a copy without a bug in which something is found, for then finding means nothing.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { runCommand, WrongUse, type Command } from "../../scripts/command-line.ts";
import { chosenBy, seedOf, tellFound } from "../mutants/choosing.ts";
import { buildCopy, copySources, misfits, plant } from "../mutants/planting.ts";
import type { Find } from "./hunt.ts";
import { simMutants, unplanted } from "./mutants.ts";
import type { SimMutant } from "./sim-mutant.ts";

/** One seed takes seconds; a process that says nothing for so long hangs. */
const silenceMilliseconds = 180_000;
const processesMax = 2;
const silent = "nothing was reported";

const numberDirected = simMutants.filter((mutant) => directedAt(mutant) !== undefined).length;

type Verdict = { readonly kind: "reported"; readonly find: Find } | { readonly kind: "nothing"; readonly why: string };

const command: Command = {
  call: "npm run sim:mutants --",
  what: `Plants ${simMutants.length} bugs, one after the other, in a copy of the sources, and lets the simulator look for each on fresh seeds
until an invariant or a checker reports it; ${numberDirected} of them, which chance would take too long to meet, are shown by a trace of
test/raft, or a scenario of test/replica. Before that the copy without a bug has to be silent. Exit code 1: a bug was not found.`,
  flags: [
    { name: "minutes", value: "N", fallback: "600", what: "virtual minutes for which one bug is looked for, at most" },
    { name: "clean", value: "N", fallback: "60", what: "virtual minutes that the copy without a bug has to be silent" },
    { name: "only", value: "WORD", fallback: "", what: "only bugs with this in their name" },
    { name: "seed", value: "N", what: "the first of the seeds (default: another one each time)" },
    {
      name: "resume",
      value: "FILE",
      what: "what an earlier run printed: the bugs that it found are not hunted again",
    },
    { name: "list", what: "names the bugs and plants none" },
  ],
};

/** Runs hunt.ts in the copy, with words that say how. */
async function judge(root: string, words: readonly string[]): Promise<Verdict> {
  const hunter = spawn(process.execPath, ["dist/test/sim-mutants/hunt.js", ...words], { cwd: root });
  let said = "";
  let complaint = "";
  let silence = setTimeout(() => hunter.kill("SIGKILL"), silenceMilliseconds);
  createInterface(hunter.stdout).on("line", (line) => {
    said = line;
    clearTimeout(silence);
    silence = setTimeout(() => hunter.kill("SIGKILL"), silenceMilliseconds);
  });
  createInterface(hunter.stderr).on("line", (line) => {
    if (line.trim() !== "") complaint = line.trim();
  });
  const ended = await new Promise<{ readonly code: number | null }>((resolve, reject) => {
    hunter.on("error", reject);
    hunter.on("close", (code) => resolve({ code }));
  });
  clearTimeout(silence);
  if (ended.code === 0) return { kind: "nothing", why: silent };
  if (said.startsWith("{")) return { kind: "reported", find: JSON.parse(said) as Find };
  if (ended.code === null) return { kind: "nothing", why: `no check reported it: it hung, or died, after ${said}` };
  return {
    kind: "nothing",
    why: `no check reported it: after ${said} it ended with exit code ${ended.code}, ${complaint}`,
  };
}

interface Hunt {
  /** Copies of the project, one for each process. */
  readonly roots: readonly string[];
  readonly seed: number;
  readonly minutes: number;
}

/** Whether the bug was found. */
async function hunt(mutant: SimMutant, root: string, { seed, minutes }: Hunt): Promise<boolean> {
  const started = performance.now();
  const restore = tryToPlant(mutant, root);
  if (restore === undefined) return false;
  const words = directedAt(mutant) ?? [seedsOf(mutant), String(seed), String(minutes)];
  const verdict = await judge(root, words).finally(restore);
  const seconds = ((performance.now() - started) / 1000).toFixed(0).padStart(4);
  if (verdict.kind === "nothing") {
    console.log(`MISSED ${seconds} s  ${mutant.name}: ${verdict.why}`);
    return false;
  }
  const { by, seed: at, virtualMinutes, what } = verdict.find;
  const when = directedAt(mutant) ? "" : `, seed ${at}, virtual minutes ${virtualMinutes.toFixed(1)}`;
  console.log(`found  ${seconds} s  ${mutant.name}\n                by ${by}${when}\n                ${what}`);
  return true;
}

/** Seeds of single groups, or of whole clusters. */
const seedsOf = ({ run: what }: SimMutant): string => (what === "cluster" ? "clusters" : "seeds");

/** The words for hunt.ts that run its trace or its scenario; undefined: it has none, and chance has to meet it. */
function directedAt({ trace, scenario }: SimMutant): readonly string[] | undefined {
  if (trace !== undefined) return ["trace", trace];
  return scenario && ["scenario", scenario.file, scenario.name];
}

/** Undefined: it does not compile. */
function tryToPlant(mutant: SimMutant, root: string): (() => void) | undefined {
  try {
    return plant(mutant, root);
  } catch (failure) {
    console.log(`MISSED    0 s  ${mutant.name}: ${failure instanceof Error ? failure.message : String(failure)}`);
    return undefined;
  }
}

/** Throws when the simulator, or a trace or scenario that is to be used, reports something without a bug. */
async function mustBeSilent(chosen: readonly SimMutant[], { roots, seed }: Hunt, cleanMinutes: number): Promise<void> {
  const directed = chosen.flatMap((mutant) => [directedAt(mutant) ?? []]).filter((words) => words.length > 0);
  const kinds = new Set(chosen.map(seedsOf));
  const seeds = Array.from(kinds, (kind) => [kind, String(seed), String(cleanMinutes)]);
  await shared(roots, [...seeds, ...directed], async (words, root) => {
    const clean = await judge(root, words);
    if (clean.kind === "nothing" && clean.why !== silent) throw new Error(`${words.join(" ")}: ${clean.why}`);
    if (clean.kind === "reported") throw new Error(`something is found without a bug: ${JSON.stringify(clean.find)}`);
  });
  console.log(
    `silent without a bug for ${cleanMinutes} virtual minutes and in ${directed.length} traces and scenarios; first seed ${seed}`,
  );
}

/** All of the work, in its order, one piece at a time in each copy. */
async function shared<T>(roots: readonly string[], work: readonly T[], act: (piece: T, root: string) => Promise<void>) {
  const left = [...work];
  const lane = async (root: string): Promise<void> => {
    for (let piece = left.shift(); piece !== undefined; piece = left.shift()) await act(piece, root);
  };
  await Promise.all(roots.map(lane));
}

async function run(chosen: readonly SimMutant[], given: Hunt, cleanMinutes: number): Promise<boolean> {
  for (const root of given.roots) {
    copySources(root);
    buildCopy(root, "the copy");
  }
  await mustBeSilent(chosen, given, cleanMinutes);
  const missed: SimMutant[] = [];
  await shared(given.roots, chosen, async (mutant, root) => {
    if (!(await hunt(mutant, root, given))) missed.push(mutant);
  });
  return tellFound(chosen, missed);
}

/** Names of bugs. */
function foundIn(file: string | undefined): Set<string> {
  if (file === undefined) return new Set();
  const lines = readFileSync(file, "utf8").split("\n");
  return new Set(lines.flatMap((line) => /^found +\d+ s {2}(.*)$/.exec(line)?.[1] ?? []));
}

function list(chosen: readonly SimMutant[]): void {
  for (const mutant of chosen) {
    const directed = directedAt(mutant);
    console.log(`${mutant.name} (${mutant.file}${directed === undefined ? "" : `, ${directed.join(" ")}`})`);
  }
  listUnplanted();
}

function listUnplanted(): void {
  if (unplanted.length > 0) console.log("not planted:");
  for (const { name, why } of unplanted) console.log(`  ${name}: ${why}`);
}

await runCommand(command, async (given) => {
  const named = chosenBy(given, simMutants);
  const before = foundIn(given.text("resume"));
  const chosen = named.filter(({ name }) => !before.has(name));
  if (chosen.length === 0) throw new WrongUse("the earlier run has found all of them");
  if (given.has("list")) {
    list(chosen);
    return true;
  }
  const misfit = misfits(chosen);
  if (misfit.length > 0) throw new Error(misfit.join("\n"));
  const seed = seedOf(given);
  const minutes = given.wholeNumber("minutes", 1);
  const cleanMinutes = given.wholeNumber("clean", 1);
  const processes = Math.min(processesMax, chosen.length);
  const roots = Array.from({ length: processes }, () => mkdtempSync(join(tmpdir(), "trefoil-sim-mutants-")));
  try {
    const found = await run(chosen, { roots, seed, minutes }, cleanMinutes);
    listUnplanted();
    return found;
  } finally {
    for (const root of roots) rmSync(root, { recursive: true, force: true });
  }
});
