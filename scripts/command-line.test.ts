import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { helpOf, parseCommandLine, usageExitCode, WrongUse, type Command } from "./command-line.ts";
import { outputFolder, root } from "./root.ts";

const command: Command = {
  call: "npm run shout --",
  what: "Shouts.",
  flags: [
    { name: "times", value: "N", fallback: "3", what: "how often" },
    { name: "loud", what: "louder" },
  ],
};
const withWords: Command = { ...command, words: { name: "WORD...", what: "what to shout" } };

describe("command line", () => {
  it("takes flags, defaults and words", () => {
    const given = parseCommandLine(withWords, ["hey", "--loud"]);
    assert.deepEqual(given?.words, ["hey"]);
    assert.ok(given?.has("loud"));
    assert.equal(given?.wholeNumber("times"), 3);
    assert.equal(parseCommandLine(command, ["--times", "7"])?.wholeNumber("times"), 7);
    assert.equal(parseCommandLine(command, [])?.has("loud"), false);
  });

  it("help names every flag, its default, and the words", () => {
    assert.equal(parseCommandLine(command, ["--help"]), undefined);
    assert.match(helpOf(withWords), /--times N +how often \(default: 3\)\n +--loud +louder\n/);
    assert.match(helpOf(withWords), /^usage: npm run shout -- \[--times N\] \[--loud\] \[WORD\.\.\.\]\n\nShouts\.\n/);
  });

  it("tells what it does not take in one line", () => {
    for (const parameters of [["--quiet"], ["word"], ["--times"], ["--loud=yes"]]) {
      assert.throws(
        () => parseCommandLine(command, parameters),
        (failure) => failure instanceof WrongUse && failure.message.length > 10 && !failure.message.includes("\n"),
      );
    }
    const given = parseCommandLine(command, ["--times", "many"]);
    assert.throws(() => given?.wholeNumber("times"), { message: /--times is "many", and has to be a whole number/ });
    assert.throws(() => given?.wholeNumber("times", 1), WrongUse);
  });

  for (const name of ["crash/main", "mutants/main", "bench/engine.bench"]) {
    it(`test/${name} has a help, and refuses a flag that it does not know without a stack`, () => {
      const module = path.join(outputFolder, "test", `${name}.js`);
      const run = (flag: string) => spawnSync(process.execPath, [module, flag], { cwd: root, encoding: "utf8" });
      const help = run("--help");
      assert.equal(help.status, 0);
      assert.match(help.stdout, /^usage: npm run \S+ -- /);
      const refused = run("--such-a-flag");
      assert.equal(refused.status, usageExitCode);
      assert.match(refused.stderr, /^Unknown option '--such-a-flag' \(npm run .* --help tells more\)\n$/);
    });
  }
});
