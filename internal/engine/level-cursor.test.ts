import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { compareBytes, hex } from "../base/bytes.ts";
import { fileNumber, sequence } from "../base/ids.ts";
import { Prng } from "../base/prng.ts";
import { neverExpires, stampZero } from "../base/stamp.ts";
import { ArrayCursor, compareEntries } from "../../test/engine/array-cursor.ts";
import type { Entry } from "../../test/engine/array-cursor.ts";
import type { Cursor } from "./cursor.ts";
import { LevelCursor } from "./level-cursor.ts";
import type { TableMeta } from "./table-meta.ts";
import type { TableSource } from "./table-source.ts";

const cell = new Uint8Array([1]);

function tableOf(number: number, entries: readonly Entry[]): TableMeta {
  const version = { term: 1, index: 1 };
  return {
    number: fileNumber(number),
    bytes: 1,
    entries: entries.length,
    keys: entries.length,
    tombstones: 0,
    smallest: (entries[0] as Entry).key,
    largest: (entries.at(-1) as Entry).key,
    sequenceLeast: sequence(1),
    sequenceGreatest: sequence(1),
    stampGreatest: stampZero,
    expiryLeast: neverExpires,
    expiryGreatest: neverExpires,
    expiring: 0,
    versionLeast: version,
    versionGreatest: version,
  };
}

/** Tables that are arrays, some of which are not open yet; counts what is open. */
class ArrayTables implements TableSource {
  open = 0;
  private readonly contents: ReadonlyMap<number, readonly Entry[]>;
  private readonly absence: Prng;

  constructor(contents: ReadonlyMap<number, readonly Entry[]>, absence: Prng) {
    this.contents = contents;
    this.absence = absence;
  }

  cursorNow(table: TableMeta): Cursor | undefined {
    return this.absence.chance(1, 2) ? undefined : this.make(table);
  }

  openCursor(table: TableMeta): Promise<Cursor> {
    return Promise.resolve(this.make(table));
  }

  private make(table: TableMeta): Cursor {
    const cursor = new ArrayCursor(this.contents.get(table.number) ?? [], this.absence);
    this.open++;
    cursor.close = () => {
      if (!cursor.closed) this.open--;
      cursor.closed = true;
    };
    return cursor;
  }
}

const key = fc.uint8Array({ maxLength: 2, max: 4 });
const movement = fc.oneof(
  fc.record({ name: fc.constantFrom("first", "last", "next", "previous"), key: fc.constant(new Uint8Array()) }),
  fc.record({ name: fc.constantFrom("seek", "before"), key }),
);

test("a level walks like one sorted list, however its tables are cut and whichever of them are open", async () => {
  const given = fc.record({
    keys: fc.uniqueArray(key, { comparator: (a, b) => compareBytes(a, b) === 0, maxLength: 25 }),
    cuts: fc.array(fc.nat(25), { maxLength: 6 }),
    movements: fc.array(movement, { maxLength: 40 }),
    seed: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(given, async ({ keys, cuts, movements, seed }) => {
      const entries = keys.map((bytes) => ({ key: bytes, sequence: 1, cell })).toSorted(compareEntries);
      const edges = [0, ...cuts.filter((at) => at < entries.length).toSorted((a, b) => a - b), entries.length];
      const parts = edges
        .slice(1)
        .map((end, at) => entries.slice(edges[at], end))
        .filter((part) => part.length > 0);
      const tables = parts.map((part, at) => tableOf(at, part));
      const source = new ArrayTables(new Map(parts.map((part, at) => [at, part])), new Prng(seed));
      const cursor = new LevelCursor(tables, source);
      let at = -1;
      for (const { name, key: target } of movements) {
        const onEntry = at >= 0 && at < entries.length;
        if (name === "first") [at] = [0, cursor.seekToFirst()];
        else if (name === "last") [at] = [entries.length - 1, cursor.seekToLast()];
        else if (name === "next" && onEntry) [at] = [at + 1, cursor.next()];
        else if (name === "previous" && onEntry) [at] = [at - 1, cursor.previous()];
        else if (name === "seek") {
          cursor.seek(target, target.length);
          const found = entries.findIndex((entry) => compareBytes(entry.key, target) >= 0);
          at = found === -1 ? entries.length : found;
        } else if (name === "before") {
          cursor.seekBefore(target, target.length);
          at = entries.findLastIndex((entry) => compareBytes(entry.key, target) < 0);
        }
        while (cursor.needsLoad) await cursor.load();
        const expected = entries[at]?.key;
        assert.equal(cursor.valid, expected !== undefined, name);
        const shown = cursor.keyBytes.subarray(cursor.keyStart, cursor.keyEnd);
        if (expected !== undefined) assert.equal(hex(shown), hex(expected), name);
      }
      cursor.close();
      assert.equal(source.open, 0, "every table was let go of");
    }),
    { numRuns: 1500 },
  );
});
