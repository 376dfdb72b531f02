// What is taken from the folder of a cluster for development, what is refused, and what is said of it.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { nodeId } from "../../../internal/base/ids.ts";
import { encodeMap } from "../../../internal/cluster/cluster-map.ts";
import { NodeFolder } from "../../../internal/cluster/node-folder.ts";
import { sealJson } from "../../../internal/cluster/sealed-json.ts";
import { readDevSettings } from "../../../internal/config/read-settings.ts";
import { RealDisk } from "../../../internal/os/real-disk.ts";
import type { DevValues } from "../../../internal/config/values.ts";
import { mapNode, placedMap } from "../../../test/node/sample-map.ts";
import { completeWithFolder, lookIntoFolder } from "./folder.ts";
import type { Completed, FolderContent } from "./folder.ts";

function completed(content: FolderContent, ...commandArguments: readonly string[]): Completed {
  const found = readDevSettings({ commandArguments, environment: {}, readFile: () => "", mistakeIn: () => "" });
  assert.equal(found.kind, "settings");
  const { values, given } = found as { readonly values: DevValues; readonly given: ReadonlyMap<string, unknown> };
  return completeWithFolder(values, content, (flag) => given.has(flag));
}

describe("the folder of a cluster for development", () => {
  const known = new Set(["n1", "n2", "n3", "n4", "n5"]);
  const five: FolderContent = { nodes: 5, groups: 8, known, ofNode: undefined, strangers: [] };

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
    assert.equal(asked.values.nodes, 7);
  });

  it("says what a node is good for that the cluster does not know yet", () => {
    const notesOf = (content: FolderContent, ...flags: readonly string[]): readonly string[] => {
      const taken = completed(content, ...flags);
      assert.ok(taken.kind === "values");
      return taken.notes;
    };
    const keeps = "no replicas yet, since moving them is not built, and the cluster's map keeps";
    assert.deepEqual(notesOf(five, "--nodes=6"), [`n6 is added: it holds ${keeps} it for good.`]);
    assert.deepEqual(notesOf(five, "--nodes=7"), [`n6, n7 are added: they hold ${keeps} them for good.`]);
    assert.deepEqual(notesOf(five, "--nodes=5"), []);
    // Its folder was emptied: it gets its replicas back.
    assert.deepEqual(notesOf({ ...five, nodes: 4 }, "--nodes=5"), []);
    // Its groups have no places yet: all that there are may get some.
    assert.deepEqual(notesOf({ ...five, known: undefined }, "--nodes=7"), []);
  });

  it("keeps fewer nodes, and another number of groups, from being asked for", () => {
    const refused = completed(five, "--nodes=3", "--groups=4");
    assert.ok(refused.kind === "wrong");
    assert.match(refused.violations.join("\n"), /^--groups 4: .*founded with 8 groups.*\n--nodes 3: .*data of 5 nodes/);
  });

  it("knows its nodes by the maps in it, as soon as groups have their places", async () => {
    const folder = mkdtempSync(join(tmpdir(), "trefoil-folder-"));
    const disk = new RealDisk();
    const knownWith = async (bytes: Uint8Array | string): Promise<readonly string[] | undefined> => {
      writeFileSync(join(folder, "n2", "map"), bytes);
      const { known } = await lookIntoFolder(disk, folder);
      return known === undefined ? undefined : [...known];
    };
    try {
      for (const id of ["n1", "n2"]) {
        const made = await NodeFolder.open(disk, join(folder, id), { node: nodeId(id), newDisk: id, newLife: 1 });
        await made.close();
      }
      const placed = placedMap(["n1", "n2", "n3", "n4"].map((id) => mapNode(id)));
      assert.equal((await lookIntoFolder(disk, folder)).known, undefined);
      assert.equal(await knownWith(sealJson(encodeMap({ ...placed, ring: [] }))), undefined);
      assert.deepEqual(await knownWith(sealJson(encodeMap(placed))), ["n1", "n2", "n3", "n4"]);
      assert.equal(await knownWith("{"), undefined);
    } finally {
      rmSync(folder, { recursive: true });
    }
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
