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

test("docs/simulation.md says of every bug what found it, of no other, and of no bug twice", () => {
  const [, page = ""] = readFileSync("docs/simulation.md", "utf8").split("\n## Planted bugs\n");
  const [section = ""] = page.split("\n## ");
  const rows = section.split("\n").filter((line) => line.startsWith("| "));
  const told = rows.slice(2).map((row) =>
    row
      .split("|")
      .slice(1, 4)
      .map((cell) => cell.trim()),
  );
  const found = new Map(told.map(([name, by, minutes]) => [name, { by, minutes }]));
  const names = new Set(simMutants.map(({ name }) => name));
  assert.deepEqual(
    [...names].filter((name) => !found.has(name)),
    [],
    "not in the table",
  );
  assert.deepEqual(
    [...found.keys()].filter((name) => !names.has(name ?? "")),
    [],
    "no such bug",
  );
  assert.equal(told.length, found.size, "a bug twice");
  for (const { name, trace, scenario } of simMutants) {
    const { by, minutes = "" } = found.get(name) ?? {};
    if (trace !== undefined) assert.equal(by, `trace \`${trace}\``, name);
    else if (scenario !== undefined) assert.equal(by, `\`${scenario.file}\`: "${scenario.name}"`, name);
    else assert.match(minutes, /^\d+\.\d$/, name);
  }
  assert.ok(section.includes(`What found each of the ${simMutants.length} `), "how many they are");
});
