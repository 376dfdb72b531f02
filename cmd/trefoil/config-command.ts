// `trefoil config print`: the settings of a node, of `trefoil dev` or of a gateway, as they would be read here and now. They are read by
// internal/config, and not by the parser of the command line.

import process from "node:process";
import type { Command } from "commander";
import type { CommandName } from "../../internal/config/schema.ts";

const commands: Readonly<Record<string, CommandName>> = {
  node: "trefoild",
  trefoild: "trefoild",
  dev: "trefoil dev",
  gateway: "trefoil gateway",
};

const help = `
  trefoil config print --origin --id n1 --data DIR --join HOST:7400     of a node
  trefoil config print dev --origin --nodes 5                           of a cluster on this machine
  trefoil config print gateway --json --seeds HOST:7400                 of a gateway

--origin shows where each value comes from, --json prints an object; all else is as the command itself would take it.`;

export function addConfig(program: Command): void {
  program
    .command("config")
    .description("look at settings")
    .command("print")
    .description("print what a node, trefoil dev or a gateway would run with")
    .usage("[node|dev|gateway] [--origin] [--json] [settings...]")
    .addHelpText("after", help)
    .allowUnknownOption()
    .passThroughOptions()
    .argument("[settings...]")
    .action(async (words: readonly string[]) => {
      const [first = "", ...rest] = words;
      const named = Object.hasOwn(commands, first) ? commands[first] : undefined;
      const { printConfig } = await import("../print-config.ts");
      process.exitCode = named === undefined ? printConfig("trefoild", words) : printConfig(named, rest);
    });
}
