// Looks for a planted bug in the build that this is part of, by the same runs as the tests and with other seeds, in turn,
// until one of them reports something or the time is over. A report is one line of JSON that names the loss; exit code 0
// without one: nothing was found. Whatever else ends this process is no report.

import process from "node:process";
import { checkEngine } from "../engine/engine-model.ts";
import { flipBits } from "../store/bit-flips.ts";
import { livesUnderPowerCuts, noCounts } from "../store/power-cuts.ts";
import { checkStore } from "../store/store-model.ts";
import { noStory } from "../store/story.ts";

export interface Report {
  readonly by: string;
  readonly seed: number;
  readonly what: string;
}

interface Check {
  readonly name: string;
  readonly run: (seed: number) => Promise<void>;
}

const disksInTheMaking = 20;

const checks: readonly Check[] = [
  { name: "power cuts", run: (seed) => livesUnderPowerCuts(seed, noCounts()) },
  { name: "power cuts while a store is made", run: cutManyInTheMaking },
  { name: "the engine's model", run: (seed) => checkEngine(20, seed) },
  { name: "the store's model", run: (seed) => checkStore({ runs: 2, seed, stepsMax: 120 }, noStory()) },
  { name: "flipped bits", run: (seed) => flipBits(seed, 25, { flips: 0, refused: 0, harmless: 0 }) },
  { name: "power cuts behind renames", run: (seed) => livesUnderPowerCuts(seed, noCounts(), "renames") },
];

async function cutManyInTheMaking(seed: number): Promise<void> {
  for (let disk = 0; disk < disksInTheMaking; disk++) {
    await livesUnderPowerCuts(seed * disksInTheMaking + disk, noCounts(), "making");
  }
}

const [seedText, secondsText] = process.argv.slice(2);
const first = Number(seedText);
const until = Date.now() + Number(secondsText) * 1000;
const present = { by: "", seed: first };

function report(failure: unknown): never {
  const whole: Report = { ...present, what: describe(failure) };
  console.log(JSON.stringify(whole));
  process.exit(1);
}

/** The failure and what caused it, innermost last, in a line. */
function describe(failure: unknown): string {
  const lines: string[] = [];
  for (let at: unknown = failure; at !== undefined; at = at instanceof Error ? at.cause : undefined) {
    lines.push(at instanceof Error ? `${at.name}: ${at.message}` : `thrown: ${typeof at}`);
  }
  // A property's own message begins with its counterexample; what was wrong stands at its end.
  return (lines.at(-1) ?? "").replaceAll(/\s+/g, " ").slice(0, 200);
}

// An invariant of the engine that breaks behind everybody's back.
process.on("uncaughtException", report);
process.on("unhandledRejection", report);

for (let seed = first; Date.now() < until; seed++) {
  for (const check of checks) {
    present.by = check.name;
    present.seed = seed;
    await check.run(seed).catch(report);
    if (Date.now() >= until) break;
  }
}
