// docs/cli.md: every command in it is run, in order, by a shell, against a cluster of processes, and has to say what stands below it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { CliRig } from "./rig.ts";

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

export function describePage(rig: () => CliRig): void {
  test("what docs/cli.md shows is what happens", async () => {
    const { nodes, trefoil } = rig();
    const port = nodes.port("http", 1);
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
        assert.equal(ran.code, Number(code), `${line}: ${ran.errors}`);
        if (code !== "0") assert.equal(ran.out, "", line);
      }
    }
  });
}
