#!/usr/bin/env node
// The command line. Each command's work is loaded when it is used, so that `trefoil --help` stays quick.

import { readFileSync } from "node:fs";
import process from "node:process";
import { Command, CommanderError } from "commander";
import { addInspect } from "./inspect-command.ts";
import { describeFailure, exitCodeOf, exitCodes } from "./failure.ts";

async function main(): Promise<number> {
  const program = new Command("trefoil")
    .version(version(), "-V, --version", "print the version")
    .description("Tools for Trefoil, a sharded, replicated key-value store.")
    .configureOutput({ outputError: (text, write) => write(`${text.trimEnd()} (trefoil --help lists the commands)\n`) })
    .exitOverride();
  addInspect(program);
  try {
    await program.parseAsync(process.argv);
    return Number(process.exitCode ?? exitCodes.ok);
  } catch (failure) {
    if (failure instanceof CommanderError) return failure.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    process.stderr.write(`trefoil: ${describeFailure(failure)}\n`);
    return exitCodeOf(failure);
  }
}

function version(): string {
  const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

// Who reads our output may have seen enough.
process.stdout.on("error", (failure: NodeJS.ErrnoException) => {
  if (failure.code === "EPIPE") process.exit(exitCodes.ok);
  throw failure;
});
process.exitCode = await main();
