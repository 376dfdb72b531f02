// What the parser says of wrong use, in the form of all other failures, with the help of the command that was meant; and the help of any
// command by its name.

import type { Command } from "commander";

/** REQUIRES: all commands are there. */
export function explainWrongUse(program: Command): void {
  explain(program, program.name(), (name) => nestedNamed(program, name));
}

function explain(command: Command, path: string, elsewhere: (name: string) => string | undefined): void {
  const lists = command.commands.length > 0 ? "lists the commands" : "says what it takes";
  command.configureOutput({
    outputError: (text, write) => {
      const words = text.replace(/^error: /, "").trimEnd();
      const unknown = /^unknown command '([^']+)'$/.exec(words)?.[1];
      const meant = unknown === undefined ? undefined : elsewhere(unknown);
      const guess = meant === undefined ? "" : `\n(Did you mean ${meant}?)`;
      write(`trefoil: ${words}${guess} (${path} --help ${lists})\n`);
    },
  });
  // Else the help of the whole would be taken for an answer.
  command.on("beforeHelp", () => {
    const name = command.commands.length > 0 ? command.args.find((word) => !word.startsWith("-")) : undefined;
    if (name !== undefined) command.error(`error: unknown command '${name}'`);
  });
  for (const each of command.commands) explain(each, `${path} ${each.name()}`, () => undefined);
}

/** A command of a command: "cluster status". */
function nestedNamed(program: Command, name: string): string | undefined {
  const outer = program.commands.find(({ commands }) => commands.some((each) => each.name() === name));
  return outer === undefined ? undefined : `${outer.name()} ${name}`;
}

export function addHelp(program: Command): void {
  program.helpCommand(false);
  program
    .command("help")
    .description("show the help of a command")
    .argument("[command...]")
    .action(async (names: readonly string[]) => {
      let at = program;
      for (const name of names) {
        const next = at.commands.find((each) => each.name() === name);
        if (next === undefined) at.error(`error: unknown command '${name}'`);
        else at = next;
      }
      await program.parseAsync([...names, "--help"], { from: "user" });
    });
}
