// The static checks, in the order in which they run.

import { runStep, type Step } from "./steps.ts";

const checks: readonly Step[] = [
  { name: "lint", command: ["node_modules/oxlint/bin/oxlint", "--format=unix"] },
  { name: "floors", command: ["dist/scripts/floors.js"] },
  { name: "format", command: ["node_modules/oxfmt/bin/oxfmt", "--check"] },
  { name: "tidy", command: ["dist/scripts/tidy.js"] },
  { name: "knip", command: ["node_modules/knip/bin/knip.js"] },
];

export const checkNames: readonly string[] = checks.map((check) => check.name);

/** Runs the named checks, all when none is named; every one of them, also after a failure. Answers whether all succeeded. */
export function runChecks(names: readonly string[]): boolean {
  const chosen = names.length === 0 ? checks : checks.filter((check) => names.includes(check.name));
  const failed = chosen.filter((check) => !runStep(check));
  return failed.length === 0;
}
