// A file is one idea, and an idea fits into 400 lines; a file of tests, which is a list, into 800.
// Functions and parameter lists are measured by the linter (max-lines-per-function, max-params in .oxlintrc.json).

import { finding, type Finding, type SourceFile } from "./finding.ts";
import { isTestOrBench } from "./source-files.ts";

const linesMax = 400;
const testLinesMax = 800;

export function checkSizes(file: SourceFile): Finding[] {
  if (!/\.(ts|mjs|js)$/.test(file.path) || /(^|\/)(testdata|generated)\//.test(file.path)) return [];
  const limit = isTestOrBench(file.path) ? testLinesMax : linesMax;
  const lines = file.text.split("\n").length - (file.text.endsWith("\n") ? 1 : 0);
  return lines <= limit ? [] : [finding(file.path, 0, `${lines} lines, and ${limit} are the most`)];
}
