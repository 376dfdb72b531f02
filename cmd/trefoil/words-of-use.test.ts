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
      [["bogus", "--help"], "trefoil: unknown command 'bogus' (trefoil --help lists the commands)\n"],
      [["-h", "bogus"], "trefoil: unknown command 'bogus' (trefoil --help lists the commands)\n"],
      [["cluster", "bogus", "-h"], "trefoil: unknown command 'bogus' (trefoil cluster --help lists the commands)\n"],
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
    assert.match(trefoil("cluster", "status", "--help").out, /^Usage: trefoil cluster status /);
    assert.match(trefoil("--help").out, /^Usage: trefoil \[options\] \[command\]/);
    assert.match(trefoil("get", "--help").out, /^Usage: trefoil get /);
    assert.match(trefoil("help").out, /^Usage: trefoil \[options\] \[command\]/);
  });

  it("says of an idempotency key that it belongs to one write", () => {
    for (const name of ["put", "del"]) {
      const words = trefoil(name, "--help").out.replaceAll(/\s+/g, " ");
      assert.match(words, /--idempotency-key <text> .* belongs to this one write: .* the first one's answer /);
    }
  });

  it("tells its version, whichever command is asked", () => {
    const { out } = trefoil("--version");
    assert.match(out, /^\d+\.\d+\.\d+\n$/);
    for (const words of [
      ["dev", "--version"],
      ["gateway", "-V"],
      ["dev", "--nodes", "5", "--version"],
    ]) {
      assert.deepEqual(trefoil(...words), { code: 0, out, errors: "" }, words.join(" "));
    }
  });

  it("starts nothing where npm has kept the flags, and where the folder is somebody else's", () => {
    const environment = { ...process.env, npm_lifecycle_event: "start", npm_config_nodes: "5" };
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, "dev"], {
      encoding: "utf8",
      env: environment,
    });
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, /^trefoil dev: npm kept --nodes .* write npm start -- --nodes 5\n$/);
    const misspelt = trefoil("dev", "--nodse", "4");
    const words = 'trefoil dev: "--nodse": there is no such setting; the nearest is --nodes\n';
    assert.deepEqual(misspelt, { code: 2, out: "", errors: words });
    const elsewhere = trefoil("dev", "--data", fileURLToPath(new URL(".", import.meta.url)));
    assert.deepEqual([elsewhere.code, elsewhere.out], [2, ""]);
    assert.match(
      elsewhere.errors,
      /^trefoil dev: --data \S+ holds .* and no cluster; name a new folder, or an empty one\n$/,
    );
  });
});
