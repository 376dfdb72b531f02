// `npm run mutants:engine`: plants one bug after the other in a copy of the sources, builds it, and has hunt.ts look for it.
//
// A bug counts as found only when a check reports it and says what was lost: a build that fails, a process that dies or that
// hangs is none. A bug that is not found is a hole in the tests: the command fails. So does a copy without a bug in which
// something is found, for then finding means nothing.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { runCommand, type Command } from "../../scripts/command-line.ts";
import { chosenBy, seedOf, tellFound } from "./choosing.ts";
import type { Report } from "./hunt.ts";
import { mutants } from "./mutants.ts";
import { buildCopy, copySources, plant } from "./planting.ts";
import type { Mutant } from "./planting.ts";

interface Hunt {
  /** A copy of the project. */
  readonly root: string;
  readonly seed: number;
  readonly seconds: number;
}

type Verdict =
  | { readonly kind: "reported"; readonly report: Report }
  | { readonly kind: "nothing"; readonly why: string };

const command: Command = {
  call: "npm run mutants:engine --",
  what: `Plants ${mutants.length} bugs, one after the other, in a copy of the sources, and looks for each by power cuts, flipped bits, and
engine and store beside sorted maps, until one of these reports a loss. Before that the copy without a bug has to be silent.
Exit code 1: a bug was not found.`,
  flags: [
    { name: "seconds", value: "N", fallback: "120", what: "how long one bug is looked for, at most" },
    { name: "clean", value: "N", fallback: "15", what: "seconds that the copy without a bug has to be silent" },
    { name: "only", value: "WORD", fallback: "", what: "only bugs with this in their name" },
    { name: "seed", value: "N", what: "decides what is drawn (default: another one each time)" },
    { name: "list", what: "names the bugs and plants none" },
  ],
};

/** Whether the bug was found. */
function hunt(mutant: Mutant, within: Hunt): boolean {
  const started = performance.now();
  const restore = plant(mutant, within.root);
  try {
    const verdict = judge(within);
    const seconds = ((performance.now() - started) / 1000).toFixed(0).padStart(3);
    if (verdict.kind === "reported") {
      const { by, seed, what } = verdict.report;
      console.log(`found ${seconds} s  ${mutant.name}\n                by ${by}, seed ${seed}: ${what}`);
    } else {
      console.log(`MISSED ${seconds} s  ${mutant.name}: ${verdict.why}`);
    }
    return verdict.kind === "reported";
  } finally {
    restore();
  }
}

function judge({ root, seed, seconds }: Hunt): Verdict {
  const run = spawnSync(process.execPath, ["dist/test/mutants/hunt.js", String(seed), String(seconds)], {
    cwd: root,
    encoding: "utf8",
    timeout: (seconds + 60) * 1000,
    killSignal: "SIGKILL",
  });
  const said = run.stdout.trim().split("\n").at(-1) ?? "";
  if (run.status === 0) return { kind: "nothing", why: `nothing was reported in ${seconds} s` };
  if (said.startsWith("{")) return { kind: "reported", report: JSON.parse(said) as Report };
  if (run.signal !== null) return { kind: "nothing", why: "no check reported it: it hung" };
  const last = run.stderr.trim().split("\n").at(-1) ?? "";
  return { kind: "nothing", why: `no check reported it: it ended with exit code ${run.status} ${last}` };
}

function run(chosen: readonly Mutant[], given: Hunt, cleanSeconds: number): boolean {
  copySources(given.root);
  buildCopy(given.root, "the copy");
  const clean = judge({ ...given, seconds: cleanSeconds });
  if (clean.kind === "reported") throw new Error(`something is found without a bug: ${JSON.stringify(clean.report)}`);
  console.log(`silent without a bug for ${cleanSeconds} s; seed ${given.seed}`);
  const missed = chosen.filter((mutant) => !hunt(mutant, given));
  return tellFound(chosen, missed);
}

await runCommand(command, (given) => {
  const chosen = chosenBy(given, mutants);
  if (given.has("list")) {
    for (const { name, file } of chosen) console.log(`${name} (${file})`);
    return true;
  }
  const seed = seedOf(given);
  const seconds = given.wholeNumber("seconds", 1);
  const cleanSeconds = given.wholeNumber("clean", 1);
  const root = mkdtempSync(join(tmpdir(), "trefoil-mutants-"));
  try {
    return run(chosen, { root, seed, seconds }, cleanSeconds);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
