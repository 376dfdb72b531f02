// What a caller is told of a request that failed, by whatever protocol: the code, what became of the request, and words. Anything but a
// TrefoilError is a fault of ours: its own words are for the log, where the request's id leads to them.

import { errorCodes, TrefoilError } from "../base/errors.ts";
import type { ErrorCode, Outcome } from "../base/errors.ts";
import type { GroupId, NodeId } from "../base/ids.ts";
import type { Version } from "../engine/cell.ts";
import type { Served } from "./requests.ts";

/** What is known of a refused request that came as far as a group, beside code and words. */
export interface RefusalPlace {
  /** Who refused, or found nobody to take it. */
  readonly node: NodeId;
  readonly group: GroupId;
  /** By a replica that had looked at the key. */
  readonly decided: Pick<Served, "role" | "consistency"> | undefined;
  /** Of `precondition_failed`: what the condition met, if anything. Of `outcome_unknown`: of the write's entry, if it has one. */
  readonly version: Version | undefined;
}

export class GroupRefusal extends TrefoilError {
  readonly place: RefusalPlace;

  constructor(
    { code, detail, outcome }: Pick<Failure, "code" | "detail" | "outcome">,
    place: RefusalPlace,
    cause?: TrefoilError,
  ) {
    super(code, detail, { outcome, cause });
    this.place = place;
  }

  /** Of the key, as it was when the condition did not hold. */
  get present(): Version | undefined {
    return this.code === "precondition_failed" ? this.place.version : undefined;
  }

  /** Of the write whose fate is not known. */
  get entry(): Version | undefined {
    return this.code === "outcome_unknown" ? this.place.version : undefined;
  }
}

export interface Failure {
  readonly code: ErrorCode;
  readonly outcome: Outcome;
  readonly detail: string;
  /** The same request may succeed later. */
  readonly retryable: boolean;
  readonly requestId: string;
  /** It came as far as a group. */
  readonly refusal: GroupRefusal | undefined;
}

export function failureOf(failure: unknown, requestId: string): Failure {
  const known = failure instanceof TrefoilError ? failure : undefined;
  const code = known?.code ?? "internal";
  const detail = known?.message ?? `an unexpected failure; the log of the node tells more under ${requestId}`;
  const outcome = known?.outcome ?? "unknown";
  const refusal = failure instanceof GroupRefusal ? failure : undefined;
  return { code, outcome, detail, retryable: errorCodes[code].retryable, requestId, refusal };
}

/** To wait before the next try, where waiting may help. */
export const patienceMilliseconds = 1000;

export function asksForPatience(httpStatus: number): boolean {
  return httpStatus === 429 || httpStatus === 503;
}
