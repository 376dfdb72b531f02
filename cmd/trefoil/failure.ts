// What a failure looks like on the command line: one line for a person, and an exit code for a script.

import { errorCodes, TrefoilError } from "../../internal/base/errors.ts";
import { DiskFailure } from "../../internal/platform/disk.ts";

export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  conditionFailed: 4,
  unavailable: 5,
  notAllowed: 6,
  outcomeUnknown: 7,
} as const;

/** What a client saw that has no code of its own among those of the cluster: nobody there, no answer, another service. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly exitCode: number;

  constructor(exitCode: number, words: string) {
    super(words);
    this.exitCode = exitCode;
  }
}

export function exitCodeOf(failure: unknown): number {
  if (failure instanceof CommandFailure) return failure.exitCode;
  if (failure instanceof TrefoilError) return errorCodes[failure.code].exitCode;
  if (failure instanceof DiskFailure && failure.kind === "not_found") return exitCodes.notFound;
  return exitCodes.failure;
}

export function describeFailure(failure: unknown): string {
  if (failure instanceof TrefoilError) return `${failure.code}: ${failure.message}`;
  return failure instanceof Error ? failure.message : String(failure);
}
