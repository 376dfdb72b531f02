// The page on the format and the code say the same.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import {
  buildTable,
  diskWith,
  fileOf,
  inspect,
  makeCell,
  makeDisk,
  scanTable,
} from "../../../test/engine/table-fixture.ts";
import { concatBytes, hex, utf8 } from "../../base/bytes.ts";
import { decodeFooter, encodeFooter, faultOfBlock, footerBytes, sealBlock } from "./table-format.ts";
import type { Footer } from "./table-format.ts";

/** The bytes of the page's example; each line begins with the offset of its bytes. */
function exampleOnPage(): Uint8Array {
  const page = readFileSync("docs/formats/table.md", "utf8");
  const block = /```hex\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
  const bytes: number[] = [];
  for (const line of block.trimEnd().split("\n")) {
    const parts = /^([0-9a-f]{4}) {2}((?:[0-9a-f]{2} )+) +\S/.exec(line);
    assert.ok(parts !== null, `a line of another form: ${line}`);
    assert.equal(Number.parseInt(parts[1] ?? "", 16), bytes.length, line);
    for (const byte of (parts[2] ?? "").trim().split(" ")) bytes.push(Number.parseInt(byte, 16));
  }
  return Uint8Array.from(bytes);
}

const key = (text: string) => concatBytes([Uint8Array.of(0, 0, 0, 1), utf8(text)]);

const example = [
  { key: key("apple"), sequence: 12, cell: makeCell({ stamp: 2048, term: 1, index: 9, payload: utf8("red") }) },
  { key: key("apple"), sequence: 5, cell: makeCell({ stamp: 1024, term: 1, index: 4, payload: utf8("green") }) },
  { key: key("apricot"), sequence: 200, cell: makeCell({ stamp: 4096, term: 2, index: 150, tombstone: true }) },
  {
    key: key("banana"),
    sequence: 7,
    cell: makeCell({ stamp: 1030, expiry: 9000, term: 1, index: 6, payload: utf8("ripe") }),
  },
];

describe("the table format", () => {
  test("is that of docs/formats/table.md: the builder writes its example", async () => {
    const disk = await makeDisk();
    buildTable(disk, example, { number: 7, blockBytes: 96 });
    assert.equal(hex(fileOf(disk, 7)), hex(exampleOnPage()));
  });

  test("is that of docs/formats/table.md: its example is read", async () => {
    const made = await makeDisk();
    const meta = buildTable(made, example, { number: 7, blockBytes: 96 });
    const disk = await diskWith(exampleOnPage(), 7);
    assert.deepEqual(scanTable(disk, meta), example);
    assert.deepEqual(inspect(disk, meta).damage, []);
  });

  test("has footers that tell every field, and refuse a file of another size", () => {
    const footer: Footer = {
      dataBytes: 2 ** 40,
      filterBytes: 2 ** 31,
      propertiesBytes: 3,
      indexBytes: 2 ** 32 - 1,
      salt: 2 ** 32 - 2,
    };
    const bytes = new Uint8Array(100);
    assert.equal(encodeFooter(bytes, 60, footer), 100);
    const size = 2 ** 40 + 2 ** 31 + 3 + 2 ** 32 - 1 + footerBytes;
    assert.deepEqual(decodeFooter(bytes, "p", size), footer);
    for (const other of [size - 1, size + 1]) {
      assert.throws(() => decodeFooter(bytes, "p", other), {
        code: "corruption",
        message: /^table p, offset \d+: the parts make/,
      });
    }
  });

  test("has checksums that depend on salt, offset and kind", () => {
    const bytes = new Uint8Array(32).fill(7);
    const place = { salt: 5, offset: 4096, kind: "data" } as const;
    const end = sealBlock(bytes, 3, 20, place);
    assert.equal(faultOfBlock(bytes, 3, end, place), undefined);
    const wrong = "the checksum does not match";
    for (const offset of [0, 4095, 8192, 4096 + 2 ** 32, 4096 + 2 ** 33]) {
      assert.equal(faultOfBlock(bytes, 3, end, { ...place, offset }), wrong);
    }
    for (const salt of [0, 4, 6, 2 ** 31]) assert.equal(faultOfBlock(bytes, 3, end, { ...place, salt }), wrong);
    assert.equal(faultOfBlock(bytes, 3, end, { ...place, kind: "index" }), "it is of kind 1");
    assert.equal(faultOfBlock(bytes, 3, 7, place), "4 bytes are no block");
  });
});
