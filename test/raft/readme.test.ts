// internal/raft/README.md compares the core with the paper, rule by rule: the places and the traces that it names are there.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { rowsOfPage } from "../support/hex-page.ts";

const rows = rowsOfPage(readFileSync("internal/raft/README.md", "utf8"), "the rule | where");
const traces = readdirSync("test/raft/testdata").map((name) => name.replace(/\.txt$/, ""));
const sources = readdirSync("internal/raft")
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
  .map((name) => `${name}\n${readFileSync(`internal/raft/${name}`, "utf8")}`)
  .join("\n");

describe("internal/raft/README.md", () => {
  it("names places that are in the core", () => {
    assert.ok(rows.length > 10);
    for (const [rule, where = ""] of rows) {
      const named = [...where.matchAll(/`([^`]+)`|\b([a-z-]+\.ts)\b/g)].map(([, code, file]) => code ?? file ?? "");
      assert.ok(named.length > 0, `${rule} names no place`);
      for (const name of named) assert.ok(sources.includes(name.replace(/^[A-Z]\w*\./, "")), `${rule}: ${name}`);
    }
  });

  it("names traces that are there", () => {
    for (const [rule, , shown = ""] of rows) {
      const named = shown.match(/[a-z]+-[a-z0-9-]+/g) ?? [];
      assert.ok(named.length > 0, `${rule} names no trace`);
      for (const name of named)
        assert.ok(
          traces.some((trace) => trace.startsWith(name)),
          `${rule}: ${name}`,
        );
    }
  });
});
