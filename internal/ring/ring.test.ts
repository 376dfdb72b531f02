import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ownerByThePage } from "../../test/ring/by-the-page.ts";
import { groupId } from "../base/ids.ts";
import type { GroupId } from "../base/ids.ts";
import { slotMoves } from "./difference.ts";
import { evennessOf } from "./evenness.ts";
import { slotPosition, virtualNodePositions } from "./positions.ts";
import { Ring, ringGroupIdMax } from "./ring.ts";
import { slotCount } from "./slots.ts";

const groups = (...ids: number[]): GroupId[] => ids.map(groupId);
const firstGroups = (count: number): GroupId[] => Array.from({ length: count }, (_, at) => groupId(at + 1));
const slots = Array.from({ length: slotCount }, (_, slot) => slot);

/** Ids of few groups, so that their positions are computed once. */
const someIds = (most: number): fc.Arbitrary<number[]> =>
  fc.uniqueArray(fc.integer({ min: 1, max: 48 }), { minLength: 1, maxLength: most });

describe("the ring", () => {
  it("gives each slot to the next virtual node, as one finds by looking at all of them", () => {
    for (const ids of [[1], [1, 2, 3, 4], [7, ringGroupIdMax, 2]]) {
      const ring = Ring.of(groups(...ids));
      for (let slot = 0; slot < slotCount; slot += 37) {
        const expected = ownerByThePage(ids, slot);
        assert.equal(ring.ownerOf(slot), expected.group, `slot ${slot} of ${ids.join(" ")}`);
        const { group, number } = ring.virtualNodeOf(slot);
        assert.deepEqual({ group, number }, expected);
      }
    }
  });

  it("goes round: slots behind the last virtual node belong to the first", () => {
    const ring = Ring.of(firstGroups(4));
    const nodes = ring.groups.flatMap((group) =>
      [...virtualNodePositions(group)].map((position) => ({ position, group })),
    );
    const first = nodes.reduce((found, node) => (node.position < found.position ? node : found));
    const last = nodes.reduce((found, node) => (node.position > found.position ? node : found));
    const behind = slots.filter((slot) => slotPosition(slot) > last.position);
    assert.ok(behind.length > 0);
    for (const slot of behind) assert.equal(ring.ownerOf(slot), first.group);
  });

  it("gives a slot whose position is a virtual node's to that node", () => {
    assert.equal(slotPosition(7408), virtualNodePositions(groupId(3027))[18]);
    for (let other = 1; other <= 8; other++) assert.equal(Ring.of(groups(other, 3027)).ownerOf(7408), 3027);
  });

  it("gives what leads to two virtual nodes in one place to the lower group, whatever the order", () => {
    const place = virtualNodePositions(groupId(47))[251];
    assert.equal(virtualNodePositions(groupId(479))[178], place);
    for (const ring of [Ring.of(groups(47, 479)), Ring.of(groups(479, 47, 600))]) {
      const there = slots.filter((slot) => ring.virtualNodeOf(slot).position === place);
      assert.ok(there.length > 0);
      for (const slot of there) assert.equal(ring.ownerOf(slot), 47);
    }
  });

  it("is the same in whatever order groups are named, and the same object while it is kept", () => {
    const ring = Ring.of(groups(3, 1, 2));
    assert.deepEqual(ring.groups, [1, 2, 3]);
    assert.equal(Ring.of(groups(1, 2, 3)), ring);
    const owners = slots.map((slot) => ring.ownerOf(slot));
    for (let id = 1; id <= 9; id++) Ring.of(groups(id));
    const anew = Ring.of(groups(2, 1, 3));
    assert.notEqual(anew, ring);
    assert.deepEqual(
      slots.map((slot) => anew.ownerOf(slot)),
      owners,
    );
  });

  it("lists the slots of a group, and counts them", () => {
    const ring = Ring.of(firstGroups(5));
    const all = ring.groups.flatMap((group) => ring.slotsOf(group));
    assert.deepEqual(
      all.sort((left, right) => left - right),
      slots,
    );
    for (const slot of ring.slotsOf(groupId(4))) assert.equal(ring.ownerOf(slot), 4);
    assert.deepEqual(
      ring.shares(),
      ring.groups.map((group) => ring.slotsOf(group).length),
    );
    assert.deepEqual(ring.slotsOf(groupId(6)), []);
  });

  it("stops at what cannot be a ring", () => {
    for (const ids of [[], [0, 1], [1, 2, 1], [ringGroupIdMax + 1], [1.5], [-1]]) {
      assert.throws(() => Ring.of(groups(...ids)), { name: "AssertionFailure" }, ids.join(" "));
    }
    const ring = Ring.of(groups(1));
    for (const slot of [-1, 16_384, 0.5]) assert.throws(() => ring.ownerOf(slot), /a slot's number/);
  });
});

describe("what moves when the ring changes", () => {
  it("is nothing between the same groups, and everything between others", () => {
    assert.deepEqual(slotMoves(Ring.of(groups(1, 2)), Ring.of(groups(2, 1))), []);
    assert.deepEqual(slotMoves(Ring.of(groups(1)), Ring.of(groups(2))), [{ from: 1, to: 2, slots }]);
  });

  it("leads from one ring to the other, each slot once, in order", () => {
    fc.assert(
      fc.property(someIds(10), someIds(10), (idsBefore, idsAfter) => {
        const before = Ring.of(idsBefore.map(groupId));
        const after = Ring.of(idsAfter.map(groupId));
        const owners = slots.map((slot) => before.ownerOf(slot));
        const moves = slotMoves(before, after);
        for (const { from, to, slots: moved } of moves) {
          assert.ok(moved.length > 0 && from !== to);
          for (const slot of moved) {
            assert.equal(owners[slot], from);
            owners[slot] = to;
          }
          assert.deepEqual(
            moved,
            moved.toSorted((left, right) => left - right),
          );
        }
        assert.deepEqual(
          owners,
          slots.map((slot) => after.ownerOf(slot)),
        );
        const order = moves.map(({ from, to }) => from * slotCount + to);
        assert.deepEqual(
          order,
          order.toSorted((left, right) => left - right),
        );
        assert.equal(new Set(order).size, order.length);
      }),
      { numRuns: 30 },
    );
  });

  it("goes all to a group that is added to G, about 1/(G+1) of the slots", () => {
    fc.assert(
      fc.property(someIds(17), (ids) => {
        fc.pre(ids.length > 1);
        const [added, ...old] = ids as [number, ...number[]];
        const moves = slotMoves(Ring.of(old.map(groupId)), Ring.of(ids.map(groupId)));
        for (const { to } of moves) assert.equal(to, added, "a slot moved between old groups");
        const share = (moves.reduce((sum, move) => sum + move.slots.length, 0) / slotCount) * ids.length;
        assert.ok(share > 0.65 && share < 1.35, `${share} times the expected share`);
      }),
      { numRuns: 60 },
    );
  });

  it("comes all from a group that is taken away", () => {
    const before = Ring.of(firstGroups(9));
    const after = Ring.of(before.groups.filter((group) => group !== 5));
    const moves = slotMoves(before, after);
    assert.deepEqual(
      moves.flatMap((move) => move.slots).sort((left, right) => left - right),
      before.slotsOf(groupId(5)),
    );
    assert.deepEqual(
      moves.map(({ from, to }) => `${from} ${to}`),
      [1, 2, 3, 4, 6, 7, 8, 9].map((to) => `5 ${to}`),
    );
  });
});

describe("evenness of the ring", () => {
  it("has these figures: they change only when the ring does, and then every cluster's data would move", () => {
    const figures = [4, 8, 16, 32, 64].map((count) => {
      const { largest, smallest } = evennessOf(Ring.of(firstGroups(count)));
      return [count, largest.group, largest.slots, smallest.group, smallest.slots];
    });
    assert.deepEqual(figures, [
      [4, 2, 4309, 1, 3920],
      [8, 6, 2178, 7, 1798],
      [16, 8, 1124, 7, 920],
      [32, 25, 595, 18, 420],
      [64, 36, 307, 13, 204],
    ]);
  });

  it("is at most 1.25 times the mean for 1 to 64 groups, and when one of them has gone", () => {
    for (let count = 1; count <= 64; count++) {
      const all = firstGroups(count);
      const gone = all.filter((group) => group !== (count * 7) % (count + 1));
      for (const ids of gone.length > 0 ? [all, gone] : [all]) {
        const { largest, shares } = evennessOf(Ring.of(ids));
        assert.ok(largest.timesMean <= 1.25, `group ${largest.group} of ${count}: ${largest.timesMean} times the mean`);
        assert.equal(
          shares.reduce((sum, share) => sum + share.slots, 0),
          slotCount,
        );
      }
    }
  });
});
