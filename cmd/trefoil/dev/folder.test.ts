// What is taken from the folder of a cluster for development, what is refused, and what is said of it.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readDevSettings } from "../../../internal/config/read-settings.ts";
import { RealDisk } from "../../../internal/os/real-disk.ts";
import type { DevValues } from "../../../internal/config/values.ts";
import { completeWithFolder, lookIntoFolder } from "./folder.ts";
import type { Completed, FolderContent } from "./folder.ts";

function completed(content: FolderContent, ...commandArguments: readonly string[]): Completed {
  const found = readDevSettings({ commandArguments, environment: {}, readFile: () => "", mistakeIn: () => "" });
  assert.equal(found.kind, "settings");
  const { values, given } = found as { readonly values: DevValues; readonly given: ReadonlyMap<string, unknown> };
  return completeWithFolder(values, content, (flag) => given.has(flag));
}

describe("the folder of a cluster for development", () => {
  const five: FolderContent = { nodes: 5, groups: 8, ofNode: undefined, strangers: [] };

  it("decides how many nodes and groups there are when nobody says it, and more nodes than usual are told of", () => {
    const taken = completed(five);
    assert.ok(taken.kind === "values");
    assert.deepEqual([taken.values.nodes, taken.values.groups], [5, 8]);
    assert.deepEqual(taken.notes, ["./data has the data of 5 nodes: all of them are started."]);
    const usual = completed({ ...five, nodes: 3 });
    assert.ok(usual.kind === "values");
    assert.deepEqual([usual.values.nodes, usual.notes], [3, []]);
    const asked = completed(five, "--nodes=7");
    assert.ok(asked.kind === "values");
    assert.deepEqual([asked.values.nodes, asked.notes], [7, []]);
  });

  it("keeps fewer nodes, and another number of groups, from being asked for", () => {
    const refused = completed(five, "--nodes=3", "--groups=4");
    assert.ok(refused.kind === "wrong");
    assert.match(refused.violations.join("\n"), /^--groups 4: .*founded with 8 groups.*\n--nodes 3: .*data of 5 nodes/);
  });

  it("is not begun among the files of somebody else", async () => {
    const folder = mkdtempSync(join(tmpdir(), "trefoil-folder-"));
    try {
      const disk = new RealDisk();
      for (const name of [".hidden", "lost+found", "n1"]) mkdirSync(join(folder, name));
      assert.deepEqual((await lookIntoFolder(disk, folder)).strangers, []);
      for (const name of ["a.md", "b.md", "n1.md"]) writeFileSync(join(folder, name), "");
      mkdirSync(join(folder, "adr"));
      const content = await lookIntoFolder(disk, folder);
      assert.deepEqual(content.strangers.toSorted(), ["a.md", "adr", "b.md", "n1.md"]);
      const refused = completed({ ...content, strangers: ["a.md", "adr", "b.md", "n1.md"] });
      assert.ok(refused.kind === "wrong");
      assert.match(
        refused.violations.join("\n"),
        /^--data \.\/data holds "a\.md", "adr", "b\.md", … and no cluster; name a new/,
      );
      assert.deepEqual((await lookIntoFolder(disk, join(folder, "new"))).strangers, []);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
