// Text traces: a file of commands, each with the trace that it must leave. A test runs the commands and
// compares; `TREFOIL_REWRITE=1 npm test -- <name>` writes what came out into the file instead, and the
// difference is committed only when one understands it.
//
//   # a remark
//   append 1 two
//   ----
//   write 00000001.log 120 @568
//   (empty line)
//
// A command may have more lines, up to the one of dashes: its body.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";

interface Block {
  /** Remarks and empty lines before the command. */
  readonly before: readonly string[];
  readonly command: string;
  readonly body: readonly string[];
  readonly expected: readonly string[];
}

const separator = "----";

/** Runs every command of the file at `file`, as a URL in the sources, and holds its trace against the file. */
export async function checkTextTrace(
  file: URL,
  run: (words: readonly string[], body: readonly string[]) => Promise<readonly string[]>,
): Promise<void> {
  const blocks = parse(readFileSync(file, "utf8"));
  assert.ok(blocks.length > 0, `${file.pathname} has no commands`);
  const actual: Block[] = [];
  for (const block of blocks) {
    const lines = await run(block.command.split(/\s+/), block.body);
    actual.push({ ...block, expected: lines.length === 0 ? ["(nothing)"] : lines });
  }
  const text = format(actual);
  if (process.env["TREFOIL_REWRITE"] === "1") writeFileSync(file, text);
  else assert.equal(text, format(blocks), `the trace differs from ${file.pathname}`);
}

/** A file beside a test's source, given the URL of the compiled test. */
export function sourceFile(compiledTest: string, name: string): URL {
  return new URL(compiledTest.replace("/dist/", "/").replace(/[^/]*$/, name));
}

function parse(text: string): Block[] {
  const blocks: Block[] = [];
  let before: string[] = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length;) {
    const line = lines[at++] as string;
    if (line === "" || line.startsWith("#")) {
      before.push(line);
      continue;
    }
    const body: string[] = [];
    for (; lines[at] !== separator; at++) {
      assert.ok((lines[at] ?? "") !== "", `a command without "${separator}" behind it: ${line}`);
      body.push(lines[at] as string);
    }
    at++;
    const expected: string[] = [];
    while (at < lines.length && lines[at] !== "") expected.push(lines[at++] as string);
    blocks.push({ before, command: line, body, expected });
    before = [];
  }
  return blocks;
}

function format(blocks: readonly Block[]): string {
  const parts = blocks.map(({ before, command, body, expected }) =>
    [...before, command, ...body, separator, ...expected].join("\n"),
  );
  return `${parts.join("\n")}\n`;
}
