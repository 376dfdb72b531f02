// `npm run sim`: seeds of the simulator, as many as the hours take, on as many processes as there are processors. Ends with what
// was done; a violation ends with the command that repeats it.

import { fork } from "node:child_process";
import { cpus } from "node:os";
import { runCommand, type Command, type Given } from "../../scripts/command-line.ts";
import type { SeedDone } from "./child.ts";
import { faultKinds } from "./faults.ts";
import { simRun } from "./sim-run.ts";

const millisecondsPerHour = 3_600_000;
/** A virtual hour with less in it proves nothing. */
const perHour = { completed: 10_000, faults: 60, leaderChanges: 20 };
const progressMilliseconds = 10_000;

const command: Command = {
  call: "npm run sim --",
  what: `Runs three replicas, each with a log, an engine and a disk that forgets what was not synced, against virtual time and a virtual
network, while faults come and clients write down what they are told. Then everything heals, and what happened is
judged: registers and counters are linearizable, every fast write has its fate, replicas are equal.
Exit code 1: something was violated, or too little happened for the run to mean anything.`,
  flags: [
    { name: "hours", value: "N", fallback: "1", what: "virtual hours, spread over many seeds" },
    { name: "seed", value: "N", what: "runs this seed alone, twice, and shows that it does the same both times" },
    { name: "first", value: "N", what: "the first of the seeds (default: another one each time)" },
  ],
};

interface Totals {
  seeds: number;
  virtualMilliseconds: number;
  completed: number;
  succeeded: number;
  refused: number;
  unknown: number;
  faults: number;
  leaderChanges: number;
}

class Campaign {
  readonly totals: Totals = {
    seeds: 0,
    virtualMilliseconds: 0,
    completed: 0,
    succeeded: 0,
    refused: 0,
    unknown: 0,
    faults: 0,
    leaderChanges: 0,
  };
  readonly faultsByKind = new Map<string, number>(faultKinds.map((kind) => [kind, 0]));
  readonly fates = new Map<string, number>();
  readonly violations: string[] = [];
  private readonly started = performance.now();
  private shownAt = performance.now();

  take({ seed, result, violation }: SeedDone): void {
    if (result === undefined) {
      this.violations.push(`seed ${seed}: ${violation ?? ""}`);
      console.log(`VIOLATED by seed ${seed}: ${violation ?? ""}\n  again: npm run sim -- --seed ${seed}`);
      return;
    }
    const { totals } = this;
    totals.seeds++;
    for (const name of Object.keys(totals) as (keyof Totals)[]) if (name !== "seeds") totals[name] += result[name];
    for (const [kind, count] of result.faultsByKind)
      this.faultsByKind.set(kind, (this.faultsByKind.get(kind) ?? 0) + count);
    for (const [fate, count] of result.fates) this.fates.set(fate, (this.fates.get(fate) ?? 0) + count);
    if (performance.now() - this.shownAt < progressMilliseconds) return;
    this.shownAt = performance.now();
    console.log(`  … ${totals.seeds} seeds, ${this.hours.toFixed(2)} virtual hours, ${this.seconds} s`);
  }

  get hours(): number {
    return this.totals.virtualMilliseconds / millisecondsPerHour;
  }

  /** Why the run means nothing, in words; none when it does. */
  gaps(): string[] {
    const gaps: string[] = [];
    for (const [name, least] of Object.entries(perHour) as [keyof typeof perHour, number][]) {
      if (this.totals[name] < least * this.hours)
        gaps.push(`${this.totals[name]} ${name} in ${this.hours.toFixed(1)} hours`);
    }
    if (this.totals.succeeded * 2 < this.totals.completed) gaps.push("less than half of the operations succeeded");
    if (this.hours < 1) return gaps;
    for (const [kind, count] of this.faultsByKind) if (count === 0) gaps.push(`"${kind}" never happened`);
    for (const fate of ["committed", "salvaged", "superseded", "lost"]) {
      if (!this.fates.has(fate)) gaps.push(`no fast write was ${fate}`);
    }
    return gaps;
  }

  show(): void {
    const { totals } = this;
    const speed = totals.virtualMilliseconds / (performance.now() - this.started);
    console.log(
      `seeds ${totals.seeds}, virtual hours ${this.hours.toFixed(2)}, ${this.seconds} s: ${speed.toFixed(0)} times real time`,
    );
    console.log(
      `operations ${totals.completed} (succeeded ${totals.succeeded}, unknown ${totals.unknown}), refused ${totals.refused}, ` +
        `faults ${totals.faults}, leader changes ${totals.leaderChanges}, violations ${this.violations.length}`,
    );
    for (const [kind, count] of this.faultsByKind) console.log(`  ${String(count).padStart(7)} ${kind}`);
    for (const [fate, count] of this.fates) console.log(`  ${String(count).padStart(7)} fast writes ${fate}`);
  }

  private get seconds(): number {
    return Math.round((performance.now() - this.started) / 1000);
  }
}

async function runHours(hours: number, first: number): Promise<boolean> {
  const campaign = new Campaign();
  console.log(`first seed ${first}`);
  let next = first;
  const isDone = (): boolean => campaign.hours >= hours || campaign.violations.length > 0;
  await Promise.all(
    Array.from({ length: Math.max(1, cpus().length) }, () => runChild(() => (isDone() ? undefined : next++), campaign)),
  );
  campaign.show();
  const gaps = campaign.violations.length > 0 ? [] : campaign.gaps();
  for (const gap of gaps) console.log(`not valid: ${gap}`);
  return campaign.violations.length + gaps.length === 0;
}

function runChild(nextSeed: () => number | undefined, campaign: Campaign): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = fork(new URL("./child.js", import.meta.url));
    let running: number | undefined;
    const sendNext = (): void => {
      running = nextSeed();
      if (running === undefined) child.disconnect();
      else child.send(running);
    };
    child.on("message", (done: SeedDone) => {
      campaign.take(done);
      sendNext();
    });
    child.on("error", reject);
    child.on("exit", (code) => {
      // A run in which nothing is left to happen ends its process: it hangs.
      if (running !== undefined)
        campaign.take({ seed: running, result: undefined, violation: `the process ended with ${code}` });
      resolve();
    });
    sendNext();
  });
}

/** One seed, twice: the same trace, or its failure. */
async function runSeed(seed: number): Promise<boolean> {
  const once = await simRun(seed);
  const again = await simRun(seed);
  const { completed, faults, leaderChanges, trace } = once;
  console.log(
    `seed ${seed}: ${completed} operations, ${faults} faults, ${leaderChanges} leader changes, trace ${trace}`,
  );
  if (again.trace === trace) return true;
  console.log(`the second run of the same seed differs: trace ${again.trace}`);
  return false;
}

async function main(given: Given): Promise<boolean> {
  if (given.has("seed")) return runSeed(given.wholeNumber("seed"));
  const first = given.has("first") ? given.wholeNumber("first") : Math.floor(Math.random() * 1_000_000);
  return runHours(given.wholeNumber("hours", 1), first);
}

await runCommand(command, main);
