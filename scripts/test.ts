// `npm test`: the static checks, every test, and the map from known failures to tests.
// `npm test -- internal/log crc` takes the test files whose path contains one of the words, and leaves the rest out.
//
// Fails when a check fails, a test fails or is skipped, no file is found, nothing ran, or a test named in docs/testing.md
// did not run.

import process from "node:process";
import { runChecks } from "./checks.ts";
import { runStep, type Step } from "./steps.ts";
import { listTestFiles } from "./test-files.ts";
import { runTests } from "./test-run.ts";

const testMap: Step = { name: "test map", command: ["dist/scripts/tidy-tests.js", "--allow-open"] };

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

process.exitCode = main(process.argv.slice(2)) ? 0 : 1;
