// What was said, and where: flags, environment and file become texts by name, unread. Names that no schema has are told here.
//
//   arguments ──▶ flags ───────┐
//   environment ─▶ variables ──┼──▶ the strongest text of each setting, with its origin (read-settings.ts)
//   --config ────▶ members ────┘

import { parseArgs } from "node:util";
import { nearestOf } from "../base/nearest.ts";
import { shown } from "./kinds.ts";
import { clientVariables, schemas } from "./schema.ts";
import { variableOf, variablePrefix } from "./setting.ts";
import type { Schema } from "./setting.ts";

export type Origin = "flag" | "environment" | "file" | "default";

export interface Given {
  readonly text: string;
  readonly origin: Origin;
  /** As people would look for it: `--http`, `TREFOIL_HTTP`, `"http" in trefoil.json`. */
  readonly place: string;
}

export interface Source {
  readonly given: ReadonlyMap<string, Given>;
  readonly violations: readonly string[];
}

export type ReadFile = (path: string) => string;

export interface SettingsFile extends Source {
  /** What it says is known, be it wrong. */
  readonly isRead: boolean;
}

/** How a file is read, and what is wrong with one that is no JSON. */
export interface FileReader {
  readonly readFile: ReadFile;
  /** In words, with the place. */
  readonly mistakeIn: (text: string) => string;
}

/** A flag that stands twice counts where it stands last. `--switch`, `--no-switch`, `--switch=false`. */
export function readFlags(schema: Schema, commandArguments: readonly string[]): Source {
  const given = new Map<string, Given>();
  const violations: string[] = [];
  const options = Object.fromEntries(
    Object.entries(schema).map(([flag, { kind }]) => [flag, { type: isSwitch(kind) ? "boolean" : "string" } as const]),
  );
  const { tokens } = parseArgs({
    args: [...commandArguments],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  // What stands behind a flag that is told already was meant as its value.
  let isMeant = false;
  for (const token of tokens) {
    const hasFlag = isMeant;
    isMeant = token.kind === "option" && token.value === undefined && ownSetting(schema, token.name) === undefined;
    if (token.kind === "positional") {
      if (hasFlag) continue;
      violations.push(`${shown(token.value)}: settings are given as --<name> <value>, and nothing stands alone`);
    } else if (token.kind === "option") {
      const found = readFlag(schema, token);
      if (typeof found === "string") violations.push(found);
      else given.set(found.flag, { text: found.text, origin: "flag", place: token.rawName });
    }
  }
  return { given, violations };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function readFlag(schema: Schema, token: OptionToken): { readonly flag: string; readonly text: string } | string {
  const { name, rawName, value, inlineValue } = token;
  const setting = ownSetting(schema, name);
  if (setting === undefined) {
    const denied = name.startsWith("no-") ? name.slice("no-".length) : "";
    const switched = ownSetting(schema, denied);
    if (switched !== undefined && isSwitch(switched.kind) && value === undefined)
      return { flag: denied, text: "false" };
    return unknownName(shown(rawName), `--${nearestOf(name, Object.keys(schema)) ?? ""}`);
  }
  if (setting.isSecret) {
    return `${rawName} is secret and would be seen by whoever lists processes; write it to a file and name that in ${variableOf(name)}_FILE`;
  }
  if (isSwitch(setting.kind)) return { flag: name, text: value ?? "true" };
  if (value === undefined) return `${rawName} lacks its value: ${rawName} ${setting.kind.placeholder}`;
  if (inlineValue === false && value.startsWith("--")) {
    return `${rawName} lacks its value, ${shown(value)} follows; a value that begins with dashes is written ${rawName}=<value>`;
  }
  return { flag: name, text: value };
}

export function readEnvironment(
  schema: Schema,
  environment: Readonly<Record<string, string | undefined>>,
  readFile: ReadFile,
): Source {
  const given = new Map<string, Given>();
  const violations: string[] = [];
  const flags = new Map(Object.keys(schema).map((flag) => [variableOf(flag), flag]));
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(variablePrefix) || text === undefined) continue;
    const flag = flags.get(variable);
    const secret = variable.endsWith(fileEnding) ? flags.get(variable.slice(0, -fileEnding.length)) : undefined;
    if (flag !== undefined && schema[flag]?.isSecret !== true) {
      given.set(flag, { text, origin: "environment", place: variable });
    } else if (flag !== undefined) {
      violations.push(`${variable} is secret; write it to a file and name that in ${variable}${fileEnding}`);
    } else if (secret !== undefined && schema[secret]?.isSecret === true) {
      const content = contentOf(text, readFile);
      if ("fault" in content) violations.push(`${variable}: ${content.fault}`);
      else given.set(secret, { text: content.text.trimEnd(), origin: "environment", place: variable });
    } else if (!isElsewhere(variable, text)) {
      violations.push(unknownName(variable, nearestOf(variable, [...flags.keys()]) ?? ""));
    }
  }
  return { given, violations };
}

const fileEnding = "_FILE";

/** Kubernetes tells every container of the services beside it, one called trefoil or trefoil-… under our prefix. */
const serviceLink = /(?:_SERVICE_(?:HOST|PORT(?:_\w+)?)|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/;
const servicePort = /_PORT$/;
/** What it says there; `TREFOIL_HTTP_PORT=9999` is somebody's mistake. */
const serviceAddress = /^(?:tcp|udp|sctp):\/\//;

function isElsewhere(variable: string, text: string): boolean {
  if (serviceLink.test(variable) || clientVariables.includes(variable)) return true;
  if (servicePort.test(variable) && serviceAddress.test(text)) return true;
  return Object.values(schemas).some((schema) => Object.keys(schema).some((flag) => variableOf(flag) === variable));
}

const fileCharactersMax = 1024 * 1024;

/** `path` is what `--config` says. */
export function readSettingsFile(schema: Schema, path: string, { readFile, mistakeIn }: FileReader): SettingsFile {
  const given = new Map<string, Given>();
  const violations: string[] = [];
  const content = contentOf(path, readFile);
  if ("fault" in content) return { given, violations: [`--config: ${content.fault}`], isRead: false };
  const members = parseObject(content.text, mistakeIn);
  if (typeof members === "string") {
    return { given, violations: [`--config: ${shown(path)} ${members}`], isRead: false };
  }
  for (const [member, value] of Object.entries(members)) {
    const place = `${shown(member)} in ${path}`;
    const setting = ownSetting(schema, member);
    const text = textOf(value);
    if (setting === undefined) {
      violations.push(unknownName(place, shown(nearestOf(member, Object.keys(schema)) ?? "")));
    } else if (member === "config") {
      violations.push(`${place}: a file does not name another one; leave it out`);
    } else if (setting.isSecret) {
      violations.push(
        `${place} is secret; write it to a file of its own and name that in ${variableOf(member)}${fileEnding}`,
      );
    } else if (text === undefined) {
      violations.push(`${place}: write text, a number, true, false, or a list of texts`);
    } else {
      given.set(member, { text, origin: "file", place });
    }
  }
  return { given, violations, isRead: true };
}

function contentOf(path: string, readFile: ReadFile): { readonly text: string } | { readonly fault: string } {
  try {
    const text = readFile(path);
    return text.length > fileCharactersMax ? { fault: `${shown(path)} is larger than a mebibyte` } : { text };
  } catch (failure) {
    return {
      fault: `${shown(path)} cannot be read: ${failure instanceof Error ? failure.message : "unknown failure"}`,
    };
  }
}

function parseObject(text: string, mistakeIn: FileReader["mistakeIn"]): Readonly<Record<string, unknown>> | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return `is no JSON: ${mistakeIn(text)}`;
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  return 'holds no JSON object; write { "http": "127.0.0.1:8080" } and the like';
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.join(",");
  return undefined;
}

/** Not what an object inherits: `constructor` is no setting. */
function ownSetting(schema: Schema, name: string): Schema[string] | undefined {
  return Object.hasOwn(schema, name) ? schema[name] : undefined;
}

const isSwitch = ({ placeholder }: { readonly placeholder: string }): boolean => placeholder === "";

function unknownName(place: string, nearest: string): string {
  return `${place}: there is no such setting; the nearest is ${nearest}`;
}
