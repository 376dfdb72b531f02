// What the commands behind `npm run` have in common: `--help` tells what a command does and takes, and what it does not take
// is one line and exit code 2.

import process from "node:process";
import { parseArgs } from "node:util";

export interface Flag {
  readonly name: string;
  /** What stands for its value in the help; absent when it has none. */
  readonly value?: string;
  /** What is taken when it is not given. */
  readonly fallback?: string;
  readonly what: string;
}

export interface Command {
  /** `npm run crash:engine --` */
  readonly call: string;
  readonly what: string;
  readonly flags: readonly Flag[];
  /** What may follow besides flags, if anything. */
  readonly words?: { readonly name: string; readonly what: string };
}

export const usageExitCode = 2;
const wholeNumberMax = 1_000_000_000;

/** Wrong use: said in one line, without a stack. */
export class WrongUse extends Error {
  override readonly name = "WrongUse";
}

/** What a command line says. */
export class Given {
  readonly words: readonly string[];
  private readonly values: ReadonlyMap<string, string | boolean>;

  constructor(values: ReadonlyMap<string, string | boolean>, words: readonly string[]) {
    this.values = values;
    this.words = words;
  }

  has(flag: string): boolean {
    return this.values.has(flag);
  }

  text(flag: string): string | undefined {
    const value = this.values.get(flag);
    return typeof value === "string" ? value : undefined;
  }

  wholeNumber(flag: string, least = 0): number {
    const text = this.text(flag) ?? "";
    const number = Number(text);
    if (/^\d{1,10}$/.test(text) && number >= least && number <= wholeNumberMax) return number;
    throw new WrongUse(`--${flag} is "${text}", and has to be a whole number from ${least}`);
  }
}

/** What the parameters say; undefined when they ask for help. Throws WrongUse. */
export function parseCommandLine(command: Command, parameters: readonly string[]): Given | undefined {
  const options = Object.fromEntries(
    command.flags.map((flag) => [flag.name, { type: flag.value === undefined ? "boolean" : "string" } as const]),
  );
  const given = new Map<string, string | boolean>();
  for (const { name, fallback } of command.flags) if (fallback !== undefined) given.set(name, fallback);
  let words: string[];
  try {
    const parsed = parseArgs({
      args: [...parameters],
      options: { ...options, help: { type: "boolean", short: "h" } },
      allowPositionals: command.words !== undefined,
    });
    if (parsed.values["help"] === true) return undefined;
    for (const [name, value] of Object.entries(parsed.values)) if (value !== undefined) given.set(name, value);
    words = parsed.positionals;
  } catch (failure) {
    throw new WrongUse((failure as Error).message.split(/\. |\n/)[0] ?? "", { cause: failure });
  }
  return new Given(given, words);
}

export function helpOf({ call, what, flags, words }: Command): string {
  const spelled = flags.map((flag) => `--${flag.name}${flag.value === undefined ? "" : ` ${flag.value}`}`);
  const rows = flags.map((flag, at): [string, string] => {
    const fallback = flag.fallback === undefined || flag.fallback === "" ? "" : ` (default: ${flag.fallback})`;
    return [spelled[at] as string, `${flag.what}${fallback}`];
  });
  if (words !== undefined) rows.unshift([words.name, words.what]);
  rows.push(["-h, --help", "this text"]);
  const width = Math.max(...rows.map(([left]) => left.length));
  const usage = [call, ...spelled.map((text) => `[${text}]`), ...(words === undefined ? [] : [`[${words.name}]`])];
  const lines = rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
  return `usage: ${usage.join(" ")}\n\n${what}\n\n${lines.join("\n")}`;
}

/** Runs a command on what the process was given; `run` answers whether all is well. */
export async function runCommand(command: Command, run: (given: Given) => Promise<boolean> | boolean): Promise<void> {
  try {
    const given = parseCommandLine(command, process.argv.slice(2));
    if (given === undefined) console.log(helpOf(command));
    else process.exitCode = (await run(given)) ? 0 : 1;
  } catch (failure) {
    if (!(failure instanceof WrongUse)) throw failure;
    console.error(`${failure.message} (${command.call} --help tells more)`);
    process.exitCode = usageExitCode;
  }
}
