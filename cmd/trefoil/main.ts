#!/usr/bin/env node
// The command line. Each command's work is loaded when it is used, so that `trefoil --help` stays quick.

import process from "node:process";
import { Command, CommanderError } from "commander";
import { addClientCommands } from "./client-commands.ts";
import { addConfig } from "./config-command.ts";
import { addDev } from "./dev-command.ts";
import { version } from "../version.ts";
import { addGateway } from "./gateway-command.ts";
import { addInspect } from "./inspect-command.ts";
import { describeFailure, exitCodeOf, exitCodes } from "./failure.ts";
import { addHelp, explainWrongUse } from "./words-of-use.ts";

async function main(): Promise<number> {
  const program = new Command("trefoil")
    .version(version(), "-V, --version", "print the version")
    .description("Trefoil, a sharded, replicated key-value store: reading and writing, looking in, running one here.")
    .enablePositionalOptions()
    .exitOverride();
  addClientCommands(program);
  addDev(program);
  addGateway(program);
  addConfig(program);
  addInspect(program);
  addHelp(program);
  explainWrongUse(program);
  try {
    await program.parseAsync(process.argv);
    return Number(process.exitCode ?? exitCodes.ok);
  } catch (failure) {
    if (failure instanceof CommanderError) return failure.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    process.stderr.write(`trefoil: ${describeFailure(failure)}\n`);
    return exitCodeOf(failure);
  }
}

// Who reads our output may have seen enough.
process.stdout.on("error", (failure: NodeJS.ErrnoException) => {
  if (failure.code === "EPIPE") process.exit(exitCodes.ok);
  throw failure;
});
process.exitCode = await main();
