import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";

const example = fileURLToPath(new URL("./example.js", import.meta.url));

describe("the example in the README", () => {
  it("does what it says, and the same when it is run again", () => {
    const folder = mkdtempSync(join(tmpdir(), "trefoil-example-"));
    try {
      for (let run = 0; run < 2; run++) {
        const printed = execFileSync(process.execPath, [example, join(folder, "data")], { encoding: "utf8" });
        assert.equal(printed, "user:1 is Ada\nuser:1 = Ada\nuser:2 = Grace\n");
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("says in a line what is wrong with its folder, and takes none that it was not given", () => {
    const folder = mkdtempSync(join(tmpdir(), "trefoil-example-"));
    const run = (...words: readonly string[]) =>
      spawnSync(process.execPath, [example, ...words], { cwd: folder, encoding: "utf8" });
    try {
      const none = run();
      assert.equal(none.status, 2);
      assert.match(none.stderr, /^node \S+ FOLDER: name a folder .*\n$/);
      assert.deepEqual(readdirSync(folder), []);
      writeFileSync(join(folder, "letter"), "");
      const strange = run(".");
      assert.equal(strange.status, 1);
      assert.match(strange.stderr, /^\S+ is not a store of Trefoil: it holds letter .*\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
