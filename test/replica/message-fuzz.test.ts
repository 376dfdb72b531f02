import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fuzzMessages, neverMet, triedOf } from "./message-fuzz.ts";

describe("replicas: fuzz", () => {
  it("bear each other's messages at any time, twice, late, from the removed and from strangers, and malformed ones", async () => {
    const counts = await fuzzMessages(1, 5000);
    assert.ok(triedOf(counts) >= 5000);
    assert.deepEqual(neverMet(counts), []);
  });
});
