// Looks for a planted bug in the build that this is part of: by seeds of the simulator, in turn, until one of them is
// violated or the virtual minutes are over, by a trace of test/raft, or by a scenario of test/replica. Each seed that is done is a line, so that whoever
// started this sees that it lives. A report is a line of JSON, which names the invariant or the checker; without one
// nothing was found. Whatever else ends this process is no report.

import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { kindOf, tryAny } from "../sim/kinds-of-runs.ts";
import type { KindOfRun } from "../sim/kinds-of-runs.ts";
import { reportOf } from "../sim/violation.ts";
import type { Report } from "../sim/violation.ts";
import { TraceCommands } from "../raft/trace-commands.ts";
import { checkTextTrace, sourceFile } from "../support/text-trace.ts";

export interface Find {
  /** The invariant, the checker or the trace. */
  readonly by: string;
  readonly seed: number;
  readonly virtualMinutes: number;
  readonly what: string;
}

const millisecondsPerMinute = 60_000;
const scenarioMilliseconds = 120_000;

/** A bug that lets the code trip over itself is not found by that. */
const tripped = /\b(?:Type|Range|Reference|Syntax)Error\b/;

function tell(report: Report, virtualMinutes: number): never {
  const what = report.what.replaceAll(/\s+/g, " ");
  if ((report.by === "failure" && !what.includes("TrefoilError")) || tripped.test(what)) {
    console.error(what);
    process.exit(1);
  }
  const assertion = /AssertionFailure: ([^(]*?) (?:\(|at )/.exec(what)?.[1];
  const by = assertion === undefined ? report.by : `${report.by}: ${assertion}`;
  const found: Find = { by, seed: report.seed, virtualMinutes, what: what.slice(0, 200) };
  console.log(JSON.stringify(found));
  process.exit(1);
}

async function huntBySeeds(first: number, minutes: number, what: KindOfRun): Promise<void> {
  let done = 0;
  for (let seed = first; done < minutes; seed++) {
    if (kindOf(seed) !== what) continue;
    const outcome = await tryAny(seed);
    if (outcome.kind === "violated") tell(outcome.report, done + outcome.report.atMilliseconds / millisecondsPerMinute);
    done += outcome.result.virtualMilliseconds / millisecondsPerMinute;
    console.log(`seed ${seed}`);
  }
}

async function huntByTrace(name: string): Promise<void> {
  const file = sourceFile(import.meta.url, `../raft/testdata/${name}.txt`);
  const commands = new TraceCommands();
  await checkTextTrace(file, async (words) => commands.run(words)).catch((failure: unknown) => {
    const isDifferent = failure instanceof Error && failure.constructor.name === "AssertionError";
    const { by, what } = reportOf(failure, 0, 0);
    tell({ by: isDifferent ? `the trace ${name}` : by, seed: 0, what, atMilliseconds: 0 }, 0);
  });
}

/** The one test with this name, in a process of its own. */
function huntByScenario(file: string, name: string): void {
  const path = fileURLToPath(new URL(`../replica/${file}.test.js`, import.meta.url));
  const pattern = `^${name.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")}$`;
  const flags = ["--test", "--test-reporter=tap", `--test-name-pattern=${pattern}`];
  const { stdout } = spawnSync(process.execPath, [...flags, path], { encoding: "utf8", timeout: scenarioMilliseconds });
  const line = stdout
    .split("\n")
    .find((one) => one.trim().replace(/ - /, " ").endsWith(name) && /^\s*(?:not )?ok /.test(one));
  if (line === undefined) {
    console.error(`test/replica/${file} has no test "${name}", or it did not end`);
    process.exit(2);
  }
  if (!line.trim().startsWith("not ok")) return;
  const what = stdout.slice(stdout.indexOf(line));
  tell({ by: `the test "${name}"`, seed: 0, what, atMilliseconds: 0 }, 0);
}

function stray(failure: unknown): never {
  tell(reportOf(failure, 0, 0), 0);
}

process.on("uncaughtException", stray);
process.on("unhandledRejection", stray);

const [kind, what, more] = process.argv.slice(2);
if (kind === "trace") await huntByTrace(what ?? "");
else if (kind === "scenario") huntByScenario(what ?? "", more ?? "");
else await huntBySeeds(Number(what), Number(more), kind === "clusters" ? "cluster" : "group");
