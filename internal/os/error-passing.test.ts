import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AssertionFailure } from "../base/assert.ts";
import { TrefoilError } from "../base/errors.ts";
import { DiskFailure } from "../platform/disk.ts";
import { packError, unpackError } from "./error-passing.ts";

describe("errors between threads", () => {
  it("a DiskFailure arrives as one, with its cause", () => {
    const system = Object.assign(new Error("ENOSPC: no space"), { code: "ENOSPC" });
    const sent = new DiskFailure("full", "write", "/a", system);
    const got = pass(sent);
    assert.ok(got instanceof DiskFailure);
    const { kind, operation, path, message, stack } = got;
    assert.deepEqual({ kind, operation, path }, { kind: "full", operation: "write", path: "/a" });
    assert.equal(message, sent.message);
    assert.equal(stack, sent.stack);
    assert.ok(got.cause instanceof Error);
    assert.equal(got.cause.message, "ENOSPC: no space");
    assert.equal((got.cause as Error & { code: string }).code, "ENOSPC");
  });

  it("a TrefoilError keeps code and outcome, an AssertionFailure its message and values", () => {
    const error = pass(new TrefoilError("corruption", "block 7", { outcome: "unknown" }));
    assert.ok(error instanceof TrefoilError);
    assert.equal(error.code, "corruption");
    assert.equal(error.outcome, "unknown");
    assert.equal(error.message, "block 7");
    assert.equal(error.cause, undefined);
    const failure = pass(new AssertionFailure("levels overlap", { level: 1, key: Symbol("k") }));
    assert.ok(failure instanceof AssertionFailure);
    assert.equal(failure.message, "levels overlap (level=1, key=Symbol(k))");
    assert.deepEqual(failure.values, { level: "1", key: "Symbol(k)" });
  });

  it("other errors keep their name, and what is no error becomes one", () => {
    const error = pass(new RangeError("out"));
    assert.equal(error.name, "RangeError");
    assert.equal(error.message, "out");
    assert.equal(pass("just text").message, "just text");
    assert.equal(pass(undefined).message, "thrown: undefined");
  });

  it("a circle of causes ends", () => {
    const error = new Error("round");
    error.cause = error;
    let depth = 0;
    for (let at: unknown = pass(error); at instanceof Error; at = at.cause) depth++;
    assert.equal(depth, 9);
  });
});

function pass(reason: unknown): Error {
  return unpackError(structuredClone(packError(reason)));
}
