// One node as a process: reads its settings, opens the node, runs until it is told to stop, or cannot go on.
//
//   exit codes   0 stopped as it was told, or help; 1 the node failed, or could not be opened; 2 wrong settings
//   SIGTERM, SIGINT, SIGHUP, or a parent that has gone: it stops in order. A second signal ends it at once.

import { randomInt } from "node:crypto";
import process from "node:process";
import { helpText } from "../../internal/config/print-settings.ts";
import { readNodeSettings } from "../../internal/config/read-settings.ts";
import { trefoildSchema } from "../../internal/config/schema.ts";
import type { NodeValues } from "../../internal/config/values.ts";
import { keepTickShape } from "../../internal/os/tick-shape.ts";
import { logFormOf, openLogger } from "../../internal/telemetry/logger.ts";
import type { OpenLogger } from "../../internal/telemetry/logger.ts";
import { printConfig } from "../print-config.ts";
import { onStopSignals } from "../stop-signals.ts";
import { version } from "../version.ts";
import { Daemon } from "./daemon.ts";
import { failureWords, isOfTheWorld } from "./failure-words.ts";
import { settingsWorld } from "../settings-world.ts";

const usage = `trefoild: one node of Trefoil, a sharded, replicated key-value store.

  trefoild --id n1 --data DIR --peers n1=HOST:7400,n2=HOST:7400,n3=HOST:7400
                                    founds a cluster, together with the others that it names
  trefoild --id n4 --data DIR --join HOST:7400
                                    enters a cluster that runs
  trefoild config print [--origin] [--json] …
                                    what it would run with, and where each setting comes from
  trefoild --help, trefoild --version

A cluster on this machine, for trying out: trefoil dev.

Settings are flags, or TREFOIL_<FLAG> in the environment, or members of the JSON file that --config names; flags count most.

`;

const exitCodes = { failure: 1, usage: 2 } as const;

export async function runProgram(commandArguments: readonly string[]): Promise<void> {
  await keepTickShape();
  if (commandArguments.includes("--help") || commandArguments.includes("-h")) {
    process.stdout.write(`${usage}${helpText(trefoildSchema)}`);
    return;
  }
  if (commandArguments.includes("--version") || commandArguments.includes("-V")) {
    process.stdout.write(`${version()}\n`);
    return;
  }
  if (commandArguments[0] === "config") {
    process.exitCode = config(commandArguments.slice(1));
    return;
  }
  const found = read(commandArguments);
  if (found !== undefined) await run(found.values, found.given.has("groups"));
}

/** Undefined: it was told what is wrong. */
function read(commandArguments: readonly string[]) {
  const found = readNodeSettings(settingsWorld(commandArguments));
  if (found.kind === "settings") return found;
  const lines = found.violations.map((violation) => `trefoild: ${violation}\n`);
  process.stderr.write(`${lines.join("")}(trefoild --help lists the settings)\n`);
  process.exitCode = exitCodes.usage;
  return undefined;
}

function config([verb, ...rest]: readonly string[]): number {
  if (verb === "print") return printConfig("trefoild", rest);
  process.stderr.write("trefoild: config can be printed: trefoild config print [--origin] [--json] <settings>\n");
  return exitCodes.usage;
}

async function run(values: NodeValues, asksForGroups: boolean): Promise<void> {
  const isTerminal = process.stdout.isTTY;
  const form = logFormOf(values["log-format"], isTerminal);
  const hasColours = isTerminal && (process.env["NO_COLOR"] ?? "") === "";
  const logger = openLogger({ level: values["log-level"], form, node: values.id, hasColours });
  const fail = (failure: unknown): never => end(failure, values, form === "json" ? logger : undefined);
  process.on("uncaughtException", fail);
  process.on("unhandledRejection", fail);
  const told = whenToldToStop();
  const seed = randomInt(2 ** 32);
  // Whoever has started it need not ask, and takes nobody else for it who has its ports.
  const onReady = (): void => void process.send?.("ready", undefined, undefined, () => undefined);
  const daemon = await Daemon.open(values, { logger, seed, asksForGroups, onFailure: fail, onReady }).catch(fail);
  logger.info("told to stop", { by: await told });
  await daemon.stop().catch(fail);
  // Whatever else may hold the process: all that counts has ended.
  process.exit(0);
}

/** Resolves with what told. */
function whenToldToStop(): Promise<string> {
  return new Promise((resolve) => {
    onStopSignals(resolve, () => process.exit(exitCodes.failure));
    // Whoever started this process with a channel to it wants it no longer than itself.
    if (process.send === undefined) return;
    process.on("disconnect", () => resolve("its parent has gone"));
    if (!process.connected) resolve("its parent has gone");
  });
}

/** A failure is told once: as a line of the log where programs read it, else on the error output. */
function end(failure: unknown, { id, "log-level": level }: NodeValues, logger: OpenLogger | undefined): never {
  const words = failureWords(failure);
  if (logger !== undefined && level !== "silent") logger.error(words);
  else process.stderr.write(`trefoild ${id}: ${words}\n`);
  if (!isOfTheWorld(failure) && failure instanceof Error) process.stderr.write(`${failure.stack}\n`);
  process.exit(exitCodes.failure);
}
