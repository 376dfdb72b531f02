// Every text trace in testdata: one situation each, its first line says what it shows.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { checkTextTrace, sourceFile } from "../support/text-trace.ts";
import { TraceCommands } from "./trace-commands.ts";

const folder = sourceFile(import.meta.url, "testdata/");
const names = readdirSync(folder)
  .filter((name) => name.endsWith(".txt"))
  .sort();

describe("raft traces", () => {
  it("are sixty at least", () => {
    assert.ok(names.length >= 60, `${names.length} traces`);
  });
  for (const name of names) {
    const file = new URL(name, folder);
    const title = /^# (.*)/.exec(readFileSync(file, "utf8"))?.[1] ?? "";
    it(`${name}: ${title}`, async () => {
      assert.match(title, /\S.*\.$/, "a trace opens with a sentence");
      const commands = new TraceCommands();
      await checkTextTrace(file, async (words) => commands.run(words));
    });
  }
});
