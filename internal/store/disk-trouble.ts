// A failure of the disk, as the user of a store is told: what was being done, where, and what to do.

import { TrefoilError } from "../base/errors.ts";
import type { ErrorCode } from "../base/errors.ts";
import { DiskFailure } from "../platform/disk.ts";
import type { DiskFailureKind } from "../platform/disk.ts";

const meanings: Readonly<Record<DiskFailureKind, readonly [code: ErrorCode, hint: string]>> = {
  not_found: ["bad_request", "Part of the path is missing, or is no folder"],
  exists: ["bad_request", "Part of the path is no folder"],
  full: ["storage_full", "Make space and try again"],
  exhausted: ["busy", "Let the process open more files (ulimit -n), or close some"],
  in_use: ["conflict", "End the other process, or choose another folder"],
  denied: ["forbidden", "Give this user the right to it, or choose another folder"],
  failed: ["internal", "Look after the disk"],
};

/** What to throw instead of a failure; one that is no DiskFailure is thrown as it is. */
export function diskTrouble(failure: unknown, doing: string): unknown {
  if (!(failure instanceof DiskFailure)) return failure;
  const [code, hint] = meanings[failure.kind];
  return new TrefoilError(code, `${doing}: ${failure.message}. ${hint}`, { cause: failure });
}
