// Failures of the world. The list of codes is closed and lives here alone, together with what each
// protocol answers for it; a caller switches on `code`, a person reads `detail`, which says what
// happened, to what, and what to do.

/** What became of a request that failed: known not to have taken effect, known to have, or neither. */
export type Outcome = "not_applied" | "applied" | "unknown";

export interface CodeMeaning {
  readonly httpStatus: number;
  /** Number of the gRPC status code. */
  readonly grpcStatus: number;
  /** First word of the RESP error. */
  readonly respPrefix: string;
  /** Exit code of the command line. */
  readonly exitCode: number;
  /** Whether the same request may succeed later without being changed. */
  readonly retryable: boolean;
}

export const errorCodes = {
  bad_request: meaning(400, 3, "ERR", 2, false),
  bad_key: meaning(400, 3, "ERR", 2, false),
  bad_ttl: meaning(400, 3, "ERR", 2, false),
  bad_consistency: meaning(400, 3, "ERR", 2, false),
  cross_slot: meaning(400, 3, "CROSSSLOT", 2, false),
  method_not_allowed: meaning(405, 12, "ERR", 2, false),
  slow_request: meaning(408, 4, "ERR", 1, true),
  unauthenticated: meaning(401, 16, "NOAUTH", 6, false),
  forbidden: meaning(403, 7, "NOPERM", 6, false),
  not_found: meaning(404, 5, "ERR", 3, false),
  session_lost: meaning(409, 10, "ERR", 1, false),
  conflict: meaning(409, 10, "ERR", 1, false),
  cursor_expired: meaning(410, 11, "ERR", 1, false),
  receipt_expired: meaning(410, 11, "ERR", 1, false),
  precondition_failed: meaning(412, 9, "ERR", 4, false),
  too_large: meaning(413, 3, "ERR", 2, false),
  bad_range: meaning(416, 11, "ERR", 2, false),
  headers_too_large: meaning(431, 3, "ERR", 2, false),
  internal: meaning(500, 13, "ERR", 1, false),
  corruption: meaning(500, 15, "ERR", 1, false),
  busy: meaning(429, 8, "BUSY", 5, true),
  no_leader: meaning(503, 14, "CLUSTERDOWN", 5, true),
  no_quorum: meaning(503, 14, "CLUSTERDOWN", 5, true),
  starting: meaning(503, 14, "LOADING", 5, true),
  stopping: meaning(503, 14, "LOADING", 5, true),
  stale_map: meaning(503, 14, "TRYAGAIN", 5, true),
  outcome_unknown: meaning(504, 4, "ERR", 7, false),
  deadline_exceeded: meaning(504, 4, "ERR", 5, true),
  storage_full: meaning(507, 8, "OOM", 5, true),
} as const satisfies Record<string, CodeMeaning>;

export type ErrorCode = keyof typeof errorCodes;

export interface ErrorOptionsOfTrefoil {
  readonly cause?: unknown;
  readonly outcome?: Outcome;
}

export class TrefoilError extends Error {
  override readonly name = "TrefoilError";
  readonly code: ErrorCode;
  readonly outcome: Outcome;

  constructor(code: ErrorCode, detail: string, options: ErrorOptionsOfTrefoil = {}) {
    super(detail, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.outcome = options.outcome ?? "not_applied";
  }
}

/** Bytes that should be ours and are not: says where, so that `trefoil inspect` can show them. */
export function corruption(detail: string, cause?: unknown): TrefoilError {
  return new TrefoilError("corruption", detail, cause === undefined ? {} : { cause });
}

function meaning(...row: readonly [number, number, string, number, boolean]): CodeMeaning {
  const [httpStatus, grpcStatus, respPrefix, exitCode, retryable] = row;
  return { httpStatus, grpcStatus, respPrefix, exitCode, retryable };
}
