import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../../internal/base/codec.ts";
import { runPowerCuts } from "./power-cuts.ts";

test("a store whose power is cut again and again keeps every write that it called synced, and no half of one", async () => {
  for (let seed = 1000; seed < 1012; seed++) {
    const result = await runPowerCuts({ seed, cuts: 12 });
    assert.deepEqual(result.faults, []);
    assert.ok(result.writes > 0, "the run wrote something");
  }
});

test("under an fsync interval a flush may be ahead of the log after a power cut (seeds 7, 9, 19, 30, 31, 150)", async () => {
  for (const seed of [7, 9, 19, 30, 31, 150]) {
    assert.deepEqual((await runPowerCuts({ seed, cuts: 16 })).faults, []);
  }
});

test("what `current` names has its own name on the disk first (seeds 237, 266, 314)", async () => {
  for (const seed of [237, 266, 314]) assert.deepEqual((await runPowerCuts({ seed, cuts: 16 })).faults, []);
});

test("a byte that makes a writer's memory grow goes to the new memory (seed 330)", async () => {
  assert.deepEqual((await runPowerCuts({ seed: 330, cuts: 4 })).faults, []);
  const writer = new ByteWriter(1);
  for (let value = 0; value < 100; value++) writer.u8(value);
  assert.deepEqual(
    [...writer.finish()],
    Array.from({ length: 100 }, (_, value) => value),
  );
});
