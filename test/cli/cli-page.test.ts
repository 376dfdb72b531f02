// docs/cli.md: every command in it is run, in order, by a shell, against a cluster of processes, and has to say what stands below it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { NodeProcesses } from "../daemon/node-processes.ts";
import { Trefoil } from "./run-trefoil.ts";

const page = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8");

interface Example {
  readonly line: string;
  readonly said: readonly string[];
}

function examples(): readonly Example[] {
  const blocks = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].map((match) => match[1] as string);
  return blocks.flatMap((block) =>
    [...block.matchAll(/^([^#\n].*)\n((?:# .*\n)+)/gm)].map(([, line, said]) => {
      return {
        line: line as string,
        said: (said as string)
          .trimEnd()
          .split("\n")
          .map((each) => each.slice(2)),
      };
    }),
  );
}

/** Without what is another one each time: versions, times, who served it, how wide columns are. */
function lasting(text: string): string {
  return text
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "<time>")
    .replaceAll(/\b\d+\.\d+(\.\d+)?\b/g, "<version>")
    .replaceAll(/\bn[123]\b/g, "<node>")
    .replaceAll(/\b(leader|follower)\b/g, "<role>")
    .replaceAll(/(?<=\b(?:acks|group)\W+)\d/g, "<number>")
    .replaceAll(/(?<=\bstaleness ms\s+)(?:\d+|-)/g, "<number>")
    .replaceAll(/ +/g, " ")
    .trimEnd();
}

let nodes: NodeProcesses;

before(async () => {
  nodes = await NodeProcesses.make();
  for (const number of [1, 2, 3]) nodes.start(number, "--groups=4");
  await nodes.whenReady(1, 2, 3);
});

after(() => nodes.remove());

test("what the page shows is what happens", async () => {
  const port = nodes.port("http", 1);
  const trefoil = new Trefoil(`127.0.0.1:${port}`);
  const shown = examples();
  const lines = [...page.matchAll(/^```sh\n([^]*?)^```$/gm)].flatMap((match) =>
    (match[1] as string).match(/^[^#\n]/gm),
  );
  assert.equal(shown.length, lines.length, "a command without what it says");
  assert.ok(shown.length > 15);
  for (const { line, said } of shown) {
    const ran = await trefoil.shell(line.replaceAll("localhost:8080", `localhost:${port}`));
    const code = /^exit code (\d)$/.exec(said[0] ?? "")?.[1];
    if (code === undefined) {
      assert.equal(ran.code, 0, `${line}: ${ran.errors}`);
      assert.deepEqual(ran.out.trimEnd().split("\n").map(lasting), said.map(lasting), line);
    } else {
      assert.deepEqual([ran.code, ran.out], [Number(code), ""], line);
    }
  }
});
