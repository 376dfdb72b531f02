import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fuzz } from "./fuzz.ts";

describe("raft: fuzz", () => {
  it("refuses malformed messages unchanged, and bears genuine ones at any time, twice, late and from the removed", () => {
    const { malformed, replayed } = fuzz(1, 20_000);
    assert.ok(malformed > 5000 && replayed > 5000, `${malformed} malformed, ${replayed} replayed`);
  });
});
