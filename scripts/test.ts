// `npm test`: the static checks, every test, and the map from known failures to tests.
// `npm test -- internal/log crc` takes the test files whose path contains one of the words, and leaves the rest out.
//
// Fails when a check fails, a test fails or is skipped, no file is found, nothing ran, or a test named in docs/testing.md
// did not run.

import process from "node:process";
import { runCommand, type Command } from "./command-line.ts";
import { runChecks } from "./checks.ts";
import { runStep, type Step } from "./steps.ts";
import { listTestFiles } from "./test-files.ts";
import { runTests } from "./test-run.ts";

const testMap: Step = { name: "test map", command: ["dist/scripts/tidy-tests.js"] };

const command: Command = {
  call: "npm test --",
  what:
    "Runs the static checks, every test, and holds docs/testing.md against the tests that ran. With words: only the tests\n" +
    "of the files whose path contains one of them.",
  flags: [],
  words: { name: "WORD...", what: "part of a test file's path, such as internal/log" },
};

function main(filters: readonly string[]): boolean {
  const everything = filters.length === 0;
  if (everything && !runChecks([])) return false;
  const files = listTestFiles(filters);
  if (files.length === 0) {
    console.error(everything ? "✖ there is no test file" : `✖ no test file matches ${filters.join(" or ")}`);
    return false;
  }
  const { faults } = runTests(process.execPath, files, everything ? "all" : "some");
  for (const fault of faults) console.error(`✖ ${fault}`);
  return faults.length === 0 && (!everything || runStep(testMap));
}

await runCommand(command, (given) => main(given.words));
