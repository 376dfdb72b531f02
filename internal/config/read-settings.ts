// Reads the settings of a command: flags over environment over file over what follows from other settings over defaults. Either all is
// well, or everything that is not is told at once. Pure but for the files that it is given a way to read.

import { assert } from "../base/assert.ts";
import { checkDev, checkGateway, checkNode } from "./checks.ts";
import type { IsGiven } from "./checks.ts";
import { derivedOfNode } from "./derived.ts";
import type { Derived } from "./derived.ts";
import { shown } from "./kinds.ts";
import { devSchema, gatewaySchema, trefoildSchema } from "./schema.ts";
import { variableOf } from "./setting.ts";
import type { Schema, Setting, Values } from "./setting.ts";
import { readEnvironment, readFlags, readSettingsFile } from "./sources.ts";
import type { FileReader, Given } from "./sources.ts";

export interface World extends FileReader {
  /** Behind the name of the command. */
  readonly commandArguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export type ReadSettings<S extends Schema> =
  | { readonly kind: "settings"; readonly values: Values<S>; readonly given: ReadonlyMap<string, Given> }
  /** Each in words that say what to do. */
  | { readonly kind: "wrong"; readonly violations: readonly string[] };

export const readNodeSettings = (world: World): ReadSettings<typeof trefoildSchema> =>
  readSettings(trefoildSchema, checkNode, world, derivedOfNode);
export const readGatewaySettings = (world: World): ReadSettings<typeof gatewaySchema> =>
  readSettings(gatewaySchema, checkGateway, world);
export const readDevSettings = (world: World): ReadSettings<typeof devSchema> =>
  readSettings(devSchema, checkDev, world);

/**
 * `derive` and `check` see what could be read: of a setting that is wrong by itself nothing. Without the file that was named nothing
 * is checked.
 */
export function readSettings<S extends Schema>(
  schema: S,
  check: (values: Partial<Values<S>>, isGiven: IsGiven) => readonly string[],
  world: World,
  derive: (values: Partial<Values<S>>, isGiven: IsGiven) => readonly Derived[] = () => [],
): ReadSettings<S> {
  const flags = readFlags(schema, world.commandArguments);
  const variables = readEnvironment(schema, world.environment, world.readFile);
  const path = (flags.given.get("config") ?? variables.given.get("config"))?.text;
  const members = path === undefined ? nothingGiven : readSettingsFile(schema, path, world);
  const given = new Map<string, Given>([...members.given, ...variables.given, ...flags.given]);
  const violations = [...flags.violations, ...variables.violations, ...members.violations];
  const values: Record<string, unknown> = {};
  const take = (flag: string, setting: Setting<unknown>): void => {
    const parsed = valueOf(flag, setting, given.get(flag));
    if ("fault" in parsed) violations.push(parsed.fault);
    else values[flag] = parsed.value;
  };
  for (const [flag, setting] of Object.entries(schema)) {
    // What a file that cannot be read may hold is not missed.
    if (members.isRead || given.has(flag)) take(flag, setting);
  }
  const readable = values as Values<S>;
  for (const { flag, from, text } of derive(readable, (name) => given.has(name))) {
    const [setting, source] = [schema[flag], given.get(from)];
    assert(setting !== undefined && source !== undefined, "a setting follows from one that is not given", {
      flag,
      from,
    });
    given.set(flag, { ...source, text });
    take(flag, setting);
  }
  if (members.isRead) violations.push(...check(readable, (flag) => given.has(flag)));
  return violations.length > 0 ? { kind: "wrong", violations } : { kind: "settings", values: readable, given };
}

const nothingGiven = { given: new Map<string, Given>(), violations: [], isRead: true };

function valueOf(
  flag: string,
  setting: Setting<unknown>,
  given: Given | undefined,
): { readonly value: unknown } | { readonly fault: string } {
  const text = given?.text ?? setting.preset;
  if (text === undefined) {
    if (!setting.isRequired) return { value: undefined };
    return {
      fault: `--${flag} is missing: ${setting.help} Give --${flag} ${setting.kind.placeholder}, or ${variableOf(flag)}`,
    };
  }
  const parsed = setting.kind.parse(text);
  if (!("fault" in parsed)) return parsed;
  const what = setting.isSecret ? parsed.fault.replaceAll(shown(text), "it") : parsed.fault;
  return { fault: `${given?.place ?? `--${flag}`}: ${what}` };
}
