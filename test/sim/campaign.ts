// Many seeds, on as many processes as there are processors, and what all of them together came to.

import { fork } from "node:child_process";
import { cpus } from "node:os";
import type { SeedDone } from "./child.ts";
import { allFaultKinds, allSightings, kindOf } from "./kinds-of-runs.ts";
import type { KindOfRun } from "./kinds-of-runs.ts";
import type { Report } from "./violation.ts";

const millisecondsPerHour = 3_600_000;
/** A virtual hour with less in it proves nothing. */
const perHour = { completed: 10_000, faults: 60, leaderChanges: 20 };
const progressMilliseconds = 10_000;

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

/** Runs seeds from `first` on, until there were so many and they took so many virtual hours, or one violates something. */
export async function runCampaign(
  first: number,
  least: { hours: number; seeds: number },
  only?: KindOfRun,
): Promise<Campaign> {
  const campaign = new Campaign(only);
  let next = first;
  const isEnough = (): boolean => campaign.hours >= least.hours && campaign.totals.seeds >= least.seeds;
  const nextSeed = (): number | undefined => {
    if (isEnough() || campaign.reports.length > 0) return undefined;
    do next++;
    while (kindOf(next - 1) !== (only ?? kindOf(next - 1)));
    return next - 1;
  };
  await Promise.all(Array.from({ length: Math.max(1, cpus().length) }, () => runChild(nextSeed, campaign)));
  return campaign;
}

export class Campaign {
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
  readonly reports: Report[] = [];
  private readonly faultsByKind = new Map<string, number>(allFaultKinds.map((kind) => [kind, 0]));
  private readonly sightings = new Map<string, number>(allSightings.map((kind) => [kind, 0]));
  private readonly fates = new Map<string, number>();
  private readonly met = new Map<string, number>();
  private readonly started = performance.now();
  private shownAt = performance.now();
  private readonly only: KindOfRun | undefined;

  /** Only: of one kind of runs; what the other kind meets is not missed. */
  constructor(only: KindOfRun | undefined) {
    this.only = only;
  }

  take({ result, report }: SeedDone): void {
    if (report !== undefined) this.reports.push(report);
    if (result === undefined) return;
    const { totals } = this;
    totals.seeds++;
    for (const name of Object.keys(totals) as (keyof Totals)[]) if (name !== "seeds") totals[name] += result[name];
    addTo(this.faultsByKind, result.faultsByKind);
    addTo(this.sightings, result.sightings);
    addTo(this.fates, result.fates);
    addTo(this.met, result.met);
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
    if (this.totals.seeds === 0) gaps.push("no seed was run");
    const { succeeded, completed, refused } = this.totals;
    // Of single seeds some turn most away.
    if (this.hours >= 1 && succeeded * 2 < completed + refused)
      gaps.push("less than half of what was asked for succeeded");
    if (this.hours < 4 || this.only !== undefined) return gaps;
    for (const [kind, count] of this.faultsByKind) if (count === 0) gaps.push(`"${kind}" never happened`);
    for (const [kind, count] of this.sightings) if (count === 0) gaps.push(`"${kind}" was never met`);
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
        `faults ${totals.faults}, leader changes ${totals.leaderChanges}, violations ${this.reports.length}`,
    );
    for (const [kind, count] of this.faultsByKind) console.log(`  ${String(count).padStart(7)} ${kind}`);
    for (const [kind, count] of this.sightings) console.log(`  ${String(count).padStart(7)} met: ${kind}`);
    for (const [fate, count] of this.fates) console.log(`  ${String(count).padStart(7)} fast writes ${fate}`);
    for (const [what, count] of [...this.met].sort(byName)) console.log(`  ${String(count).padStart(7)} ${what}`);
  }

  private get seconds(): number {
    return Math.round((performance.now() - this.started) / 1000);
  }
}

const byName = ([left]: readonly [string, number], [right]: readonly [string, number]): number =>
  left < right ? -1 : Number(left > right);

function addTo(counts: Map<string, number>, more: readonly (readonly [string, number])[]): void {
  for (const [name, count] of more) counts.set(name, (counts.get(name) ?? 0) + count);
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
      if (running !== undefined) {
        const what = `the process ended with ${code}`;
        campaign.take({ result: undefined, report: { by: "hang", seed: running, what, atMilliseconds: 0 } });
      }
      resolve();
    });
    sendNext();
  });
}
