// `config print`: what a command would run with, and where each setting comes from. Nothing is opened.

import process from "node:process";
import { printedSettings, settingsJson, settingsText } from "../internal/config/print-settings.ts";
import type { ReadValues } from "../internal/config/print-settings.ts";
import { readDevSettings, readGatewaySettings, readNodeSettings } from "../internal/config/read-settings.ts";
import { schemas } from "../internal/config/schema.ts";
import type { CommandName } from "../internal/config/schema.ts";
import type { Schema } from "../internal/config/setting.ts";
import { settingsWorld } from "./settings-world.ts";

const usageExitCode = 2;

const readers = {
  trefoild: readNodeSettings,
  "trefoil dev": readDevSettings,
  "trefoil gateway": readGatewaySettings,
} as const;

/** `given`: the command's settings, with `--origin` and `--json` among them. Returns the exit code. */
export function printConfig(command: CommandName, given: readonly string[]): number {
  const found = readers[command](
    settingsWorld(given.filter((argument) => argument !== "--origin" && argument !== "--json")),
  );
  if (found.kind === "wrong") {
    const lines = found.violations.map((violation) => `${command}: ${violation}\n`);
    process.stderr.write(`${lines.join("")}(${command} --help lists the settings)\n`);
    return usageExitCode;
  }
  const schema: Schema = schemas[command];
  const print = given.includes("--json") ? settingsJson : settingsText;
  process.stdout.write(print(printedSettings(schema, found as ReadValues<Schema>), given.includes("--origin")));
  return 0;
}
