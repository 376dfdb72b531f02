// docs/formats/ring.md against the code: every row of its tables is what the code computes. `TREFOIL_REWRITE=1` writes them.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { groupId } from "../../internal/base/ids.ts";
import { evennessOf } from "../../internal/ring/evenness.ts";
import { slotPosition, virtualNodePositions } from "../../internal/ring/positions.ts";
import { Ring } from "../../internal/ring/ring.ts";
import { crc16, slotCount, slotOf } from "../../internal/ring/slots.ts";
import { ownerByThePage, xxh32 } from "./by-the-page.ts";

const page = new URL(import.meta.url.replace(/\/dist\/.*/, "/docs/formats/ring.md"));

const keys = ["foo", "bar", "hello", "user123", "{user1000}.following", "foo{}{bar}", "foo{{bar}}zap"];
const counted = new Map([
  ["{user1000}.following", "user1000"],
  ["foo{{bar}}zap", "{bar"],
]);
const slotsOnly = [0, 1, 16_383, 1934, 8844];

const firstGroups = (count: number): Ring => Ring.of(Array.from({ length: count }, (_, at) => groupId(at + 1)));
const hex = (position: number): string => position.toString(16).padStart(8, "0");
const row = (...cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;

function slotCells(slot: number): (string | number)[] {
  const { group, number, position } = firstGroups(4).virtualNodeOf(slot);
  assert.deepEqual(ownerByThePage([1, 2, 3, 4], slot), { group, number });
  return [slot, hex(slotPosition(slot)), `group:${group}:${number}`, hex(position), group];
}

function hashRows(): string[] {
  const nodes = [
    [1, 0],
    [1, 255],
    [4, 166],
    [65_535, 0],
  ] as const;
  return [
    row("no bytes", hex(xxh32(utf8(""), 0))),
    row("`abc`", hex(xxh32(utf8("abc"), 0))),
    ...nodes.map(([group, number]) =>
      row(`\`group:${group}:${number}\``, hex(virtualNodePositions(groupId(group))[number] as number)),
    ),
    ...[0, 866].map((slot) =>
      row(`slot ${slot}: \`00 00 ${hex(slot).replace(/.*(..)(..)$/, "$1 $2")}\``, hex(slotPosition(slot))),
    ),
  ];
}

function keyRows(): string[] {
  const ofKeys = keys.map((key) => {
    const part = counted.get(key) ?? key;
    assert.equal(slotOf(utf8(key)), crc16(utf8(part)) % slotCount);
    return row(`\`${key}\``, part === key ? "all of it" : `\`${part}\``, ...slotCells(slotOf(utf8(key))));
  });
  return [...ofKeys, ...slotsOnly.map((slot) => row("", "", ...slotCells(slot)))];
}

function evennessRows(): string[] {
  return [4, 8, 16, 32, 64].map((count) => {
    const { largest, smallest } = evennessOf(firstGroups(count));
    const mean = slotCount / count;
    return row(count, mean, largest.slots, smallest.slots, largest.timesMean.toFixed(3), smallest.timesMean.toFixed(3));
  });
}

/** The page with these rows in the table under the heading that begins with `first`. */
function withRows(text: string, first: string, rows: readonly string[]): string {
  const table = new RegExp(`(\\| ${first} \\|.*\\n\\| ---.*\\n)((?:\\|.*\\n)*)`);
  assert.match(text, table);
  return text.replace(table, (_, head: string) => `${head}${rows.join("\n")}\n`);
}

describe("docs/formats/ring.md", () => {
  it("shows what the code computes", () => {
    const text = readFileSync(page, "utf8");
    const expected = [
      { first: "of", rows: hashRows() },
      { first: "key", rows: keyRows() },
      { first: "groups", rows: evennessRows() },
    ].reduce((made, { first, rows }) => withRows(made, first, rows), text);
    if (process.env["TREFOIL_REWRITE"] === "1") writeFileSync(page, expected);
    else assert.equal(text, expected);
  });

  it("says rightly which slots lie behind the last virtual node, and which number of groups is the least even", () => {
    const text = readFileSync(page, "utf8");
    const [, ...behind] = /Slots (\d+) and (\d+) show/.exec(text) ?? [];
    for (const slot of behind.map(Number)) {
      assert.ok(firstGroups(4).virtualNodeOf(slot).position < slotPosition(slot), `slot ${slot}`);
    }
    assert.equal(behind.length, 2);
    const largest = Array.from({ length: 64 }, (_, at) => evennessOf(firstGroups(at + 1)).largest.timesMean);
    const worst = largest.indexOf(Math.max(...largest)) + 1;
    const [, greatest, count] = /greatest of all, ([\d.]+),\nis that of (\d+) groups/.exec(text) ?? [];
    assert.deepEqual([greatest, count], [Math.max(...largest).toFixed(3), String(worst)]);
  });
});
