// `npm run crash:engine`: a store that is killed and a store whose power is cut, over and over, each time held against what
// it had acknowledged. Ends with what was done and what was lost.

import { runCommand, type Command } from "../../scripts/command-line.ts";
import { livesUnderPowerCuts, noCounts } from "../store/power-cuts.ts";
import { deathsPerRound, KillRun } from "./kills.ts";

/** With so many rounds every point has its turn; with fewer, some may not. */
const roundsForAllPoints = 50;
/** With so many cuts everything that the lives count is met. */
const cutsForAllCounts = 100;
const lossesMax = 10;
const progressMilliseconds = 5000;

const command: Command = {
  call: "npm run crash:engine --",
  what: `First the rounds: in each, ${deathsPerRound} processes, one after the other, write to one store on the real disk and are killed
with SIGKILL, at random moments and at named points of the protocols: before, after, and in the middle of writes, syncs
and renames, also in the background worker, also while a store is made or opened. Then the cuts: lives of stores on a disk
in memory whose power is cut at random moments. After each death the store is opened, and must hold every write that was
acknowledged, none that was never sent, and no batch in part.
Exit code 1: something was lost, or something that had to be met was not. A loss is printed with the command that repeats it.`,
  flags: [
    {
      name: "rounds",
      value: "N",
      fallback: "50",
      what: `rounds of ${deathsPerRound} kills; ${roundsForAllPoints} meet every point`,
    },
    { name: "cuts", value: "N", fallback: "1000", what: "power cuts, at least" },
    { name: "seed", value: "N", what: "decides what is drawn (default: another one each time)" },
    { name: "point", value: "WORD", fallback: "", what: "of the named points only those with this in their name" },
    { name: "points", what: "lists every named point with its kills" },
  ],
};

interface Settings {
  readonly rounds: number;
  readonly cuts: number;
  readonly seed: number;
  readonly point: string;
  readonly listsPoints: boolean;
}

interface Verdict {
  losses: number;
  /** What the run should have met, and did not. */
  readonly gaps: string[];
}

/** Prints a line now and then. */
class Progress {
  private readonly started = performance.now();
  private next = this.started + progressMilliseconds;

  show(line: () => string): void {
    if (performance.now() < this.next) return;
    this.next = performance.now() + progressMilliseconds;
    console.log(`  … ${line()}, ${this.seconds}`);
  }

  get seconds(): string {
    return `${((performance.now() - this.started) / 1000).toFixed(0)} s`;
  }
}

function report(failure: unknown, how: string): void {
  console.error(`LOSS  again: npm run crash:engine -- ${how}`);
  console.error(failure instanceof Error ? (failure.stack ?? failure.message) : String(failure));
}

async function killRounds({ rounds, seed, point, listsPoints }: Settings, verdict: Verdict): Promise<void> {
  const progress = new Progress();
  const run = new KillRun(seed, point);
  const { counts } = run;
  for (let round = 0; round < rounds; round++) {
    try {
      await run.round();
    } catch (failure) {
      verdict.losses++;
      // The same process is not killed at the same moment again, but one like it at the same point.
      const at = /killed at "(?!a random moment)([^"]*)"/.exec(String(failure))?.[1];
      report(failure, `--rounds 5 --cuts 0 --seed ${seed + round}${at === undefined ? "" : ` --point "${at}"`}`);
    }
    progress.show(() => `round ${round + 1} of ${rounds}, ${counts.acknowledged} writes acknowledged`);
  }
  await run.close();
  const kills = [...counts.byPoint.values()];
  console.log(`rounds ${counts.rounds}, ${progress.seconds}`);
  console.log(`  kills ${counts.randomKills + counts.pointKills}`);
  console.log(`    at random moments ${counts.randomKills}, at named points ${counts.pointKills}`);
  console.log(`    while a store was made or opened ${counts.killsWhileOpening}`);
  console.log(`  points met ${kills.filter((count) => count > 0).length} of ${kills.length}`);
  console.log(`    processes that ended before their point came ${counts.pointsMissed}`);
  console.log(`  writes sent ${counts.sent}, acknowledged ${counts.acknowledged}`);
  console.log(`  checkpoints opened ${counts.checkpointsOpened}, found unfinished ${counts.checkpointsUnfinished}`);
  if (listsPoints) for (const [name, count] of counts.byPoint) console.log(`    ${String(count).padStart(4)}  ${name}`);
  if (rounds < roundsForAllPoints || point !== "") return;
  for (const [name, count] of counts.byPoint) if (count === 0) verdict.gaps.push(`nothing died at: ${name}`);
}

async function powerCuts({ cuts, seed }: Settings, verdict: Verdict): Promise<void> {
  const progress = new Progress();
  const counts = noCounts();
  let isOver = false;
  for (let disk = seed; counts.cuts < cuts && !isOver; disk++) {
    try {
      await livesUnderPowerCuts(disk, counts, disk % 3 === 0 ? "renames" : "anywhere");
    } catch (failure) {
      verdict.losses++;
      report(failure, `--rounds 0 --cuts 1 --seed ${disk}`);
      // What fails at every seed would never come to its number of cuts.
      isOver = verdict.losses >= lossesMax;
    }
    progress.show(() => `cut ${counts.cuts} of ${cuts}, ${counts.writes} writes acknowledged`);
  }
  console.log(`cuts ${counts.cuts}, ${progress.seconds}`);
  for (const [what, count] of Object.entries(counts)) {
    if (what !== "cuts") console.log(`  ${what.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)} ${count}`);
    if (count === 0 && cuts >= cutsForAllCounts) verdict.gaps.push(`the power cuts never met: ${what}`);
  }
}

await runCommand(command, async (given) => {
  const settings: Settings = {
    rounds: given.wholeNumber("rounds"),
    cuts: given.wholeNumber("cuts"),
    seed: given.has("seed") ? given.wholeNumber("seed") : Date.now() % 1_000_000,
    point: given.text("point") ?? "",
    listsPoints: given.has("points"),
  };
  console.log(`seed ${settings.seed}`);
  const verdict: Verdict = { losses: 0, gaps: [] };
  if (settings.rounds > 0) await killRounds(settings, verdict);
  if (settings.cuts > 0) await powerCuts(settings, verdict);
  for (const gap of verdict.gaps) console.error(`GAP   ${gap}`);
  console.log(`losses ${verdict.losses}`);
  return verdict.losses === 0 && verdict.gaps.length === 0;
});
