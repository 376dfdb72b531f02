// One run of Node's test runner over given files, and what it leaves behind: the names of the tests that ran.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { outputFolder, root, runFolder } from "./root.ts";
import type { RanTest } from "./rules/test-map.ts";
import { isShared, shareProcesses, sourceName } from "./test-files.ts";

/** A run of all tests leaves its names to the map in docs/testing.md; a run of some must not take their place. */
export type RunKind = "all" | "some";

export interface RunVerdict {
  readonly ran: readonly RanTest[];
  /** Empty when all is well. */
  readonly faults: readonly string[];
}

/** Of a test, and of all the files that share a process: for what waits for ever. */
const testTimeoutMs = 900_000;

/** Runs the files under `node`, the path of a Node, and shows what happens as it happens. */
export function runTests(node: string, files: readonly string[], kind: RunKind): RunVerdict {
  mkdirSync(runFolder, { recursive: true });
  rmSync(recordOf(kind), { force: true });
  const parameters = [
    "--enable-source-maps",
    `--import=${pathToFileURL(path.join(outputFolder, "scripts", "lean-tracking.js")).href}`,
    "--test",
    "--test-concurrency=4",
    `--test-timeout=${testTimeoutMs}`,
    `--test-reporter=${path.join(outputFolder, "scripts", "test-reporter.js")}`,
    "--test-reporter-destination=stdout",
    `--test-reporter=${path.join(outputFolder, "scripts", "test-record.js")}`,
    `--test-reporter-destination=${recordOf(kind)}`,
    ...shareProcesses(files, path.join(runFolder, `shared-${kind}`)),
  ];
  const result = spawnSync(node, parameters, { cwd: root, stdio: "inherit" });
  const ran = readRanTests(kind);
  const faults = [...faultsOf(ran), ...silentFiles(files, ran)];
  if (result.status !== 0 && faults.length === 0) {
    faults.push(`the test runner ended with ${result.error?.message ?? result.signal ?? `exit code ${result.status}`}`);
  }
  return { ran, faults };
}

/** Failures are listed by the reporter, so they are only counted here. */
function faultsOf(ran: readonly RanTest[]): string[] {
  if (ran.length === 0) return ["no test ran"];
  const faults = ran.filter((test) => test.outcome === "skip").map((test) => `skipped: ${test.file} › ${test.name}`);
  const failed = ran.filter((test) => test.outcome === "fail").length;
  return failed === 0 ? faults : [...faults, `${failed} of ${ran.length} tests failed`];
}

/** Node notices a file that defines no test, but not when it shares a process with others. */
function silentFiles(files: readonly string[], ran: readonly RanTest[]): string[] {
  const spoke = new Set(ran.map((test) => test.file));
  const silent = files.filter((file) => isShared(file) && !spoke.has(sourceName(file)));
  return silent.map((file) => `${sourceName(file)} defines no test`);
}

/** The tests of the last run of that kind; none when there was no such run. */
export function readRanTests(kind: RunKind): RanTest[] {
  let text: string;
  try {
    text = readFileSync(recordOf(kind), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as RanTest);
}

function recordOf(kind: RunKind): string {
  return path.join(runFolder, `${kind}.jsonl`);
}
