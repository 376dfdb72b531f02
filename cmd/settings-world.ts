// Where a command's settings are read from: its arguments, this process's environment, and files of this machine.

import { readFileSync } from "node:fs";
import process from "node:process";
import type { World } from "../internal/config/read-settings.ts";
import { mistakeIn } from "../internal/http/json-mistake.ts";

export function settingsWorld(commandArguments: readonly string[]): World {
  return { commandArguments, environment: process.env, readFile: (path) => readFileSync(path, "utf8"), mistakeIn };
}
