// The object that is kept is one of those that process.nextTick makes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { keepTickShape } from "./tick-shape.ts";

test("what is kept has the shape of a tick", async () => {
  assert.ok(await keepTickShape());
});
