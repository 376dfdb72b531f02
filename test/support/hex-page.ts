// The worked examples of a page on a format: blocks marked `hex` whose lines are an offset, bytes, and what they mean.

import assert from "node:assert/strict";

/** The bytes of the page's one example. */
export function bytesOfHexPage(page: string): Uint8Array {
  const [first, ...others] = examplesOfHexPage(page);
  assert.ok(first !== undefined && others.length === 0, "the page has one example in hex");
  return first;
}

/** The bytes of all of them. Each line has to begin with the offset of its bytes. */
export function examplesOfHexPage(page: string): Uint8Array[] {
  const blocks = [...page.matchAll(/```hex\n([\s\S]*?)```/g)];
  return blocks.map(([, block = ""]) => {
    const bytes: number[] = [];
    for (const line of block.trimEnd().split("\n")) {
      const parts = /^([0-9a-f]{4}) {2}((?:[0-9a-f]{2} )+) +\S/.exec(line);
      assert.ok(parts !== null, `a line of another form: ${line}`);
      assert.equal(Number.parseInt(parts[1] ?? "", 16), bytes.length, line);
      for (const byte of (parts[2] ?? "").trim().split(" ")) bytes.push(Number.parseInt(byte, 16));
    }
    return Uint8Array.from(bytes);
  });
}

/** The cells of the rows of the table whose header begins so. */
export function rowsOfPage(page: string, header: string): string[][] {
  const lines = page.split("\n");
  const at = lines.findIndex((line) => line.startsWith(`| ${header} |`));
  assert.ok(at >= 0, `the page has a table of ${header}`);
  const rows: string[][] = [];
  for (const line of lines.slice(at + 2)) {
    if (!line.startsWith("|")) break;
    rows.push(
      line
        .split("|")
        .map((cell) => cell.trim())
        .slice(1, -1),
    );
  }
  return rows;
}
