// What a caller is told of a request that failed, by whatever protocol: the code, what became of the request, and words. Anything but a
// TrefoilError is a fault of ours: its own words are for the log, where the request's id leads to them.

import { errorCodes, TrefoilError } from "../base/errors.ts";
import type { ErrorCode, Outcome } from "../base/errors.ts";

export interface Failure {
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  readonly detail: string;
  /** The same request may succeed later. */
  readonly retryable: boolean;
  readonly requestId: string;
}

export function failureOf(failure: unknown, requestId: string): Failure {
  const known = failure instanceof TrefoilError ? failure : undefined;
  const code = known?.code ?? "internal";
  const detail = known?.message ?? `an unexpected failure; the log of the node tells more under ${requestId}`;
  return { code, outcome: known?.outcome ?? "unknown", detail, retryable: errorCodes[code].retryable, requestId };
}

/** To wait before the next try, where waiting may help. */
export const patienceMilliseconds = 1000;

export function asksForPatience(httpStatus: number): boolean {
  return httpStatus === 429 || httpStatus === 503;
}
