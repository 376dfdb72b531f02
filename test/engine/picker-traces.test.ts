// What the picker says to trees that are written down: see picker-commands.ts for the language.

import { readdirSync } from "node:fs";
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkTextTrace, sourceFile } from "../support/text-trace.ts";
import { PickerCommands } from "./picker-commands.ts";

const files = {
  "level-zero.txt": "merges level 0 whole, past empty levels",
  "sizes.txt": "keeps levels at their targets with little dragged along",
  "garbage.txt": "collects garbage behind the horizon, and only there",
  "drops.txt": "drops whole tables that hide nothing, and those of dead groups",
  "ranges.txt": "takes a range down when asked to",
};

describe("the picker", () => {
  for (const [name, what] of Object.entries(files)) {
    it(what, async () => {
      const commands = new PickerCommands();
      const file = sourceFile(import.meta.url, `testdata/picker/${name}`);
      await checkTextTrace(file, async (words, body) => commands.run(words, body));
    });
  }

  it("has no trace that nobody runs", () => {
    assert.deepEqual(readdirSync("test/engine/testdata/picker").toSorted(), Object.keys(files).toSorted());
  });
});
