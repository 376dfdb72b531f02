// `trefoil gateway`: a coordinator without data. Its settings are read by internal/config, as those of a node are, and not by the
// parser of the command line.

import process from "node:process";
import type { Command } from "commander";
import { stopsWhileLoading } from "../stop-signals.ts";

export function addGateway(program: Command): void {
  program
    .command("gateway")
    .description("take requests for a cluster, without data: trefoil gateway --help lists its settings")
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .argument("[settings...]")
    .action(async (settings: readonly string[]) => {
      stopsWhileLoading();
      const { runGateway } = await import("./gateway/run-gateway.ts");
      process.exitCode = await runGateway(settings);
    });
}
