import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
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
});
