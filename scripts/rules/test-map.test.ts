import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeFinding } from "./finding.ts";
import { checkTestMap, type RanTest } from "./test-map.ts";

const ran: readonly RanTest[] = [
  { file: "a.test.ts", name: "log › cuts the tail", outcome: "pass" },
  { file: "a.test.ts", name: "log › keeps a|b apart", outcome: "pass" },
  { file: "b.test.ts", name: "fails", outcome: "fail" },
];

function check(rows: string): { findings: string[]; sentences: number; open: readonly string[] } {
  const text = `# Testing\n\n| sentence | test |\n| --- | --- |\n${rows}\n\nThe end. | a | b |\n`;
  const verdict = checkTestMap({ path: "docs/testing.md", text }, ran);
  return { ...verdict, findings: verdict.findings.map(describeFinding) };
}

describe("the map from failures to tests", () => {
  it("takes tests that ran, by their whole name or its last parts", () => {
    const rows = [
      "| Torn tail. | a.test.ts › log › cuts the tail |",
      "| Torn tail again. | `a.test.ts › cuts the tail` |",
      "| Both. | a.test.ts › cuts the tail <br> a.test.ts › keeps a|b apart |",
    ];
    assert.deepEqual(check(rows.join("\n")), { findings: [], sentences: 3, open: [] });
  });

  it("reports a test that did not run, with the line of the map", () => {
    assert.deepEqual(check("| Torn tail. | a.test.ts › cuts the head |").findings, [
      'docs/testing.md:5: a.test.ts ran without a test called "cuts the head"',
    ]);
    assert.deepEqual(check("| Torn tail. | c.test.ts › cuts the tail |").findings, [
      "docs/testing.md:5: no test of c.test.ts ran",
    ]);
    assert.equal(check("| Torn tail. | a.test.ts › tail |").findings.length, 1);
    assert.equal(check("| Both. | a.test.ts › cuts the tail <br> a.test.ts › gone |").findings.length, 1);
  });

  it("reports a test that failed", () => {
    assert.match(check("| Sentence. | b.test.ts › fails |").findings[0] as string, /did not pass/);
  });

  it("reports rows that name nothing", () => {
    assert.match(check("| Torn tail. | |").findings[0] as string, /names no test/);
    assert.match(check("| Torn tail. | later |").findings[0] as string, /names no test/);
    assert.match(check("| | a.test.ts › cuts the tail |").findings[0] as string, /no sentence/);
  });

  it("counts what is open", () => {
    assert.deepEqual(check("| Torn tail. | open |").open, ["Torn tail."]);
  });

  it("reports a map without rows", () => {
    const verdict = checkTestMap({ path: "docs/testing.md", text: "# Testing\n" }, ran);
    assert.equal(verdict.findings.length, 1);
  });
});
