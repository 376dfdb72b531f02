import assert from "node:assert/strict";
import { test } from "node:test";
import { faults } from "../e2e/faults/faults.ts";
import { misfits } from "../mutants/planting.ts";
import { e2eMutants } from "./mutants.ts";

test("every bug that real processes are to show has its line, once, in the file that it names", () => {
  assert.deepEqual(misfits(e2eMutants), []);
  assert.equal(new Set(e2eMutants.map(({ name }) => name)).size, e2eMutants.length);
});

test("every bug that real processes are to show has a fault that is there", () => {
  const names = new Set(faults.map(({ name }) => name));
  assert.deepEqual(
    e2eMutants.filter(({ fault }) => !names.has(fault)),
    [],
  );
});
