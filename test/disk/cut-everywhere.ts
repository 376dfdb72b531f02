// Cuts the power at every single operation of a scripted run, in every fixed way and some random ones, and
// has each remaining disk checked. The script runs once: a clone as after a cut costs little.

import type { Prng } from "../../internal/base/prng.ts";
import type { MemoryDisk } from "./memory-disk.ts";
import { fixedSurvivals, randomSurvival, type Survival } from "./power-cut.ts";

export interface CutMoment<State> {
  /** The operation that was in flight, counted from 1; one more than there were: after the end. */
  readonly operation: number;
  readonly description: string;
  /** What `state` answered when the power went. */
  readonly state: State;
}

export interface CutRun<State> {
  readonly disk: MemoryDisk;
  readonly random: Prng;
  /** Random cuts per operation, beside the fixed ones. */
  readonly randomCuts: number;
  script(): Promise<void>;
  /** What was acknowledged so far, in a form that does not change later. */
  state(): State;
  /** Reopens what is left, and throws when something acknowledged is not there. */
  check(left: MemoryDisk, moment: CutMoment<State>): Promise<void>;
}

interface Left<State> {
  readonly disk: MemoryDisk;
  readonly moment: CutMoment<State>;
}

/** Answers how many operations and cuts there were. */
export async function cutEverywhere<State>(run: CutRun<State>): Promise<{ operations: number; cuts: number }> {
  const left: Left<State>[] = [];
  let operation = 0;
  const cut = (what: string): void => {
    operation++;
    const state = run.state();
    const leave = (how: string, survival: Survival): void => {
      const description = `power cut at operation ${operation} (${what}), ${how}`;
      left.push({ disk: run.disk.clone(survival), moment: { operation, description, state } });
    };
    for (const { name, make } of fixedSurvivals) leave(name, make());
    for (let round = 1; round <= run.randomCuts; round++) {
      leave(`random ${round}`, randomSurvival({ random: run.random }));
    }
  };
  run.disk.onOperation((name, path) => cut(`${name} ${path}`));
  await run.script();
  const operations = operation;
  cut("the end");
  // What checking does to this disk, if anything, is not part of the run.
  const cuts = left.length;
  for (const { disk, moment } of left.splice(0)) {
    try {
      await run.check(disk, moment);
    } catch (reason) {
      throw new Error(`${moment.description}: ${reason instanceof Error ? reason.message : String(reason)}`, {
        cause: reason,
      });
    }
  }
  return { operations, cuts };
}
