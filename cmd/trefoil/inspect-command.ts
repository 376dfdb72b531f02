// `trefoil inspect log|table|manifest|folder PATH`: what lies on a disk, read without changing, locking or
// repairing anything. It can be used beside a running store; it then sees a moment of it.

import process from "node:process";
import type { Command } from "commander";
import { exitCodes } from "./failure.ts";
import { parseForm, parseLimit, printFindings } from "./output.ts";
import type { Finding, InspectOptions } from "./output.ts";

interface Kind {
  readonly name: string;
  readonly description: string;
  readonly argument: readonly [name: string, description: string];
  readonly example: string;
  readonly options?: readonly (readonly [flags: string, description: string])[];
  readonly load: () => Promise<(paths: readonly string[], options: InspectOptions) => AsyncIterable<Finding>>;
}

const kinds: readonly Kind[] = [
  {
    name: "log",
    description: "a shared log: a summary, then record by record",
    argument: ["<path>", "a log's folder, or one segment (*.log)"],
    example: "trefoil inspect log data/n1/log --limit 100",
    options: [["--limit <lines>", "show so many lines at most, beside the summary and all damage"]],
    load: async () => {
      const { findingsOfLog } = await import("./inspect/log.ts");
      return ([path = ""], options) => findingsOfLog(path, options);
    },
  },
  {
    name: "table",
    description: "tables: footer, filter, properties, index, blocks, with --entries every entry",
    argument: ["<paths...>", "tables' files (*.table)"],
    example: "trefoil inspect table data/n1/engine/000012.table --entries",
    options: [["--entries", "every entry, not only its block"]],
    load: async () => (await import("./inspect/table.ts")).findingsOfTables,
  },
  {
    name: "manifest",
    description: "a manifest: its edits, and the state that they lead to",
    argument: ["<path>", "a manifest's file, or an engine's folder for the current one"],
    example: "trefoil inspect manifest data/n1/engine -o json",
    load: async () => {
      const { findingsOfManifest } = await import("./inspect/manifest.ts");
      return ([path = ""]) => findingsOfManifest(path);
    },
  },
  {
    name: "folder",
    description:
      "a folder of a node, of the nodes of trefoil dev, of a store, an engine or a log: what is in it, what is missing or damaged, whether an open would succeed",
    argument: ["<path>", "the folder: of a node (data/n1), or of all nodes of trefoil dev (data)"],
    example: "trefoil inspect folder data",
    options: [["--quick", "leave the blocks of tables unread"]],
    load: async () => {
      const { findingsOfFolder } = await import("./inspect/folder.ts");
      return ([path = ""], options) => findingsOfFolder(path, options);
    },
  },
];

const words = `
Words:
  incarnation   the number under which all of a group's records lie in the engine
  term, index   the log entry that wrote a record: its group's term, and its place in the group's log
  sequence      the order of all writes of one engine; of two records under a key the greater one is the newer
  position      a byte's place in the log, counted through all segments
`;

const exitCodeHelp = `
Exit codes: 0 all that was read is sound: an open would succeed, or would once the process has ended that is told of as
"in use"; 1 damage was found, or an open would be refused all the same (lines that say "damage" or "refused"); 2 wrong
use, or a path of another kind; 3 no such path.
Nothing is changed, locked or repaired.`;

export function addInspect(program: Command): void {
  const inspect = program
    .command("inspect")
    .description("show what lies in a file or folder of Trefoil, offline and read-only");
  const examples = kinds.map((kind) => `  ${kind.example}`).join("\n");
  inspect.addHelpText("after", `\nExamples:\n${examples}\n${words}${exitCodeHelp}`);
  for (const kind of kinds) {
    const command = inspect
      .command(kind.name)
      .description(kind.description)
      .argument(...kind.argument)
      .option(
        "-o, --output <form>",
        "table, json (one array), or raw (fields between tabs, nothing shortened)",
        "table",
      )
      .addHelpText("after", `\nExample:\n  ${kind.example}\n${words}${exitCodeHelp}`)
      .action((given: string | string[], options: GivenOptions) =>
        run(kind, typeof given === "string" ? [given] : given, options),
      );
    for (const option of kind.options ?? []) command.option(...option);
  }
}

interface GivenOptions {
  readonly output: string;
  readonly entries?: boolean;
  readonly quick?: boolean;
  readonly limit?: string;
}

async function run(kind: Kind, paths: readonly string[], given: GivenOptions): Promise<void> {
  const form = parseForm(given.output);
  const limit = parseLimit(given.limit);
  const findingsOf = await kind.load();
  const options = { entries: given.entries === true, quick: given.quick === true, limit };
  const { damages, isRefused } = await printFindings(process.stdout, form, findingsOf(paths, options));
  if (damages === 0 && !isRefused) return;
  const what = `${damages} ${damages === 1 ? "place is" : "places are"} damaged in`;
  process.stderr.write(`trefoil: ${damages === 0 ? "an open would refuse" : what} ${paths.join(", ")}\n`);
  process.exitCode = exitCodes.failure;
}
