// Makes a failing run smaller, by running less of it again and again, as long as the same check speaks: a shorter time first, then
// without kinds of faults and features of the workload, then with fewer and fewer of the single faults. What is left is needed.

import type { RunPlan } from "./run-plan.ts";
import type { RunOutcome } from "./sim-run.ts";
import type { Report } from "./violation.ts";

export interface Shrunk {
  readonly plan: RunPlan;
  readonly report: Report;
  readonly runs: number;
  /** Patience ended first: there may be less. */
  readonly isCutShort: boolean;
}

type Violated = Extract<RunOutcome, { kind: "violated" }>;

export interface Shrinking {
  /** What may be left out by name. */
  readonly names: readonly string[];
  run(plan: RunPlan): Promise<RunOutcome>;
  /** No more runs are begun. */
  isEnough(): boolean;
}

/** REQUIRES: `found` is what `plan` comes to. */
export async function shrink(plan: RunPlan, found: Violated, by: Shrinking): Promise<Shrunk> {
  const shrinker = new Shrinker(plan, found, by);
  await shrinker.shorten();
  await shrinker.leaveOutNames();
  await shrinker.leaveOutFaults();
  // With less going on it may come sooner.
  await shrinker.shorten();
  const { best, runs } = shrinker;
  return { plan: best, report: shrinker.found.report, runs, isCutShort: by.isEnough() };
}

class Shrinker {
  best: RunPlan;
  found: Violated;
  runs = 0;
  private readonly by: Shrinking;

  constructor(plan: RunPlan, found: Violated, by: Shrinking) {
    this.best = plan;
    this.found = found;
    this.by = by;
  }

  /** The failure needs so many virtual milliseconds of faults and work, to within a hundredth. */
  async shorten(): Promise<void> {
    const { atMilliseconds } = this.found.report;
    if (atMilliseconds > 0 && atMilliseconds < this.best.faultMilliseconds) {
      await this.fails({ ...this.best, faultMilliseconds: Math.ceil(atMilliseconds) + 1 });
    }
    let tooShort = 0;
    while (this.best.faultMilliseconds - tooShort > Math.max(10, this.best.faultMilliseconds / 100)) {
      const middle = Math.floor((this.best.faultMilliseconds + tooShort) / 2);
      if (this.by.isEnough()) return;
      if (!(await this.fails({ ...this.best, faultMilliseconds: middle }))) tooShort = middle;
    }
  }

  async leaveOutNames(): Promise<void> {
    const candidates = this.by.names.filter((name) => !this.best.without.has(name));
    await this.leaveOut(candidates, (left) => {
      const without = this.by.names.filter((name) => this.best.without.has(name) || !left.includes(name));
      return { ...this.best, without: new Set(without) };
    });
  }

  async leaveOutFaults(): Promise<void> {
    await this.leaveOut(this.found.faults, (left) => ({ ...this.best, faults: new Set(left) }));
  }

  /** Takes parts of the items away, large ones first, until each single one that is left is needed. */
  private async leaveOut<T>(items: readonly T[], planWith: (left: readonly T[]) => RunPlan): Promise<void> {
    let left = items;
    for (let part = Math.max(1, left.length); ; part = Math.ceil(part / 2)) {
      for (let from = 0; from < left.length && !this.by.isEnough();) {
        const fewer = [...left.slice(0, from), ...left.slice(from + part)];
        if (await this.fails(planWith(fewer))) left = fewer;
        else from += part;
      }
      if (part === 1) return;
    }
  }

  /** Whether the same check speaks; then this is the best that is known. */
  private async fails(plan: RunPlan): Promise<boolean> {
    this.runs++;
    const outcome = await this.by.run(plan);
    if (outcome.kind !== "violated" || outcome.report.by !== this.found.report.by) return false;
    this.best = plan;
    this.found = outcome;
    return true;
  }
}
