import assert from "node:assert/strict";
import { test } from "node:test";
import { corruption, errorCodes, TrefoilError, type CodeMeaning, type ErrorCode } from "./errors.ts";

/** What clients were promised: every code, and its HTTP status. */
const promised: Readonly<Record<number, readonly ErrorCode[]>> = {
  400: ["bad_request", "bad_key", "bad_ttl", "bad_consistency", "cross_slot"],
  401: ["unauthenticated"],
  403: ["forbidden"],
  404: ["not_found"],
  405: ["method_not_allowed"],
  408: ["slow_request"],
  409: ["session_lost", "conflict"],
  410: ["cursor_expired", "receipt_expired"],
  412: ["precondition_failed"],
  413: ["too_large"],
  416: ["bad_range"],
  429: ["busy"],
  431: ["headers_too_large"],
  500: ["internal", "corruption"],
  503: ["no_leader", "no_quorum", "starting", "stopping", "stale_map"],
  504: ["outcome_unknown", "deadline_exceeded"],
  507: ["storage_full"],
};

const meanings = Object.entries(errorCodes) as [ErrorCode, CodeMeaning][];

test("the list of codes is what clients were promised, no more and no less", () => {
  const listed = meanings.map(([code, meaning]) => `${meaning.httpStatus} ${code}`).toSorted();
  const expected = Object.entries(promised).flatMap(([status, codes]) => codes.map((code) => `${status} ${code}`));
  assert.deepEqual(listed, expected.toSorted());
});

test("every code has an answer in every protocol", () => {
  for (const [code, meaning] of meanings) {
    assert.match(code, /^[a-z]+(_[a-z]+)*$/);
    assert.ok(meaning.grpcStatus >= 1 && meaning.grpcStatus <= 16, `${code}: gRPC ${meaning.grpcStatus}`);
    assert.match(meaning.respPrefix, /^[A-Z]+$/, code);
    assert.ok(meaning.exitCode >= 1 && meaning.exitCode <= 7, `${code}: exit code ${meaning.exitCode}`);
  }
});

test("exit codes say what the command line promises", () => {
  const exitCodeOf: Partial<Record<ErrorCode, number>> = {
    internal: 1,
    bad_request: 2,
    not_found: 3,
    precondition_failed: 4,
    no_leader: 5,
    unauthenticated: 6,
    forbidden: 6,
    outcome_unknown: 7,
  };
  for (const [code, exitCode] of Object.entries(exitCodeOf)) {
    assert.equal(errorCodes[code as ErrorCode].exitCode, exitCode, code);
  }
});

test("what the caller did wrong is not called retryable, what passes is, and an unknown outcome never is", () => {
  for (const [code, { httpStatus, retryable }] of meanings) {
    if (httpStatus === 503 || httpStatus === 429 || httpStatus === 507) assert.ok(retryable, code);
    if (httpStatus < 429 && httpStatus !== 408) assert.ok(!retryable, code);
  }
  assert.equal(errorCodes.outcome_unknown.retryable, false);
});

test("an error carries code, detail, cause and outcome", () => {
  const cause = new Error("below");
  const error = new TrefoilError("outcome_unknown", "no answer from n2", { cause, outcome: "unknown" });
  assert.ok(error instanceof Error);
  assert.deepEqual(
    [error.name, error.code, error.message, error.outcome, error.cause],
    ["TrefoilError", "outcome_unknown", "no answer from n2", "unknown", cause],
  );
  const plain = new TrefoilError("busy", "proposals");
  assert.equal(plain.outcome, "not_applied");
  assert.equal("cause" in plain, false);
});

test("corruption names what is damaged", () => {
  const cause = new Error("below");
  assert.equal(corruption("block 7 of 000001.table").code, "corruption");
  assert.equal(corruption("block 7 of 000001.table").message, "block 7 of 000001.table");
  assert.equal(corruption("x", cause).cause, cause);
});
