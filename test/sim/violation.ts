// Something that must not be was seen. Every check has a name, so that whoever plants a bug, or makes a failing run smaller, can
// tell whether the same check speaks again.

import { AssertionFailure } from "../../internal/base/assert.ts";

/** What a run reports when it fails. */
export interface Report {
  /** The check that spoke: an invariant, a checker, `assert` when the code itself noticed, `hang` when nothing went on. */
  readonly by: string;
  readonly seed: number;
  readonly what: string;
  /** The virtual moment. */
  readonly atMilliseconds: number;
}

export class Violation extends Error {
  override readonly name = "Violation";
  readonly by: string;
  readonly what: string;

  constructor(by: string, what: string, cause?: unknown) {
    super(`${by}: ${what}`, cause === undefined ? {} : { cause });
    this.by = by;
    this.what = what;
  }
}

/** Throws unless the condition holds. `what` is only asked for when it does not. */
export function expectThat(condition: boolean, by: string, what: () => string): void {
  if (!condition) throw new Violation(by, what());
}

export function reportOf(failure: unknown, seed: number, atMilliseconds: number): Report {
  return { by: checkOf(failure), seed, what: told(failure), atMilliseconds };
}

function checkOf(failure: unknown): string {
  if (failure instanceof Violation) return failure.by;
  return failure instanceof AssertionFailure ? "assert" : "failure";
}

/** The failure and what caused it; of a bug that was noticed by the code itself: where. */
function told(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure);
  const text = failure instanceof Violation ? failure.what : (failure.stack ?? failure.message);
  return failure.cause === undefined ? text : `${text}\n  because ${told(failure.cause)}`;
}
