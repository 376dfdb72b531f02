import assert from "node:assert/strict";
import { test } from "node:test";
import { mutants } from "./mutants.ts";
import { misfits } from "./planting.ts";

test("every bug that is to be planted has its line, once, in the file that it names", () => {
  assert.deepEqual(misfits(mutants), []);
  assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length);
});
