// `npm run check` runs all static checks, `npm run check -- lint format` the named ones.

import { checkNames, runChecks } from "./checks.ts";
import { runCommand, WrongUse, type Command } from "./command-line.ts";

const command: Command = {
  call: "npm run check --",
  what: "Runs the static checks that npm test begins with.",
  flags: [],
  words: { name: "CHECK...", what: `only these of ${checkNames.join(", ")}` },
};

await runCommand(command, ({ words }) => {
  const unknown = words.filter((word) => !checkNames.includes(word));
  if (unknown.length > 0) {
    throw new WrongUse(`there is no check called ${unknown.join(", ")}: choose from ${checkNames.join(", ")}`);
  }
  return runChecks(words);
});
