// What `npm run fuzz:…` commands have in common: how many inputs, from which seed, and a failure when something was never met.

import process from "node:process";
import { runCommand } from "../../scripts/command-line.ts";

export interface FuzzRun {
  /** `npm run fuzz:raft --` */
  readonly call: string;
  readonly what: string;
  /** The flag that counts the inputs, and how many there are without it. */
  readonly count: { readonly flag: string; readonly fallback: string };
  fuzz(seed: number, count: number): FuzzOutcome | Promise<FuzzOutcome>;
}

export interface FuzzOutcome {
  readonly inputs: number;
  /** What was done, line by line. */
  readonly lines: readonly string[];
  /** What should have been met and never was, in words. */
  readonly missing: readonly string[];
}

export async function runFuzz({ call, what, count, fuzz }: FuzzRun): Promise<void> {
  const flags = [
    { name: count.flag, value: "N", fallback: count.fallback, what: "how many" },
    { name: "seed", value: "N", fallback: "1", what: "the seed that they come from" },
  ];
  await runCommand({ call, what, flags }, async (given) => {
    const seed = given.wholeNumber("seed");
    const { inputs, lines, missing } = await fuzz(seed, given.wholeNumber(count.flag, 1));
    process.stdout.write(`inputs ${inputs}, seed ${seed}\n${lines.map((line) => `${line}\n`).join("")}`);
    if (missing.length > 0) process.stdout.write(`never met: ${missing.join(", ")}\n`);
    return missing.length === 0;
  });
}

/** `append 12, vote 3` */
export function countsInWords(counts: object): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}
