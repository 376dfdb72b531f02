// docs/formats/log.md against the code: the example is what the code writes, and the constants are the code's.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { logIndex, term } from "../../internal/base/ids.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { recordType } from "../../internal/log/record.ts";
import { folder, group1, newWorld, open } from "./harness.ts";

const page = new URL(import.meta.url.replace(/\/dist\/.*/, "/docs/formats/log.md"));
const example = /(?<=```hex\n)[^`]*(?=\n```)/;

describe("docs/formats/log.md", () => {
  it("shows what the code writes", async () => {
    const world = newWorld();
    const log = await open(world);
    const group = log.group(group1);
    group.setHardState({ term: term(1), vote: 2, commit: logIndex(0) });
    const entry = { term: term(1), index: logIndex(1), stamp: stamp(4096), flags: 0, kind: 7 };
    await log.whenDurable(group.append(entry, utf8("hi")));
    const dump = hexDump(world.disk.peek(`${folder}/00000001.log`) ?? new Uint8Array(0));
    const text = readFileSync(page, "utf8");
    if (process.env["TREFOIL_REWRITE"] === "1") writeFileSync(page, text.replace(example, dump));
    else assert.equal(example.exec(text)?.[0], dump);
  });

  it("names every type of record by its number", () => {
    const text = readFileSync(page, "utf8");
    const rows = [...text.matchAll(/^\| (\d+) \| ([a-z ]+) \|/gm)].map(([, number, name]) => [Number(number), name]);
    const types = Object.entries(recordType).map(([name, number]) => [
      number,
      name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
    ]);
    assert.deepEqual(
      rows.filter(([number]) => Number(number) > 0 && types.some(([type]) => type === number)).slice(-types.length),
      types,
    );
  });
});

/** Lines of 16 bytes; those that are all zeros are left out. */
function hexDump(bytes: Uint8Array): string {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    if (row.every((byte) => byte === 0)) continue;
    const digits = [...row].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const letters = [...row].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${digits}  ${letters.replaceAll("`", ".")}`.trimEnd());
  }
  return lines.join("\n");
}
