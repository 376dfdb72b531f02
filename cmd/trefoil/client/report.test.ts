import assert from "node:assert/strict";
import { test } from "node:test";
import { printReport, RowPrinter, screenOf } from "./report.ts";

async function printed(isTTY: boolean, environment: Readonly<Record<string, string>>): Promise<string> {
  let text = "";
  const out = { isTTY, write: (part: string) => (text += part) !== "" } as unknown as NodeJS.WriteStream;
  await printReport(screenOf(out, environment), "table", {
    parts: [{ kind: "facts", facts: [["name", 1]] }],
    json: "1",
  });
  return text;
}

test("colours are for terminals whose owner has not refused them", async () => {
  assert.equal(await printed(true, {}), "\u001b[1mname\u001b[0m  1\n");
  assert.equal(await printed(true, { NO_COLOR: "" }), "\u001b[1mname\u001b[0m  1\n");
  assert.equal(await printed(true, { NO_COLOR: "1" }), "name  1\n");
  assert.equal(await printed(true, { TERM: "dumb" }), "name  1\n");
  assert.equal(await printed(false, {}), "name  1\n");
});

test("a column stays under its heading where a later piece of the table needs the width that it was given", () => {
  const screen = { write: () => Promise.resolve(), hasColours: false };
  const rows = new RowPrinter(screen, ["key", "expires", "value"], [0, 10]);
  assert.equal(rows.rows([["a", null, "x"]]), "key  expires     value\na    -           x\n");
  assert.equal(rows.rows([["b", "2027-01-15", "y"]]), "b    2027-01-15  y\n");
});
