// `trefoil inspect log|table|manifest|folder PATH`: what lies on a disk, read without changing, locking or
// repairing anything. It can be used beside a running store; it then sees a moment of it.

import process from "node:process";
import type { Command } from "commander";
import { exitCodes } from "./failure.ts";
import { parseForm, printFindings } from "./output.ts";
import type { Finding, InspectOptions } from "./output.ts";

interface Kind {
  readonly name: string;
  readonly description: string;
  readonly path: string;
  readonly example: string;
  readonly load: () => Promise<(path: string, options: InspectOptions) => AsyncIterable<Finding>>;
}

const kinds: readonly Kind[] = [
  {
    name: "log",
    description: "a shared log, record by record",
    path: "a log's folder, or one segment (*.log)",
    example: "trefoil inspect log data/log",
    load: async () => (await import("./inspect/log.ts")).findingsOfLog,
  },
  {
    name: "table",
    description: "a table: footer, filter, properties, index, blocks, with --entries every entry",
    path: "a table's file (*.table)",
    example: "trefoil inspect table data/engine/000012.table --entries",
    load: async () => (await import("./inspect/table.ts")).findingsOfTable,
  },
  {
    name: "manifest",
    description: "a manifest: its edits, and the state that they lead to",
    path: "a manifest's file, or an engine's folder for the current one",
    example: "trefoil inspect manifest data/engine -o json",
    load: async () => (await import("./inspect/manifest.ts")).findingsOfManifest,
  },
  {
    name: "folder",
    description: "a folder of a store, an engine or a log: what is in it, what is missing, what does not belong there",
    path: "the folder",
    example: "trefoil inspect folder data",
    load: async () => (await import("./inspect/folder.ts")).findingsOfFolder,
  },
];

const exitCodeHelp = `
Exit codes: 0 all sound, 1 damage was found (each is a line that says "damage"), 2 wrong use, 3 no such path.
Nothing is changed, locked or repaired.`;

export function addInspect(program: Command): void {
  const inspect = program
    .command("inspect")
    .description("show what lies in a file or folder of Trefoil, offline and read-only");
  const examples = kinds.map((kind) => `  ${kind.example}`).join("\n");
  inspect.addHelpText("after", `\nExamples:\n${examples}\n${exitCodeHelp}`);
  for (const kind of kinds) {
    const command = inspect
      .command(kind.name)
      .description(kind.description)
      .argument("<path>", kind.path)
      .option(
        "-o, --output <form>",
        "table, json (one array), or raw (fields between tabs, nothing shortened)",
        "table",
      )
      .addHelpText("after", `\nExample:\n  ${kind.example}\n${exitCodeHelp}`)
      .action(async (path: string, options: { output: string; entries?: boolean }) => {
        const form = parseForm(options.output);
        const findingsOf = await kind.load();
        const damages = await printFindings(
          process.stdout,
          form,
          findingsOf(path, { entries: options.entries === true }),
        );
        if (damages === 0) return;
        process.stderr.write(`trefoil: ${damages} ${damages === 1 ? "place is" : "places are"} damaged in ${path}\n`);
        process.exitCode = exitCodes.failure;
      });
    if (kind.name === "table") command.option("--entries", "every entry, not only its block", false);
  }
}
