// `trefoil dev` from its settings to its exit code. Everything that can be known before is looked at before anything starts: settings,
// what lies in the folder, ports.

import { readFileSync } from "node:fs";
import process from "node:process";
import { helpText } from "../../../internal/config/print-settings.ts";
import { readDevSettings } from "../../../internal/config/read-settings.ts";
import { devSchema } from "../../../internal/config/schema.ts";
import { RealDisk } from "../../../internal/os/real-disk.ts";
import { onStopSignals } from "../../stop-signals.ts";
import { exitCodes } from "../failure.ts";
import { completeWithFolder, lookIntoFolder } from "./folder.ts";
import { planOf } from "./plan.ts";
import { busyPorts } from "./ports.ts";
import { Printer } from "./printer.ts";
import { Supervisor } from "./supervisor.ts";

const usage = `trefoil dev: a cluster on this machine, for development. Each node is a process; node i (0, 1, 2 …) takes the given ports plus i.
Ctrl-c stops it; the data stays, and the next start goes on from it.

  trefoil dev                                    3 nodes, 4 groups, data in ./data, http://localhost:8080
  trefoil dev --nodes 5 --data /tmp/five         more of them, elsewhere
  trefoil dev --no-restart                       a node whose process dies stays dead

Settings are flags, or TREFOIL_<FLAG> in the environment, or members of the JSON file that --config names; flags count most.

`;

/** Resolves with the exit code, when everything has ended. */
export async function runDev(commandArguments: readonly string[]): Promise<number> {
  if (commandArguments.includes("--help") || commandArguments.includes("-h")) {
    process.stdout.write(`${usage}${helpText(devSchema)}`);
    return exitCodes.ok;
  }
  const found = readDevSettings({
    commandArguments,
    environment: process.env,
    readFile: (path) => readFileSync(path, "utf8"),
  });
  if (found.kind === "wrong") return refused(found.violations, exitCodes.usage);
  const content = await lookIntoFolder(new RealDisk(), found.values.data);
  const completed = completeWithFolder(found.values, content, (flag) => found.given.has(flag));
  if (completed.kind === "wrong") return refused(completed.violations, exitCodes.usage);
  const plan = planOf(completed.values);
  const busy = await busyPorts(plan);
  if (busy.length > 0) return refused(busy, exitCodes.failure);
  const isTerminal = process.stdout.isTTY;
  const hasColours = isTerminal && (process.env["NO_COLOR"] ?? "") === "";
  const supervisor = new Supervisor(plan, new Printer(process.stdout, completed.values["log-format"], hasColours));
  onStopSignals(
    () => supervisor.stop(),
    () => supervisor.stopAtOnce(),
  );
  return supervisor.run();
}

function refused(violations: readonly string[], exitCode: number): number {
  const lines = violations.map((violation) => `trefoil dev: ${violation}\n`);
  process.stderr.write(lines.join(""));
  return exitCode;
}
