// The worked example of a page on a format: a block marked `hex` whose lines are an offset, bytes, and what they mean.

import assert from "node:assert/strict";

/** The bytes of the page's example. Each line has to begin with the offset of its bytes. */
export function bytesOfHexPage(page: string): Uint8Array {
  const block = /```hex\n([\s\S]*?)```/.exec(page)?.[1];
  assert.ok(block !== undefined, "the page has an example in hex");
  const bytes: number[] = [];
  for (const line of block.trimEnd().split("\n")) {
    const parts = /^([0-9a-f]{4}) {2}((?:[0-9a-f]{2} )+) +\S/.exec(line);
    assert.ok(parts !== null, `a line of another form: ${line}`);
    assert.equal(Number.parseInt(parts[1] ?? "", 16), bytes.length, line);
    for (const byte of (parts[2] ?? "").trim().split(" ")) bytes.push(Number.parseInt(byte, 16));
  }
  return Uint8Array.from(bytes);
}
