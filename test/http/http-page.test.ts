// docs/http.md: every curl line in it is asked, in order, and has to be answered as the comment below it says.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { HttpRig } from "./rig.ts";

interface Example {
  readonly line: string;
  readonly status: number;
  /** A body, an error code, or nothing. */
  readonly said: string;
}

const page = readFileSync(new URL("../../../docs/http.md", import.meta.url), "utf8");

function examples(): readonly Example[] {
  const blocks = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map((match) => match[1] as string);
  return blocks.flatMap((block) =>
    [...block.matchAll(/^(curl .*)\n# (\d{3})(?: (.*))?$/gm)].map(([, line, status, said]) => {
      return { line: line as string, status: Number(status), said: said ?? "" };
    }),
  );
}

/** As much of a shell and of curl as the page uses. */
function askedBy(line: string): { method: string; target: string; headers: Record<string, string>; body?: string } {
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? (match[2] as string)).slice(1);
  const asked: ReturnType<typeof askedBy> = { method: "GET", target: "", headers: {} };
  while (words.length > 0) {
    const word = words.shift() as string;
    if (word === "-X") asked.method = words.shift() as string;
    else if (word === "-d") asked.body = words.shift() as string;
    else if (word === "-H") {
      const [name, value] = (words.shift() as string).split(": ", 2) as [string, string];
      asked.headers[name] = value;
    } else {
      assert.ok(word.startsWith("localhost:8080/"), `${line}: ${word} is not known here`);
      asked.target = word.slice("localhost:8080".length);
    }
  }
  if (asked.body !== undefined) asked.headers["Content-Type"] ??= "application/x-www-form-urlencoded";
  return asked;
}

test("what the page shows is what happens", async () => {
  const shown = examples();
  assert.equal(shown.length, page.match(/^curl /gm)?.length, "a curl line without its answer");
  assert.ok(shown.length > 10);
  const rig = await HttpRig.open();
  rig.coordinator.wallMilliseconds = Date.parse("2027-01-15T08:00:00Z");
  try {
    for (const { line, status, said } of shown) {
      const { method, target, ...asking } = askedBy(line);
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
