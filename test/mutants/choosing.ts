// What all commands that plant bugs have in common: which bugs, which seed, and what is said in the end.

import { WrongUse, type Given } from "../../scripts/command-line.ts";

interface Named {
  readonly name: string;
}

/** Those with the word of `--only` in their names. */
export function chosenBy<Of extends Named>(given: Given, mutants: readonly Of[]): readonly Of[] {
  const word = given.text("only") ?? "";
  const chosen = mutants.filter(({ name }) => name.includes(word));
  if (chosen.length === 0) throw new WrongUse(`no planted bug has "${word}" in its name`);
  return chosen;
}

/** That of `--seed`, or another one each time. */
export function seedOf(given: Given): number {
  return given.has("seed") ? given.wholeNumber("seed", 1) : 1 + (Date.now() % 1_000_000);
}

/** Says how many were found, and which were not. True: all were. */
export function tellFound(chosen: readonly Named[], missed: readonly Named[]): boolean {
  console.log(`mutants ${chosen.length}, found ${chosen.length - missed.length}, missed ${missed.length}`);
  for (const { name } of missed) console.error(`not found: ${name}`);
  return missed.length === 0;
}
