// A place for metrics: who counts requests is told of each that reads or writes records, without an object made for it.

import type { ReadMode } from "../node/requests.ts";

export type Operation = "get" | "put" | "delete" | "scan";
export type ObservedOutcome = "ok" | "not_found" | "refused" | "failed" | "unknown";

export interface RequestObserver {
  /** `mode` undefined: it was refused before anybody knew. From the first line of the request to the answer. */
  answered(operation: Operation, mode: ReadMode | undefined, outcome: ObservedOutcome, milliseconds: number): void;
}

export function outcomeOfStatus(status: number): ObservedOutcome {
  if (status < 400) return "ok";
  if (status === 404) return "not_found";
  return status < 500 ? "refused" : "failed";
}
