// Settings for people and programs: `config print`, help, the page of the documentation, and the flags of a child process.

import { schemas } from "./schema.ts";
import type { CommandName } from "./schema.ts";

import type { Schema, Setting, Values } from "./setting.ts";
import type { Given, Origin } from "./sources.ts";

export interface PrintedSetting {
  readonly name: string;
  /** As it would be written; null: not set. Of a secret only that it is set. */
  readonly value: string | null;
  readonly origin: Origin;
  /** Where it was read; empty of defaults. */
  readonly place: string;
}

export interface ReadValues<S extends Schema> {
  readonly values: Values<S>;
  readonly given: ReadonlyMap<string, Given>;
}

export function printedSettings<S extends Schema>(schema: S, { values, given }: ReadValues<S>): PrintedSetting[] {
  return Object.entries(schema).map(([name, setting]) => {
    const found = given.get(name);
    return {
      name,
      value: printValue(setting, values[name]) ?? null,
      origin: found?.origin ?? "default",
      place: found?.place ?? "",
    };
  });
}

export function settingsText(settings: readonly PrintedSetting[], withOrigin: boolean): string {
  const nameWidth = Math.max(...settings.map(({ name }) => name.length));
  const valueWidth = Math.max(...settings.map(({ value }) => (value ?? notSet).length));
  const lines = settings.map(({ name, value, origin, place }) => {
    const start = `${name.padEnd(nameWidth)}  ${value ?? notSet}`;
    if (!withOrigin) return start;
    const from = place === "" ? origin : `${origin} ${place}`;
    return `${start.padEnd(nameWidth + 2 + valueWidth)}  ${from}`;
  });
  return `${lines.join("\n")}\n`;
}

export function settingsJson(settings: readonly PrintedSetting[], withOrigin: boolean): string {
  const members = settings.map(({ name, value, origin, place }) => {
    if (!withOrigin) return [name, value] as const;
    return [name, place === "" ? { value, origin } : { value, origin, place }] as const;
  });
  return `${JSON.stringify(Object.fromEntries(members), undefined, 2)}\n`;
}

const notSet = "-";

function printValue(setting: Setting<unknown>, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return setting.isSecret ? "(secret)" : setting.kind.print(value);
}

/** For a process that is to have the same settings: `--name=value` each. What is not set stays so. */
export function flagsOf<S extends Schema>(
  schema: S,
  values: Partial<Values<S>>,
  names: readonly (keyof S)[],
): string[] {
  return names.flatMap((name) => {
    const setting = schema[name] as Setting<unknown>;
    const value = values[name];
    return value === undefined || setting.isSecret ? [] : [`--${String(name)}=${setting.kind.print(value)}`];
  });
}

/** Behind the usage line of `--help`. */
export function helpText(schema: Schema): string {
  const rows = Object.entries(schema).map(
    ([name, setting]) => [`--${name} ${setting.kind.placeholder}`.trimEnd(), setting] as const,
  );
  const width = Math.max(...rows.map(([flag]) => flag.length));
  return rows.map(([flag, setting]) => `  ${flag.padEnd(width)}  ${setting.help}${standing(setting)}\n`).join("");
}

function standing({ kind, preset, isRequired }: Setting<unknown>): string {
  const standard = isRequired ? "required" : preset === undefined ? undefined : `default ${preset}`;
  const told = [standard, kind.bounds].filter((words) => words !== undefined);
  return told.length === 0 ? "" : ` (${told.join("; ")})`;
}

const intros: Readonly<Record<CommandName, string>> = {
  trefoild: "One node. Founds a cluster with `--peers`, or enters one with `--join`.",
  "trefoil dev": "A cluster on this machine, for development: node i (0, 1, 2 …) takes the given ports plus i.",
  "trefoil gateway": "Routes requests into a cluster, and has no data.",
};

/** The part of docs/configuration.md that lists the settings. */
export function documentText(): string {
  const parts = (Object.keys(schemas) as CommandName[]).map((command) => {
    const rows = Object.entries(schemas[command] as Schema).map(documentRow);
    return [
      `## \`${command}\``,
      "",
      intros[command],
      "",
      "| flag | default | bounds | |",
      "| --- | --- | --- | --- |",
      ...rows,
      "",
    ].join("\n");
  });
  return parts.join("\n");
}

function documentRow([name, setting]: [string, Setting<unknown>]): string {
  const flag = `--${name} ${setting.kind.placeholder}`.trimEnd().replaceAll("|", "\\|");
  return `| \`${flag}\` | ${documentDefault(setting)} | ${setting.kind.bounds ?? ""} | ${setting.help} |`;
}

function documentDefault({ preset, isRequired }: Setting<unknown>): string {
  if (isRequired) return "required";
  return preset === undefined ? "" : `\`${preset}\``;
}
