// Problem documents (RFC 9457): one body for every failure, on every route. Status, retryable and the rest come from the one
// table of codes in internal/base/errors.ts; `type` is the code's place in the documentation that each node serves.

import { errorCodes } from "../base/errors.ts";
import type { ErrorCode, Outcome } from "../base/errors.ts";
import { asksForPatience, failureOf, patienceMilliseconds } from "../node/failure.ts";
import type { Answer } from "./answer.ts";

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly outcome: Outcome;
  readonly requestId: string;
  /** Of a node that is not ready: what was looked at. */
  readonly checks?: readonly object[];
}

export const problemType = "application/problem+json";

export const problemTitles: Readonly<Record<ErrorCode, string>> = {
  bad_request: "The request cannot be understood",
  bad_key: "This is no key",
  bad_ttl: "This is no time to live",
  bad_consistency: "This consistency cannot be had here",
  cross_slot: "The keys lie in different slots",
  method_not_allowed: "The route does not know this method",
  slow_request: "The request took too long to arrive",
  unauthenticated: "Say who you are",
  forbidden: "You may not do this",
  not_found: "There is nothing here",
  session_lost: "A write of this session was lost",
  conflict: "What is there does not go with the request",
  cursor_expired: "The listing cannot be continued from here",
  receipt_expired: "The fate of this write is no longer known",
  precondition_failed: "The condition does not hold",
  too_large: "The body is too large",
  bad_range: "The value has no such range",
  headers_too_large: "The headers are too large",
  internal: "The node failed",
  corruption: "Stored bytes are damaged",
  busy: "The node has as much to do as it takes on",
  no_leader: "The group has no leader at the moment",
  no_quorum: "The group has no majority at the moment",
  starting: "The node is starting",
  stopping: "The node is stopping",
  stale_map: "The cluster has changed",
  outcome_unknown: "Nobody can say whether the write took effect",
  deadline_exceeded: "The time for the request is over",
  storage_full: "The disk is full",
};

export function problemOf(failure: unknown, requestId: string): Problem {
  const { code, outcome, detail, retryable } = failureOf(failure, requestId);
  const status = errorCodes[code].httpStatus;
  const type = `/-/docs#${code}`;
  return { type, title: problemTitles[code], status, detail, code, retryable, outcome, requestId };
}

/** `headers` go with it. */
export function problemAnswer(problem: Problem, headers: readonly string[] = []): Answer {
  const all = ["Content-Type", problemType, ...headers];
  if (asksForPatience(problem.status)) all.push("Retry-After", String(patienceMilliseconds / 1000));
  return { status: problem.status, headers: all, body: `${JSON.stringify(problem)}\n` };
}
