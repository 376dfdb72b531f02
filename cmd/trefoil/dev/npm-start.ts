// `npm start --nodes 5`, where `npm start -- --nodes 5` is meant: npm takes what stands before `--` for settings of its own, hands on what is no
// flag, and says at most a warning. What it took is in the environment of the script:
//
//   --nodes=5      npm_config_nodes=5
//   --nodes 5      npm_config_nodes=true, and 5 as an argument
//   --no-restart   npm_config_restart=
//
// npm has no setting under any of our names. Of those it takes for short forms of its own (--http: https-proxy) nothing is left here but
// the argument behind them.

import { shown } from "../../../internal/config/kinds.ts";
import type { Schema } from "../../../internal/config/setting.ts";

export interface NpmStart {
  readonly commandArguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** In words, with the line that was meant; undefined: nothing was lost on the way, or nobody said `npm start`. */
export function lostToNpm(schema: Schema, { commandArguments, environment }: NpmStart): string | undefined {
  if (environment["npm_lifecycle_event"] !== "start") return undefined;
  const taken = Object.keys(schema).filter((flag) => environment[npmVariable(flag)] !== undefined);
  const loose = commandArguments.filter((argument) => !argument.startsWith("-"));
  if (taken.length === 0) {
    if (loose.length === 0 || loose.length < commandArguments.length) return undefined;
    return `${loose.map(shown).join(", ")}: npm keeps flags that stand before -- to itself; write npm start -- --<name> <value>`;
  }
  const meant = taken.map((flag) => {
    const text = environment[npmVariable(flag)] ?? "";
    const { placeholder } = (schema[flag] as Schema[string]).kind;
    if (placeholder === "") return text === "true" ? `--${flag}` : `--no-${flag}`;
    if (text !== "" && text !== "true") return `--${flag} ${inShell(text)}`;
    // Which of several belongs to which flag nobody knows any more.
    return `--${flag} ${taken.length === 1 && loose.length === 1 ? inShell(loose[0] as string) : `<${placeholder}>`}`;
  });
  const handedOn = loose.length < commandArguments.length ? commandArguments.map(inShell) : [];
  const flags = taken.map((flag) => `--${flag}`).join(", ");
  return `npm kept ${flags} to itself, as it does with all that stands before --; write npm start -- ${[...meant, ...handedOn].join(" ")}`;
}

const npmVariable = (flag: string): string => `npm_config_${flag.replaceAll("-", "_")}`;

const inShell = (text: string): string => (/^[\w./:=,@%+-]+$/.test(text) ? text : shown(text));
