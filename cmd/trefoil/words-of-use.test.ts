// What the built command line says of words that it does not know.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("./main.js", import.meta.url));

function trefoil(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], { encoding: "utf8" });
  return { code: status, out: stdout, errors: stderr };
}

describe("wrong use of trefoil", () => {
  it("is told as every failure is, with the help of the command that was meant", () => {
    const cases: readonly (readonly [words: readonly string[], errors: string])[] = [
      [["putt"], "trefoil: unknown command 'putt'\n(Did you mean put?) (trefoil --help lists the commands)\n"],
      [
        ["status"],
        "trefoil: unknown command 'status'\n(Did you mean cluster status?) (trefoil --help lists the commands)\n",
      ],
      [["get"], "trefoil: missing required argument 'key' (trefoil get --help says what it takes)\n"],
      [
        ["inspect", "tabel"],
        "trefoil: unknown command 'tabel'\n(Did you mean table?) (trefoil inspect --help lists the commands)\n",
      ],
      [["help", "nope"], "trefoil: unknown command 'nope' (trefoil --help lists the commands)\n"],
    ];
    for (const [words, errors] of cases) assert.deepEqual(trefoil(...words), { code: 2, out: "", errors });
  });

  it("has help for each command by its name", () => {
    for (const words of [["put"], ["inspect", "log"], ["cluster", "status"]]) {
      const { code, out } = trefoil("help", ...words);
      assert.equal(code, 0);
      assert.match(out, new RegExp(`^Usage: trefoil ${words.join(" ")} `));
    }
    assert.match(trefoil("help", "dev").out, /^trefoil dev: a cluster on this machine/);
    assert.match(trefoil("help").out, /^Usage: trefoil \[options\] \[command\]/);
  });
});
