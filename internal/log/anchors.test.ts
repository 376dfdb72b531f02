import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { AnchorTable, absent, anchorBlockBytes } from "./anchors.ts";

function listed(table: AnchorTable): string[] {
  return Array.from({ length: table.count }, (_, slot) => `${table.indexAt(slot)}@${table.positionAt(slot)}`);
}

function tableOf(...pairs: readonly (readonly [number, number])[]): AnchorTable {
  const table = new AnchorTable();
  for (const [index, position] of pairs) table.push(index, position);
  return table;
}

describe("anchors", () => {
  it("has one for each block of a segment in which entries begin", () => {
    const table = new AnchorTable();
    const start = 1000;
    table.note(1, start + 600, start);
    table.note(2, start + 700, start);
    table.note(3, start + anchorBlockBytes - 1, start);
    table.note(4, start + anchorBlockBytes, start);
    table.note(5, start + anchorBlockBytes + 9, start);
    table.note(6, start + 5 * anchorBlockBytes, start);
    // A new segment is a new block, wherever it starts.
    table.note(7, start + 5 * anchorBlockBytes + 100, start + 5 * anchorBlockBytes + 50);
    assert.deepEqual(
      listed(table).map((it) => it.split("@")[0]),
      ["1", "4", "6", "7"],
    );
  });

  it("finds the anchor of an entry, and none before the first", () => {
    const table = tableOf([5, 100], [9, 200], [20, 300]);
    assert.deepEqual(
      [4, 5, 8, 9, 19, 20, 99].map((index) => table.slotOf(index)),
      [-1, 0, 0, 1, 1, 2, 2],
    );
  });

  it("makes an anchor for what follows a truncation, so that the truncated entries are not met", () => {
    const table = new AnchorTable();
    for (const index of [1, 2, 3, 4]) table.note(index, 600 + index, 0);
    table.truncateFrom(3);
    table.note(3, 700, 0);
    table.note(4, 701, 0);
    assert.deepEqual(listed(table), ["1@601", "3@700"]);
  });

  it("drops what lies before a base, and keeps the anchor of the first entry behind it", () => {
    const table = tableOf([1, 10], [5, 20], [9, 30]);
    table.dropUpTo(5);
    assert.deepEqual(listed(table), ["5@20", "9@30"]);
    table.dropUpTo(8);
    assert.deepEqual(listed(table), ["9@30"]);
    table.dropUpTo(100);
    assert.deepEqual(listed(table), ["9@30"]);
  });

  it("moves carried entries, from the front, the middle and the end", () => {
    const moved = (first: number): AnchorTable => tableOf([first, 900]);
    const front = tableOf([1, 10], [5, 20], [9, 30]);
    assert.ok(front.replace(1, 4, moved(1), 12));
    assert.deepEqual(listed(front), ["1@900", "5@20", "9@30"]);
    const middle = tableOf([1, 10], [5, 20], [9, 30]);
    assert.ok(middle.replace(5, 8, moved(5), 12));
    assert.deepEqual(listed(middle), ["1@10", "5@900", "9@30"]);
    const part = tableOf([1, 10], [5, 20], [9, 30]);
    assert.ok(part.replace(7, 8, moved(7), 12));
    assert.deepEqual(listed(part), ["1@10", "5@20", "7@900", "9@30"]);
    const end = tableOf([1, 10], [5, 20]);
    assert.ok(end.replace(3, 12, moved(3), 12));
    assert.deepEqual(listed(end), ["1@10", "3@900"]);
  });

  it("knows while carried entries lie behind later ones", () => {
    const table = tableOf([1, 10], [5, 20], [9, 30]);
    assert.ok(table.isOrdered);
    table.replace(1, 4, tableOf([1, 900]), 12);
    assert.ok(!table.isOrdered);
    table.dropUpTo(4);
    assert.ok(table.isOrdered);
  });

  it("refuses to move entries away from one behind them that only they lead to", () => {
    const table = tableOf([1, 10], [5, 20]);
    assert.equal(table.replace(1, 2, tableOf([1, 900]), 9), false);
    assert.deepEqual(listed(table), ["1@10", "5@20"]);
  });

  it("fills in absent entries piece by piece", () => {
    const table = tableOf([1, absent], [9, 500]);
    assert.ok(table.replace(3, 5, tableOf([3, 700]), 20));
    assert.deepEqual(listed(table), ["1@-1", "3@700", "6@-1", "9@500"]);
  });

  it("agrees with a list of all positions, over random appends, truncations and drops", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("append" as const), gap: fc.integer({ min: 1, max: 40_000 }) }),
      fc.record({ kind: fc.constant("truncate" as const), back: fc.integer({ min: 0, max: 6 }) }),
      fc.record({ kind: fc.constant("drop" as const), count: fc.integer({ min: 0, max: 4 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const table = new AnchorTable();
        const positions = new Map<number, number>();
        let [base, last, end] = [0, 0, 600];
        for (const it of steps) {
          if (it.kind === "append") {
            end += it.gap;
            table.note(++last, end, 0);
            positions.set(last, end);
          } else if (it.kind === "truncate" && last > base) {
            const from = Math.max(base + 1, last - it.back);
            table.truncateFrom(from);
            last = from - 1;
          } else if (it.kind === "drop" && base + it.count < last) {
            base += it.count;
            table.dropUpTo(base);
          }
          for (let index = base + 1; index <= last; index++) checkFound(table, positions, index);
        }
      }),
    );
  });
});

/** An entry lies at its anchor or behind it, in the same block, and every entry between lies between. */
function checkFound(table: AnchorTable, positions: ReadonlyMap<number, number>, index: number): void {
  const slot = table.slotOf(index);
  const anchor = table.positionAt(slot);
  const position = positions.get(index) as number;
  assert.equal(anchor, positions.get(table.indexAt(slot)));
  assert.equal(Math.floor(anchor / anchorBlockBytes), Math.floor(position / anchorBlockBytes));
  assert.ok(anchor <= position);
}
