// `trefoil dev` from its settings to its exit code. Everything that can be known before is looked at before anything starts: settings,
// what lies in the folder, ports.

import process from "node:process";
import { helpText } from "../../../internal/config/print-settings.ts";
import { readDevSettings } from "../../../internal/config/read-settings.ts";
import { devSchema } from "../../../internal/config/schema.ts";
import { RealDisk } from "../../../internal/os/real-disk.ts";
import type { Disk, FolderLock } from "../../../internal/platform/disk.ts";
import { onStopSignals } from "../../stop-signals.ts";
import { version } from "../../version.ts";
import { exitCodes } from "../failure.ts";
import { claimFolder } from "./claim.ts";
import { completeWithFolder, lookIntoFolder } from "./folder.ts";
import { lostToNpm } from "./npm-start.ts";
import { planOf } from "./plan.ts";
import type { Plan } from "./plan.ts";
import { busyPorts } from "./ports.ts";
import { Printer } from "./printer.ts";
import { Supervisor } from "./supervisor.ts";
import { settingsWorld } from "../../settings-world.ts";

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
  if (commandArguments.includes("--version") || commandArguments.includes("-V")) {
    process.stdout.write(`${version()}\n`);
    return exitCodes.ok;
  }
  const lost = lostToNpm(devSchema, { commandArguments, environment: process.env });
  if (lost !== undefined) return refused([lost], exitCodes.usage);
  const found = readDevSettings(settingsWorld(commandArguments));
  if (found.kind === "wrong") return refused(found.violations, exitCodes.usage);
  const disk = new RealDisk();
  const content = await lookIntoFolder(disk, found.values.data);
  const completed = completeWithFolder(found.values, content, (flag) => found.given.has(flag));
  if (completed.kind === "wrong") return refused(completed.violations, exitCodes.usage);
  const claimed = await claim(disk, planOf(completed.values));
  if (claimed.kind === "refused") return refused(claimed.reasons, exitCodes.failure);
  try {
    return await supervise(planOf(completed.values), completed.notes);
  } finally {
    await claimed.lock.release();
  }
}

type Claimed =
  | { readonly kind: "held"; readonly lock: FolderLock }
  | { readonly kind: "refused"; readonly reasons: readonly string[] };

/** Folder and ports. A folder that is not there is made last: whoever is refused leaves nothing behind. */
async function claim(disk: Disk, plan: Plan): Promise<Claimed> {
  const { data: folder, nodes } = plan.values;
  const first = await claimFolder(disk, { folder, nodes, isMade: false });
  const busy = await busyPorts(plan);
  if (first.kind === "refused") return { kind: "refused", reasons: [first.why, ...busy] };
  if (busy.length > 0) {
    if (first.kind === "held") await first.lock.release();
    return { kind: "refused", reasons: busy };
  }
  if (first.kind === "held") return first;
  const made = await claimFolder(disk, { folder, nodes, isMade: true });
  if (made.kind === "held") return made;
  return { kind: "refused", reasons: [made.kind === "refused" ? made.why : `--data ${folder} has gone; start again`] };
}

function supervise(plan: Plan, notes: readonly string[]): Promise<number> {
  const isTerminal = process.stdout.isTTY;
  const hasColours = isTerminal && (process.env["NO_COLOR"] ?? "") === "";
  const printer = new Printer(process.stdout, plan.values["log-format"], hasColours);
  for (const note of notes) printer.say(note);
  const supervisor = new Supervisor(plan, printer);
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
