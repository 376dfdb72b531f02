import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { misfits } from "../mutants/planting.ts";
import { simMutants, unplanted } from "./mutants.ts";

test("every bug that the simulator is to find has its line, once, in the file that it names", () => {
  assert.deepEqual(misfits(simMutants), []);
});

test("every bug that the simulator is to find has a name of its own, and its trace or its scenario is there", () => {
  const names = [...simMutants, ...unplanted].map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  const traces = simMutants.flatMap(({ trace }) => (trace === undefined ? [] : [trace]));
  assert.deepEqual(
    traces.filter((trace) => !existsSync(`test/raft/testdata/${trace}.txt`)),
    [],
  );
  const scenarios = simMutants.flatMap(({ scenario }) => scenario ?? []);
  assert.deepEqual(
    scenarios.filter(({ file, name }) => !readFileSync(`test/replica/${file}.test.ts`, "utf8").includes(`("${name}"`)),
    [],
  );
});
