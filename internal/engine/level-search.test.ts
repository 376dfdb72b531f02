import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { compareBytes } from "../base/bytes.ts";
import { lookupOf } from "../../test/engine/table-fixture.ts";
import { holdsInRange, LevelSearch } from "./level-search.ts";
import type { TableMeta } from "./table-meta.ts";

// Few letters and a long common beginning, so that heads are often equal and keys often bounds.
const key = fc
  .tuple(fc.constantFrom("", "a", "aaaa", "aaaaa"), fc.stringMatching(/^[ab\0\u007f]{0,7}$/))
  .map(([start, end]) => new TextEncoder().encode(start + end));

function boundsOf(keys: readonly Uint8Array[]): TableMeta[] {
  const sorted = [...new Map(keys.map((bytes) => [bytes.toString(), bytes])).values()].toSorted(compareBytes);
  const tables: TableMeta[] = [];
  for (let at = 0; at + 1 < sorted.length; at += 2) {
    tables.push({ number: at, smallest: sorted[at], largest: sorted[at + 1] } as unknown as TableMeta);
  }
  return tables;
}

test("a level is searched as a look at every table would", () => {
  const property = fc.property(fc.array(key, { maxLength: 40 }), fc.array(key, { minLength: 1 }), (bounds, others) => {
    const tables = boundsOf(bounds);
    const search = new LevelSearch(tables);
    for (const bytes of [...bounds, ...others]) {
      const lookup = lookupOf(bytes);
      const within = tables.filter(
        ({ smallest, largest }) => compareBytes(smallest, bytes) <= 0 && compareBytes(bytes, largest) <= 0,
      );
      assert.equal(search.find(lookup), within[0]);
      for (const table of tables) assert.equal(holdsInRange(table, lookup), table === within[0]);
    }
  });
  fc.assert(property, { seed: 20_261_121, numRuns: 500 });
});
