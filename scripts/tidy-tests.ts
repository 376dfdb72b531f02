// `npm run tidy:tests`: holds the map in docs/testing.md against the tests that ran last, as the last step of `npm test`.
// A sentence that no test watches over is a failure, too.

import { readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { root } from "./root.ts";
import { describeFinding } from "./rules/finding.ts";
import { checkTestMap } from "./rules/test-map.ts";
import { readRanTests } from "./test-run.ts";

const map = "docs/testing.md";

function main(): boolean {
  const ran = readRanTests("all");
  if (ran.length === 0) {
    console.error("No run of all tests has left its names: npm test does.");
    return false;
  }
  const verdict = checkTestMap({ path: map, text: readFileSync(path.join(root, map), "utf8") }, ran);
  for (const finding of verdict.findings) console.error(describeFinding(finding));
  for (const sentence of verdict.open) console.error(`${map}: no test watches over "${sentence}"`);
  console.log(`${verdict.sentences} sentences against ${ran.length} tests`);
  return verdict.findings.length === 0 && verdict.open.length === 0;
}

process.exitCode = main() ? 0 : 1;
