// Many pages of keys at once from one node: as many as it takes on are answered, the others are told so at once.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { RealNodes } from "./real-nodes.ts";

describe("many listings at once", () => {
  it("are answered whole, or refused as too many, or wait where they may; and taken on again afterwards", async () => {
    const nodes = await RealNodes.make();
    try {
      await nodes.startAll();
      for (let at = 0; at < 8; at++) await nodes.put("n1", `key ${at}`, "x".repeat(100_000));
      const { coordinator } = nodes.node("n1");
      const list = async (mayWait = false): Promise<string> => {
        const caller = { deadline: coordinator.now() + 30_000, signal: undefined, trace: "" };
        const request = { prefix: utf8("key"), limit: 100, withValues: true, cursor: undefined } as const;
        return coordinator.list({ ...request, mode: "fast", mayWait }, caller).then(
          ({ records }) => `${records.length} records`,
          (failure: unknown) => (failure instanceof TrefoilError ? failure.code : String(failure)),
        );
      };
      await nodes.until(async () => (await list()) === "8 records");
      const answers = await Promise.all(Array.from({ length: 300 }, () => list()));
      const whole = answers.filter((answer) => answer === "8 records").length;
      const refused = answers.filter((answer) => answer === "busy").length;
      assert.deepEqual([whole, refused], [64, 236]);
      const waited = await Promise.all(Array.from({ length: 150 }, () => list(true)));
      assert.deepEqual(new Set(waited), new Set(["8 records"]), "who may wait has its turn");
      assert.equal(await list(), "8 records");
      assert.deepEqual(nodes.failures, []);
    } finally {
      await nodes.end();
    }
  });
});
