// `npm run e2e:mutants`: plants one bug after the other in a copy of the sources, builds it, and lets `npm run e2e` meet the fault that
// is to show it, a fresh cluster for each round.
//
// A bug counts as found only when a promise is said to be violated: a build that fails, a node that dies, a cluster that does not come up or a
// run that hangs is no find. A bug that is not found is a hole in the drills: the command fails. So does a copy without a bug in which
// one of these faults is not got over, for then finding means nothing.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { runCommand, type Command } from "../../scripts/command-line.ts";
import { chosenBy, seedOf, tellFound } from "../mutants/choosing.ts";
import { buildCopy, copySources, misfits, plant } from "../mutants/planting.ts";
import { e2eMutants } from "./mutants.ts";
import type { E2eMutant } from "./mutants.ts";

/** Longer than any round: than what a cluster may take to come up, to heal and to come to rest. */
const roundMillisecondsMax = 300_000;
const operations = 600;

const command: Command = {
  call: "npm run e2e:mutants --",
  what: `Plants ${e2eMutants.length} bugs, one after the other, in a copy of the sources, and lets real processes meet the fault that is to show it, with
a cluster of their own for each round, until the checkers say that a promise was violated. Before that the copy without a bug has to get
over the same faults. Exit code 1: a bug was not found.`,
  flags: [
    { name: "rounds", value: "N", fallback: "8", what: "for which one bug is looked for, at most" },
    {
      name: "clean",
      value: "N",
      fallback: "1",
      what: "rounds of each fault that the copy without a bug has to get over",
    },
    { name: "only", value: "WORD", fallback: "", what: "only bugs with this in their name" },
    { name: "seed", value: "N", what: "of the first round (default: another one each time)" },
    { name: "list", what: "names the bugs and plants none" },
  ],
};

interface Hunt {
  /** A copy of the project. */
  readonly root: string;
  readonly seed: number;
  readonly rounds: number;
}

type Verdict =
  | { readonly kind: "violated"; readonly what: string }
  | { readonly kind: "kept" }
  /** Something else went wrong: its last words. */
  | { readonly kind: "failed"; readonly why: string };

function meet(root: string, fault: string, { seed, rounds }: { seed: number; rounds: number }): Verdict {
  const words = ["--only", fault, "--rounds", rounds, "--operations", operations, "--seed", seed].map(String);
  const { status, stdout, stderr } = spawnSync(process.execPath, ["dist/test/e2e/main.js", ...words], {
    cwd: root,
    encoding: "utf8",
    // What a find leaves behind goes with the copy.
    env: { ...process.env, TMPDIR: root },
    timeout: rounds * roundMillisecondsMax,
  });
  const what = /: VIOLATED: (.*)$/m.exec(stdout)?.[1];
  if (status === 1 && what !== undefined) return { kind: "violated", what };
  if (status === 0) return { kind: "kept" };
  const said = `${stdout}${stderr}`.trim().split("\n");
  const why = said.findLast((line) => /FAILED|Error/.test(line)) ?? said.at(-1) ?? "";
  return { kind: "failed", why: `exit code ${status}, ${why.trim()}` };
}

/** Whether the bug was found. */
function hunt(mutant: E2eMutant, { root, seed, rounds }: Hunt): boolean {
  const { name, fault, because } = mutant;
  const started = performance.now();
  const seconds = (): string => ((performance.now() - started) / 1000).toFixed(0).padStart(4);
  const restore = plant(mutant, root);
  let other = "";
  try {
    for (let round = 1; round <= rounds; round++) {
      const verdict = meet(root, fault, { seed: seed + round, rounds: 1 });
      if (verdict.kind === "violated") {
        console.log(`found  ${seconds()} s  ${name}`);
        console.log(`                by ${fault}, after ${round} of at most ${rounds} rounds: ${because}`);
        console.log(`                ${verdict.what}`);
        return true;
      }
      if (verdict.kind === "failed") other = `; what else went wrong: ${verdict.why}`;
    }
  } finally {
    restore();
  }
  console.log(`MISSED ${seconds()} s  ${name}: no promise was violated in ${rounds} rounds of ${fault}${other}`);
  return false;
}

/** Throws when the copy, without a bug, does not get over one of the faults. */
function mustBeSilent(chosen: readonly E2eMutant[], { root, seed }: Hunt, cleanRounds: number): void {
  const names = Array.from(new Set(chosen.map(({ fault }) => fault)));
  for (const fault of names) {
    const verdict = meet(root, fault, { seed, rounds: cleanRounds });
    if (verdict.kind === "violated") throw new Error(`${fault}: something is found without a bug: ${verdict.what}`);
    if (verdict.kind === "failed") throw new Error(`${fault}: it fails without a bug: ${verdict.why}`);
  }
  console.log(`silent without a bug, rounds ${cleanRounds} each of ${names.join(", ")}; seed ${seed}`);
}

function run(chosen: readonly E2eMutant[], given: Hunt, cleanRounds: number): boolean {
  copySources(given.root);
  buildCopy(given.root, "the copy");
  mustBeSilent(chosen, given, cleanRounds);
  const missed = chosen.filter((mutant) => !hunt(mutant, given));
  return tellFound(chosen, missed);
}

await runCommand(command, (given) => {
  const chosen = chosenBy(given, e2eMutants);
  if (given.has("list")) {
    for (const { name, file, fault } of chosen) console.log(`${name} (${file}, ${fault})`);
    return true;
  }
  const misfit = misfits(chosen);
  if (misfit.length > 0) throw new Error(misfit.join("\n"));
  const seed = seedOf(given);
  const rounds = given.wholeNumber("rounds", 1);
  const cleanRounds = given.wholeNumber("clean", 1);
  const root = mkdtempSync(join(tmpdir(), "trefoil-e2e-mutants-"));
  try {
    return run(chosen, { root, seed, rounds }, cleanRounds);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
