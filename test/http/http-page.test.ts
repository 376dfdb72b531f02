// docs/http.md: every curl line in it is asked, in order, and has to be answered as the comment below it says.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { askedBy, curlExamples } from "../support/curl-lines.ts";
import { HttpRig } from "./rig.ts";

const page = readFileSync(new URL("../../../docs/http.md", import.meta.url), "utf8");

test("what the page shows is what happens", async () => {
  const shown = curlExamples(page);
  assert.equal(shown.length, page.match(/^curl /gm)?.length, "a curl line without its answer");
  assert.ok(shown.length > 10);
  const rig = await HttpRig.open();
  rig.coordinator.wallMilliseconds = Date.parse("2027-01-15T08:00:00Z");
  try {
    for (const { line, status, said } of shown) {
      const { method, port, target, ...asking } = askedBy(line);
      assert.equal(port, 8080, line);
      const told = await rig.ask(method, target, asking);
      assert.equal(told.status, status, `${line}: ${told.text}`);
      const isProblem = status >= 400 && !said.startsWith("{");
      const answered = isProblem ? (JSON.parse(told.text) as { code: string }).code : told.text.trim();
      const isNumbered = /"requestId":"n1-d-\w+"/;
      assert.equal(answered.replace(isNumbered, ""), said.replace(isNumbered, ""), line);
    }
  } finally {
    await rig.close();
  }
});
