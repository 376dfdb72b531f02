import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { mutants } from "./mutants.ts";

test("every bug that is to be planted has its line, once, in the file that it names", () => {
  const misfits = mutants.filter(({ file, find }) => readFileSync(file, "utf8").split(find).length !== 2);
  assert.deepEqual(
    misfits.map(({ name, file }) => `${name}: ${file} has changed, and test/mutants/mutants.ts has not`),
    [],
  );
  assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length);
});
