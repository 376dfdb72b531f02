import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fuzz, neverMet, triedOf } from "./fuzz.ts";

describe("raft: fuzz", () => {
  it("refuses malformed messages unchanged, and bears genuine ones at any time, twice, late and from the removed", () => {
    const counts = fuzz(1, 20_000);
    assert.ok(triedOf(counts) >= 20_000);
    assert.deepEqual(neverMet(counts), []);
  });
});
