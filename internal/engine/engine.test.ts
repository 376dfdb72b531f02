import { test } from "node:test";
import { checkEngine } from "../../test/engine/engine-model.ts";

test("an engine is a sorted map with snapshots and expiry, through flushes, merges, garbage collection and reopening", async () => {
  await checkEngine(150, 20_260_101);
  await checkEngine(100, Date.now() % 1_000_000);
});
