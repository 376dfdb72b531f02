// `npm start` in a fresh clone of what is committed: it installs, builds and runs, answers the lines of the README, and ends by ctrl-c with
// exit code 0 and no process left.
//
//   npm run test:start

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { eventually } from "../daemon/node-processes.ts";
import { RunningProcess } from "../support/running-process.ts";
import { DevRun, isAlive, pidsIn } from "./dev-run.ts";

if (process.argv.includes("--help")) {
  console.log(
    "npm run test:start: clones what is committed into a temporary folder, and runs npm start there as a user would",
  );
  process.exit(0);
}

const folder = await mkdtemp(join(tmpdir(), "trefoil-fresh-"));
const clone = join(folder, "trefoil");
const cloned = spawnSync("git", ["clone", "--quiet", process.cwd(), clone], { stdio: "inherit" });
assert.equal(cloned.status, 0, "git clone failed");
const run = await DevRun.make("./data");
const flags = run.flags.filter((flag) => !flag.startsWith("--data"));
const began = performance.now();
const seconds = (): string => ((performance.now() - began) / 1000).toFixed(1);
const started = new RunningProcess("npm", ["start", "--", ...flags], { cwd: clone, isGroup: true });
try {
  // It installs and builds first.
  await started.says(/Ctrl-c stops it/, 600_000);
  console.log(`runs after ${seconds()} s`);
  const pids = pidsIn(started.output);
  assert.equal(pids.length, 3);
  console.log(`${await run.askReadme()} lines of the README answered`);
  const dirty = spawnSync("git", ["status", "--porcelain"], { cwd: clone, encoding: "utf8" });
  assert.equal(dirty.stdout, "", "what it leaves in the clone is not ignored by git");
  started.signalGroup("SIGINT");
  assert.deepEqual(await started.ended, { code: 0, signal: null }, started.output);
  await eventually(() => Promise.resolve(assert.deepEqual(pids.filter(isAlive), [])));
  console.log("ended with exit code 0, and no process is left");
} finally {
  await started.kill();
  await rm(folder, { recursive: true, force: true });
}
