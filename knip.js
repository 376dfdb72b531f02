// What knip takes for used: the programs, tests and benches, and what they import. Everything else is dead.

import { readFileSync } from "node:fs";

const { scripts } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));

/** The modules that `npm run` starts: `node scripts/bootstrap.mjs --expose-gc test/bench/main` names test/bench/main.ts. */
const started = Object.values(scripts).flatMap((command) => {
  const match = /bootstrap\.mjs (?:--\S+ )*([\w/.-]+)/.exec(command);
  return match === null ? [] : [`${match[1]}.ts`];
});

export default {
  entry: [
    "scripts/{floors,lean-tracking,tidy,tidy-tests,test-reporter,test-record}.ts",
    "cmd/**/*.ts",
    "{cmd,internal,scripts,test}/**/*.{test,bench}.ts",
    // Started as processes of their own.
    "test/**/*.main.ts",
    "test/mutants/hunt.ts",
    "test/sim-mutants/hunt.ts",
    ...started,
  ],
  project: ["{cmd,internal,scripts,test}/**/*.{ts,mjs}"],
  ignoreExportsUsedInFile: { interface: true, type: true },
  rules: { duplicates: "off" },
  // A test makes a file with it that blocks whoever opens it; benchmarks install what they need.
  ignoreBinaries: ["mkfifo", "apt-get", "etcd", "gcc", "mount", "umount", "unshare", "wrk"],
  // Started by path.
  ignoreDependencies: ["oxlint", "oxlint-tsgolint"],
};
