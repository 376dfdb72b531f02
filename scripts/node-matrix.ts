// `npm run test:nodes`: the compiled tests on every supported line of Node, taken from the package registry.
// `npm run test:nodes -- 22 26` takes only those lines.
//
// Ends with a table; fails when a line cannot be had, when a test fails, or when one line ran other tests than the rest.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { runCommand, WrongUse, type Command } from "./command-line.ts";
import { root } from "./root.ts";
import { listTestFiles } from "./test-files.ts";
import { runTests } from "./test-run.ts";

interface Result {
  readonly line: string;
  readonly version: string;
  readonly tests: number;
  readonly failed: number;
  readonly seconds: number;
  readonly faults: readonly string[];
}

const supportedLines = ["22", "24", "26"];
const cacheFolder = path.join(root, "node_modules", ".cache", "trefoil-nodes");

const command: Command = {
  call: "npm run test:nodes --",
  what: "Runs the compiled tests on other lines of Node, which it installs beside the project, and ends with a table.",
  flags: [],
  words: { name: "LINE...", what: `instead of ${supportedLines.join(", ")}` },
};

/** Path of a Node of that line, installed when it is not there yet. */
function obtainNode(line: string): string {
  const folder = path.join(cacheFolder, line);
  const name = `node-${process.platform}-${process.arch}`;
  const node = path.join(folder, "node_modules", name, "bin", "node");
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  const npm = process.env["npm_execpath"];
  if (npm === undefined) throw new Error("run this with npm: npm run test:nodes");
  const parameters = [npm, "install", "--prefix", folder, "--no-save", "--no-package-lock", `${name}@${line}`];
  const result = spawnSync(process.execPath, parameters, { encoding: "utf8", cwd: folder });
  if (result.status !== 0) throw new Error(`npm cannot install ${name}@${line}: ${result.stderr.trim()}`);
  return node;
}

function versionOf(node: string): string {
  const result = spawnSync(node, ["--version"], { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`${node} does not run: ${result.error?.message ?? result.stderr}`);
  return result.stdout.trim();
}

function testOn(line: string, files: readonly string[]): Result {
  const started = performance.now();
  const result = (version: string, tests: number, failed: number, faults: readonly string[]): Result => {
    return { line, version, tests, failed, seconds: (performance.now() - started) / 1000, faults };
  };
  let node: string;
  let version: string;
  try {
    node = obtainNode(line);
    version = versionOf(node);
  } catch (error) {
    return result("none", 0, 0, [(error as Error).message]);
  }
  if (!version.startsWith(`v${line}.`)) return result(version, 0, 0, [`asked for Node ${line}, got ${version}`]);
  console.log(`\nNode ${version}`);
  const { ran, faults } = runTests(node, files, "some");
  return result(version, ran.length, ran.filter((test) => test.outcome !== "pass").length, faults);
}

function main(lines: readonly string[]): boolean {
  const files = listTestFiles([]);
  if (files.length === 0) {
    console.error("✖ there is no test file");
    return false;
  }
  const results = lines.map((line) => testOn(line, files));
  console.log("\nNode       tests   passed   failed   seconds");
  for (const { version, tests, failed, seconds } of results) {
    const cells = [tests, tests - failed, failed].map((count) => String(count).padStart(6)).join("   ");
    console.log(`${version.padEnd(10)}${cells}   ${seconds.toFixed(1).padStart(7)}`);
  }
  const faults = results.flatMap((result) => result.faults.map((fault) => `Node ${result.line}: ${fault}`));
  if (new Set(results.map((result) => result.tests)).size > 1) faults.push("the lines ran different numbers of tests");
  for (const fault of faults) console.error(`✖ ${fault}`);
  return faults.length === 0;
}

await runCommand(command, ({ words }) => {
  const wrong = words.filter((word) => !/^\d{2}$/.test(word));
  if (wrong.length > 0)
    throw new WrongUse(`${wrong.join(", ")} is no line of Node, such as ${supportedLines.join(", ")}`);
  return main(words.length === 0 ? supportedLines : words);
});
