// `npm run crash:engine -- --rounds 50 --cuts 1000 --seed 1`: a store that is killed and a store whose power is
// cut, over and over, each time held against what it had acknowledged. Ends with what was done and what was lost.

import process from "node:process";
import { parseArgs } from "node:util";
import { KillRun } from "./kills.ts";
import { livesUnderPowerCuts, noCounts } from "../store/power-cuts.ts";

const usage = "usage: npm run crash:engine -- [--rounds 50] [--cuts 1000] [--seed N]";
/** With so many rounds every point has its turn; with fewer, some may not. */
const roundsForAllPoints = 50;

interface Settings {
  readonly rounds: number;
  readonly cuts: number;
  readonly seed: number;
}

function settings(): Settings {
  const number = (text: string, name: string): number => {
    if (!/^\d{1,9}$/.test(text)) throw new Error(`--${name} is "${text}", and must be a whole number`);
    return Number(text);
  };
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "50" },
      cuts: { type: "string", default: "1000" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
    },
  });
  return {
    rounds: number(values.rounds, "rounds"),
    cuts: number(values.cuts, "cuts"),
    seed: number(values.seed, "seed"),
  };
}

interface Verdict {
  losses: number;
  /** What the run should have met, and did not. */
  readonly gaps: string[];
}

function report(failure: unknown, how: string): void {
  console.error(`LOSS  ${how}`);
  console.error(failure instanceof Error ? (failure.stack ?? failure.message) : String(failure));
}

function seconds(started: number): string {
  return `${((performance.now() - started) / 1000).toFixed(1)} s`;
}

async function killRounds({ rounds, seed }: Settings, verdict: Verdict): Promise<void> {
  const started = performance.now();
  const run = new KillRun(seed);
  for (let round = 0; round < rounds; round++) {
    try {
      await run.round();
    } catch (failure) {
      verdict.losses++;
      report(failure, `again: npm run crash:engine -- --rounds 1 --cuts 0 --seed ${seed + round}`);
    }
    if ((round + 1) % 10 === 0) console.log(`  round ${round + 1}, ${run.counts.acknowledged} writes acknowledged`);
  }
  await run.close();
  const { counts } = run;
  console.log(`rounds ${counts.rounds}`);
  console.log(`  killed at a random moment ${counts.randomKills}, at a point ${counts.pointKills}`);
  console.log(`  of these while opening ${counts.killsWhileOpening}; points missed ${counts.pointsMissed}`);
  console.log(`  writes sent ${counts.sent}, acknowledged ${counts.acknowledged}`);
  console.log(`  checkpoints opened ${counts.checkpointsOpened}, unfinished ${counts.checkpointsUnfinished}`);
  for (const [name, kills] of counts.byPoint) console.log(`    ${String(kills).padStart(4)}  ${name}`);
  console.log(`  ${seconds(started)}`);
  if (rounds < roundsForAllPoints) return;
  for (const [name, kills] of counts.byPoint) if (kills === 0) verdict.gaps.push(`nothing died at: ${name}`);
}

async function powerCuts({ cuts, seed }: Settings, verdict: Verdict): Promise<void> {
  const started = performance.now();
  const counts = noCounts();
  for (let disk = seed; counts.cuts < cuts; disk++) {
    try {
      await livesUnderPowerCuts(disk, counts);
    } catch (failure) {
      verdict.losses++;
      report(failure, `again: npm run crash:engine -- --rounds 0 --cuts 1 --seed ${disk}`);
    }
  }
  console.log(`cuts ${counts.cuts}`);
  for (const [what, count] of Object.entries(counts)) {
    console.log(`  ${what.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)} ${count}`);
    if (count === 0 && cuts >= 100) verdict.gaps.push(`the power cuts never met: ${what}`);
  }
  console.log(`  ${seconds(started)}`);
}

async function main(): Promise<void> {
  const given = settings();
  console.log(`seed ${given.seed}`);
  const verdict: Verdict = { losses: 0, gaps: [] };
  if (given.rounds > 0) await killRounds(given, verdict);
  if (given.cuts > 0) await powerCuts(given, verdict);
  for (const gap of verdict.gaps) console.error(`GAP   ${gap}`);
  console.log(`losses ${verdict.losses}`);
  process.exitCode = verdict.losses > 0 || verdict.gaps.length > 0 ? 1 : 0;
}

main().catch((failure: unknown) => {
  console.error(failure instanceof Error ? failure.message : String(failure));
  console.error(usage);
  process.exitCode = 2;
});
