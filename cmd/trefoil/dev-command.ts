// `trefoil dev`: a cluster on this machine. Its settings are read by internal/config, as those of a node are, and not by the
// parser of the command line.

import process from "node:process";
import type { Command } from "commander";
import { stopsWhileLoading } from "../stop-signals.ts";

export function addDev(program: Command): void {
  program
    .command("dev")
    .description("run a cluster on this machine, for development: trefoil dev --help lists its settings")
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .argument("[settings...]")
    .action(async (settings: readonly string[]) => {
      stopsWhileLoading();
      const { runDev } = await import("./dev/dev.ts");
      process.exitCode = await runDev(settings);
    });
}
