import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keyOf, metaOf } from "../../../test/engine/version-fixture.ts";
import { fileNumber, sequence } from "../../base/ids.ts";
import type { TableMeta } from "../table-meta.ts";
import { bytesOf, changeVersion, emptyVersion, faultOf, levelCount, recencyOf } from "./version.ts";

const table = (number: number, from: string, newest = 1): TableMeta =>
  metaOf({
    number: fileNumber(number),
    smallest: keyOf(1, from),
    largest: keyOf(1, `${from}~`),
    bytes: 10 * number,
    sequenceGreatest: sequence(newest),
  });
const at = (level: number, ...tables: TableMeta[]) => tables.map((meta) => ({ level, meta }));
const numbers = (tables: readonly TableMeta[] | undefined) => tables?.map((meta) => meta.number);

describe("a version", () => {
  const version = changeVersion(
    emptyVersion,
    [],
    [...at(0, table(1, "a", 10), table(2, "a", 30)), ...at(3, table(5, "m"), table(4, "c"), table(6, "x"))],
  );

  test("begins with seven empty levels", () => {
    assert.equal(levelCount, 7);
    assert.deepEqual(emptyVersion.levels, [[], [], [], [], [], [], []]);
    assert.equal(faultOf(emptyVersion), undefined);
  });

  test("has level 0 newest first and the others by key", () => {
    assert.deepEqual(version.levels.map(numbers), [[2, 1], [], [], [4, 5, 6], [], [], []]);
    assert.equal(faultOf(version), undefined);
    assert.equal(bytesOf(version.levels[3] ?? []), 150);
  });

  test("has the table of the greater number first when two of level 0 are as new", () => {
    const twins = changeVersion(version, [], at(0, table(9, "b", 30), table(7, "b", 30)));
    assert.deepEqual(numbers(twins.levels[0]), [9, 7, 2, 1]);
  });

  test("counts an ingested table as new as its ingest, whatever its entries say", () => {
    const taken = { ...table(8, "a", 500), sequenceOverride: sequence(20) };
    assert.equal(recencyOf(taken), 20);
    assert.deepEqual(numbers(changeVersion(version, [], at(0, taken)).levels[0]), [2, 8, 1]);
  });

  test("is changed by making another, which shares the levels that stay", () => {
    const removed = [{ level: 3, number: fileNumber(4) }];
    const next = changeVersion(version, removed, at(3, table(7, "d")));
    assert.deepEqual(numbers(next.levels[3]), [7, 5, 6]);
    assert.deepEqual(numbers(version.levels[3]), [4, 5, 6]);
    assert.equal(next.levels[0], version.levels[0]);
  });

  test("moves a table to another level in one change", () => {
    const next = changeVersion(version, [{ level: 0, number: fileNumber(2) }], at(1, table(2, "a", 30)));
    assert.deepEqual(next.levels.map(numbers), [[1], [2], [], [4, 5, 6], [], [], []]);
    assert.equal(faultOf(next), undefined);
  });

  test("stops whoever removes a table from a level that does not hold it", () => {
    for (const [level, number] of [
      [0, 4],
      [3, 77],
      [6, 1],
    ] as const) {
      const removed = [{ level, number: fileNumber(number) }];
      assert.throws(() => changeVersion(version, removed, []), /removes a table that is not in its level/);
    }
  });

  test("without all of its levels is at fault", () => {
    assert.match(faultOf({ levels: version.levels.slice(1) }) ?? "", /6 levels instead of 7/);
  });
});
