import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { outputFolder } from "./root.ts";
import { listTestFiles, shareProcesses, sourceName } from "./test-files.ts";

const compiled = (name: string): string => path.join(outputFolder, ...name.split("/"));

describe("the list of test files", () => {
  it("holds every compiled test, this one among them", () => {
    const names = listTestFiles([]).map(sourceName);
    assert.ok(names.includes("scripts/test-files.test.ts"));
    assert.ok(names.every((name) => name.endsWith(".test.ts")));
    assert.deepEqual(names, names.toSorted());
  });

  it("is narrowed by parts of the path, any of which may match", () => {
    const names = listTestFiles(["./scripts/test-files", "rules/floors"]).map(sourceName);
    assert.deepEqual(names, ["scripts/rules/floors.test.ts", "scripts/test-files.test.ts"]);
    assert.deepEqual(listTestFiles(["no such file"]), []);
  });
});

describe("test files that share a process", () => {
  const folder = path.join(outputFolder, ".sample");
  const pure = ["internal/base/a.test.js", "internal/raft/log/b.test.js"].map(compiled);

  it("stand behind a file that imports each of their folder, and no other's", () => {
    const engine = ["internal/engine/c.test.js", "internal/engine/table/d.test.js"].map(compiled);
    const others = ["cmd/trefoil/e.test.js", "test/base/f.test.js"].map(compiled);
    const [first, second, ...rest] = shareProcesses([...others, ...pure, ...engine], folder);
    assert.deepEqual(rest, others);
    assert.deepEqual(readFileSync(first ?? "", "utf8").match(/".*"/g), [
      '"../internal/base/a.test.js"',
      '"../internal/raft/log/b.test.js"',
    ]);
    assert.equal(readFileSync(second ?? "", "utf8").match(/internal\/engine/g)?.length, 2);
    rmSync(folder, { recursive: true });
  });

  it("need no shared file where there is only one of them", () => {
    const files = ["internal/base/a.test.js", "internal/engine/c.test.js", "test/base/f.test.js"].map(compiled);
    assert.deepEqual(shareProcesses(files, folder), files);
  });
});
