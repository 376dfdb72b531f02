import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { describe, it } from "node:test";
import { outputFolder } from "./root.ts";
import { bundlePureFloors, listTestFiles, sourceName } from "./test-files.ts";

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

describe("the pure floors", () => {
  const bundle = path.join(outputFolder, ".sample", "pure-floors.mjs");

  it("share one file that imports each of their tests, and no other's", () => {
    const pure = ["internal/base/a.test.js", "internal/raft/log/b.test.js"].map(compiled);
    const others = ["internal/engine/c.test.js", "test/base/d.test.js"].map(compiled);
    assert.deepEqual(bundlePureFloors([...pure, ...others], bundle), [bundle, ...others]);
    assert.deepEqual(readFileSync(bundle, "utf8").match(/".*"/g), [
      '"../internal/base/a.test.js"',
      '"../internal/raft/log/b.test.js"',
    ]);
    rmSync(path.dirname(bundle), { recursive: true });
  });

  it("need no shared file when there is one test file of theirs, or none", () => {
    const files = ["internal/base/a.test.js", "internal/engine/c.test.js"].map(compiled);
    assert.deepEqual(bundlePureFloors(files, bundle), files);
  });
});
