// `trefoil gateway` from its settings to its exit code.

import { randomInt } from "node:crypto";
import process from "node:process";
import { helpText } from "../../../internal/config/print-settings.ts";
import { readGatewaySettings } from "../../../internal/config/read-settings.ts";
import { gatewaySchema } from "../../../internal/config/schema.ts";
import type { GatewayValues } from "../../../internal/config/values.ts";
import { keepTickShape } from "../../../internal/os/tick-shape.ts";
import { logFormOf, openLogger } from "../../../internal/telemetry/logger.ts";
import { onStopSignals } from "../../stop-signals.ts";
import { version } from "../../version.ts";
import { failureWords } from "../../trefoild/failure-words.ts";
import { exitCodes } from "../failure.ts";
import { GatewayProcess } from "./gateway-process.ts";
import { takenListeners } from "./taken-listeners.ts";
import { settingsWorld } from "../../settings-world.ts";

const usage = `trefoil gateway: takes requests for a cluster, over HTTP and gRPC as a node does, and has no data.

  trefoil gateway --seeds HOST:7400,HOST:7400
                                    of the cluster that some of these nodes belong to

Settings are flags, or TREFOIL_<FLAG> in the environment, or members of the JSON file that --config names; flags count most.

`;

/** Resolves with the exit code, when everything has ended. */
export async function runGateway(commandArguments: readonly string[]): Promise<number> {
  await keepTickShape();
  if (commandArguments.includes("--help") || commandArguments.includes("-h")) {
    process.stdout.write(`${usage}${helpText(gatewaySchema)}`);
    return exitCodes.ok;
  }
  if (commandArguments.includes("--version") || commandArguments.includes("-V")) {
    process.stdout.write(`${version()}\n`);
    return exitCodes.ok;
  }
  const found = readGatewaySettings(settingsWorld(commandArguments));
  if (found.kind === "wrong") {
    const lines = found.violations.map((violation) => `trefoil gateway: ${violation}\n`);
    process.stderr.write(`${lines.join("")}(trefoil gateway --help lists the settings)\n`);
    return exitCodes.usage;
  }
  const taken = await takenListeners(found.values);
  if (taken.length > 0) {
    process.stderr.write(taken.map((words) => `trefoil gateway: ${words}\n`).join(""));
    return exitCodes.failure;
  }
  await run(found.values);
  return exitCodes.ok;
}

async function run(values: GatewayValues): Promise<void> {
  const isTerminal = process.stdout.isTTY;
  const form = logFormOf(values["log-format"], isTerminal);
  const hasColours = isTerminal && (process.env["NO_COLOR"] ?? "") === "";
  const logger = openLogger({ level: values["log-level"], form, node: values.id, hasColours });
  const fail = (failure: unknown): never => {
    process.stderr.write(`trefoil gateway: ${failureWords(failure)}\n`);
    process.exit(exitCodes.failure);
  };
  process.on("uncaughtException", fail);
  process.on("unhandledRejection", fail);
  const told = new Promise<string>((resolve) => {
    onStopSignals(resolve, () => process.exit(exitCodes.failure));
  });
  const gateway = await GatewayProcess.open(values, { logger, seed: randomInt(2 ** 32), onFailure: fail }).catch(fail);
  logger.info("told to stop", { by: await told });
  await gateway.stop().catch(fail);
}
