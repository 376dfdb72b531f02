// The commands that ask a cluster: what they take, and what their help says. What they do is in client/, loaded when it is used.

import process from "node:process";
import type { Command } from "commander";

const exitCodeHelp = `
Exit codes: 0 done, 1 failure, 2 wrong use, 3 not found, 4 the condition does not hold, 5 the cluster cannot do it now,
6 not allowed, 7 nobody knows whether the write took effect.`;

const endpointHelp =
  "HTTP addresses of nodes, between commas, tried in turn (default: $TREFOIL_ENDPOINT, or 127.0.0.1:8080)";
const consistencyHelp = "fast or strong (default: what the node is set to: writes strong, reads fast)";

interface Shape {
  readonly name: string;
  readonly description: string;
  /** How its -o is explained. */
  readonly output: string;
  readonly examples: readonly string[];
}

/** With the options and the help that all of them have. */
function addCommand(parent: Command, { name, description, output, examples }: Shape): Command {
  const shown = examples.map((example) => `  ${example}`).join("\n");
  return parent
    .command(name)
    .description(description)
    .option("--endpoint <addresses>", endpointHelp)
    .option("--timeout <duration>", "how long a request may take: 5, 500ms, 1m; at most 60s", "5s")
    .option("-o, --output <form>", output)
    .addHelpText("after", `\nExamples:\n${shown}\n${exitCodeHelp}`);
}

const outputHelp = "table, json, or raw (fields between tabs)";
const idempotencyHelp =
  "makes it safe to repeat: the same text is told what the first try was told. It belongs to this one write: another " +
  "one under it may not be made, and be answered with the first one's answer";
const key64Help = "the key is given in base64url, which can name any bytes";

function addWriteOptions(command: Command): Command {
  return command
    .option("--consistency <mode>", consistencyHelp)
    .option("--if-match <version>", "only over this version, such as 7.41; * for any")
    .option("--idempotency-key <text>", idempotencyHelp)
    .option("--key64", key64Help);
}

export function addClientCommands(program: Command): void {
  addPut(program);
  addGet(program);
  addDel(program);
  addList(program);
  addExplain(program);
  addCluster(program);
  addHealth(program);
}

function addPut(program: Command): void {
  const command = addCommand(program, {
    name: "put",
    description: "write a value, and say what became of it: version, copies, receipt",
    output: outputHelp,
    examples: [
      "trefoil put users/42 Saurab",
      "trefoil put session open --ttl 10m --consistency fast",
      "trefoil put photo --file photo.png --content-type image/png",
      "echo hello | trefoil put greeting -",
      "trefoil put lock me --if-none-match",
    ],
  });
  addWriteOptions(command)
    .argument("<key>", "behind -- when it begins with a dash")
    .argument("[value]", "the value; - for standard input")
    .option("--file <path>", "the value is what is in this file")
    .option("--ttl <duration>", "how long it stays: 60, 500ms, 10m, 1d, or keep (default: for ever)")
    .option("--if-none-match", "only where nothing is yet")
    .option("--content-type <type>", "kept with the value (default: text/plain for a value on the command line)")
    .action(async (...given: [key: string, value: string | undefined, options: object]) => {
      const { put } = await import("./client/put.ts");
      process.exitCode = await put(...given);
    });
}

function addGet(program: Command): void {
  addCommand(program, {
    name: "get",
    description: "print a value: its bytes as they are, on a terminal what it can show",
    output: "raw (the bytes), table (what is known of it), or json",
    examples: [
      "trefoil get users/42",
      "trefoil get photo > photo.png",
      "trefoil get users/42 --consistency strong -o json",
    ],
  })
    .argument("<key>", "behind -- when it begins with a dash")
    .option("--consistency <mode>", consistencyHelp)
    .option("--key64", key64Help)
    .action(async (...given: [key: string, options: object]) => {
      const { get } = await import("./client/get.ts");
      process.exitCode = await get(...given);
    });
}

function addDel(program: Command): void {
  const command = addCommand(program, {
    name: "del",
    description: "remove a key; when it is not there that is done already",
    output: outputHelp,
    examples: ["trefoil del users/42", "trefoil del lock --if-match 7.41"],
  });
  addWriteOptions(command)
    .argument("<key>", "behind -- when it begins with a dash")
    .action(async (...given: [key: string, options: object]) => {
      const { del } = await import("./client/del.ts");
      process.exitCode = await del(...given);
    });
}

function addList(program: Command): void {
  addCommand(program, {
    name: "list",
    description: "list keys in the order of their bytes, all of them or those that begin with a prefix",
    output: "table, json (one array), or raw (a key a line, its value behind a tab)",
    examples: ["trefoil list users/", "trefoil list users/ --values --limit 10", "trefoil list -o json"],
  })
    .argument("[prefix]", "what the keys begin with")
    .option("--limit <keys>", "so many at most (default: all)")
    .option("--values", "with their values")
    .option("--cursor <text>", "go on where a listing with the same prefix and a limit ended")
    .option("--consistency <mode>", consistencyHelp)
    .option("--key64", "the prefix is given in base64url, which can name any bytes")
    .action(async (...given: [prefix: string | undefined, options: object]) => {
      const { list } = await import("./client/list.ts");
      process.exitCode = await list(...given);
    });
}

function addExplain(program: Command): void {
  addCommand(program, {
    name: "explain",
    description: "show where a key lies, and what a read or write of it would do now",
    output: outputHelp,
    examples: ["trefoil explain users/42", "trefoil explain users/42 -o json"],
  })
    .argument("<key>", "behind -- when it begins with a dash")
    .option("--key64", key64Help)
    .action(async (...given: [key: string, options: object]) => {
      const { explain } = await import("./client/explain.ts");
      process.exitCode = await explain(...given);
    });
}

function addCluster(program: Command): void {
  const cluster = program.command("cluster").description("look at the cluster as a whole");
  addCommand(cluster, {
    name: "status",
    description: "show nodes, groups, leaders, lag and troubles; exit code 5 when some keys cannot be served now",
    output: outputHelp,
    examples: ["trefoil cluster status", "trefoil cluster status -o json --endpoint n1:8080,n2:8080"],
  }).action(async (options: object) => {
    const { clusterStatus } = await import("./client/cluster-status.ts");
    process.exitCode = await clusterStatus(options);
  });
}

function addHealth(program: Command): void {
  addCommand(program, {
    name: "health",
    description: "ask each node whether it is alive and ready; exit code 5 when one is not",
    output: outputHelp,
    examples: ["trefoil health", "trefoil health --admin-endpoint n1:9400,n2:9400,n3:9400"],
  })
    .option(
      "--admin-endpoint <addresses>",
      "admin addresses of nodes, between commas (default: $TREFOIL_ADMIN_ENDPOINT, or those of the map)",
    )
    .action(async (options: object) => {
      const { health } = await import("./client/health.ts");
      process.exitCode = await health(options);
    });
}
