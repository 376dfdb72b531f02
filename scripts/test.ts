// `npm test`: the static checks, then every test. `npm test -- internal/log crc` takes the test files whose path contains
// one of the words, and leaves the checks out.
//
// Fails when a check fails, a test fails or is skipped, no file is found, or nothing ran.

import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { runChecks } from "./checks.ts";
import { outputFolder, root, runFolder } from "./root.ts";
import { bundlePureFloors, listTestFiles } from "./test-files.ts";

interface RanTest {
  readonly file: string;
  readonly name: string;
  readonly outcome: string;
}

const testTimeoutMs = 600_000;

function runTests(files: readonly string[], record: string): boolean {
  mkdirSync(runFolder, { recursive: true });
  rmSync(record, { force: true });
  const parameters = [
    "--enable-source-maps",
    "--test",
    "--test-concurrency=4",
    `--test-timeout=${testTimeoutMs}`,
    `--test-reporter=${path.join(outputFolder, "scripts", "test-reporter.js")}`,
    "--test-reporter-destination=stdout",
    `--test-reporter=${path.join(outputFolder, "scripts", "test-record.js")}`,
    `--test-reporter-destination=${record}`,
    ...bundlePureFloors(files),
  ];
  const result = spawnSync(process.execPath, parameters, { cwd: root, stdio: "inherit" });
  return result.status === 0;
}

function readRecord(record: string): RanTest[] {
  const lines = readFileSync(record, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as RanTest);
}

/** What is wrong with a run that Node calls green. */
function faultsOfRun(ran: readonly RanTest[]): string[] {
  const faults: string[] = [];
  if (ran.length === 0) faults.push("no test ran");
  for (const test of ran) {
    if (test.outcome === "skip") faults.push(`skipped: ${test.file} › ${test.name}`);
    if (test.outcome === "fail") faults.push(`${test.file} › ${test.name} failed`);
  }
  return faults;
}

function main(filters: readonly string[]): boolean {
  const everything = filters.length === 0;
  if (everything && !runChecks([])) return false;
  const files = listTestFiles(filters);
  if (files.length === 0) {
    console.error(everything ? "There is no test file." : `No test file matches ${filters.join(", ")}.`);
    return false;
  }
  const record = path.join(runFolder, everything ? "ran.jsonl" : "ran-filtered.jsonl");
  if (!runTests(files, record)) return false;
  const faults = faultsOfRun(readRecord(record));
  for (const fault of faults) console.error(`✖ ${fault}`);
  return faults.length === 0;
}

process.exitCode = main(process.argv.slice(2)) ? 0 : 1;
