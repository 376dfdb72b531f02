// A place for metrics: who counts requests is told by the edges of each that reads or writes records, without an object made for it.

import { errorCodes } from "../base/errors.ts";
import type { Failure } from "./failure.ts";
import type { ReadMode } from "./requests.ts";

export type Operation = "get" | "put" | "delete" | "scan";
export type ObservedOutcome = "ok" | "not_found" | "refused" | "failed" | "unknown";

export interface RequestObserver {
  /** `mode` undefined: it was refused before anybody knew. From the first line of the request to the answer. */
  answered(operation: Operation, mode: ReadMode | undefined, outcome: ObservedOutcome, milliseconds: number): void;
}

export function outcomeOfStatus(httpStatus: number): ObservedOutcome {
  if (httpStatus < 400) return "ok";
  if (httpStatus === 404) return "not_found";
  return httpStatus < 500 ? "refused" : "failed";
}

export function outcomeOfFailure({ code, outcome }: Pick<Failure, "code" | "outcome">): ObservedOutcome {
  return outcome === "unknown" ? "unknown" : outcomeOfStatus(errorCodes[code].httpStatus);
}
