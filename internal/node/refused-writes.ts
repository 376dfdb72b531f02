// What a write is told that a group refused: by its leader, or when it was applied.

import { unreachable } from "../base/assert.ts";
import type { ErrorCode, Outcome } from "../base/errors.ts";
import type { Version } from "../engine/cell.ts";
import type { WriteDone } from "../replica/write-waiters.ts";
import type { GroupAnswer } from "./group-service.ts";
import { again } from "./refusals.ts";

export function failed(code: ErrorCode, outcome: Outcome, detail: string, version?: Version): GroupAnswer<never> {
  return { kind: "failed", code, outcome, detail, version, mayRepeat: false };
}

export function tooManyRemembered(): GroupAnswer<never> {
  return failed(
    "busy",
    "not_applied",
    "too many answers to requests with idempotency keys are remembered; try again later",
  );
}

/** This try did nothing; an earlier one may have. */
export function requestTooOld(): GroupAnswer<never> {
  return failed(
    "outcome_unknown",
    "unknown",
    "the request is older than the ten minutes for which answers are remembered: whether it took effect before is not known",
  );
}

export function requestTooNew(): GroupAnswer<never> {
  return failed(
    "bad_request",
    "not_applied",
    "the clock of the node that took the request is far ahead of the leader's",
  );
}

export function refusedAtApply({ answer }: WriteDone): GroupAnswer<never> {
  if (answer.kind !== "refused") return failed("internal", "unknown", "a refused write without a reason");
  switch (answer.why) {
    case "condition": {
      const { present } = answer;
      const now = present === undefined ? "there is no such key" : `its version is ${present.term}.${present.index}`;
      const version = present && { term: present.term, index: present.index };
      return failed("precondition_failed", "not_applied", `the condition does not hold: ${now}`, version);
    }
    case "sealed":
    case "not_sealed":
      return again("moved");
    case "conflict":
      return failed("conflict", "not_applied", "the value under the key is not of the kind that the request needs");
    case "too_large":
      return failed("too_large", "not_applied", "what it would make is larger than a value may be");
    case "answers_full":
      return tooManyRemembered();
    case "request_too_old":
      return requestTooOld();
    case "request_too_new":
      return requestTooNew();
    default:
      return unreachable(answer.why, "a reason to refuse");
  }
}
