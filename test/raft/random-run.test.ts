import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { randomRun } from "./random-run.ts";

describe("cores under chance", () => {
  it("keep Raft's invariants, and make progress when all is well again", () => {
    const seeds = Number(process.env["RAFT_SEEDS"] ?? 200);
    let committed = 0;
    for (let seed = 1; seed <= seeds; seed++) {
      try {
        committed += randomRun(seed, 2000).committed;
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    assert.ok(committed > seeds * 10, `${committed} entries committed`);
  });
});
