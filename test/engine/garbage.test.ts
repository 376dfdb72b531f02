// What is forgotten, and when: deletes, expired records, whole tables, dead incarnations. Never so that
// something older comes to light, and only behind the horizon that a flush has made durable.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { utf8 } from "../../internal/base/bytes.ts";
import { groupId } from "../../internal/base/ids.ts";
import { stamp } from "../../internal/base/stamp.ts";
import { FaultRig, group } from "./fault-rig.ts";

/** Raises the horizon to the last entry, or to what is given; it counts from the next flush on. */
function raise(rig: FaultRig, given: { watermark?: number; expiry?: number } = {}): void {
  const { lastIndex } = rig.life.log(rig.of);
  rig.engine.raiseGarbageHorizon({
    incarnation: rig.of,
    watermark: stamp(given.watermark ?? lastIndex),
    expiryHorizon: stamp(given.expiry ?? lastIndex),
  });
}

/** What is stored, whether anybody can see it or not. */
function entriesOf(rig: FaultRig): number {
  return rig.engine.stats().entries;
}

async function isThere(rig: FaultRig, key: string): Promise<boolean> {
  return (await rig.engine.get(rig.of, utf8(key))) !== undefined;
}

/** Enough in the deepest level for the one in front of it to be in use. */
async function deepTree(): Promise<FaultRig> {
  const rig = await FaultRig.open({ levelBaseBytes: 16 * 1024, levelZeroTrigger: 2 });
  await rig.table(97, 400);
  await rig.engine.compactRange(rig.of);
  assert.ok((rig.engine.stats().levels[6]?.bytes ?? 0) > 16 * 1024);
  return rig;
}

describe("garbage", () => {
  it("a delete above an older version stays in every merge that the older one is no part of", async () => {
    const rig = await deepTree();
    for (let round = 0; round < 2; round++) {
      // Few enough deletes for their table not to be pushed down for their sake.
      await rig.life.write(rig.of, [{ key: "key-7" }]);
      for (let at = 0; at < 20; at++) await rig.life.write(rig.of, [{ key: `key-7${at}`, text: `${round}` }]);
      raise(rig);
      await rig.engine.flush();
    }
    await rig.engine.settle();
    // It was merged into a level in front of the deepest, which still holds what it hides.
    const { levels, compaction } = rig.engine.stats();
    assert.equal(levels[0]?.tables, 0);
    assert.ok((levels[5]?.entries ?? 0) > 0 && compaction.tombstonesCollected === 0);
    assert.ok(!(await isThere(rig, "key-7")));
    await rig.life.check(rig.of);
    await rig.engine.compactRange(rig.of);
    assert.ok(rig.engine.stats().compaction.tombstonesCollected > 0);
    assert.equal(entriesOf(rig), (await rig.life.contents(rig.of, stamp(0))).size);
    await rig.life.check(rig.of);
    await rig.engine.close();
  });

  it("an expired record that hides an older version stays while that one does, and none of them is ever seen", async () => {
    const rig = await deepTree();
    const { lastIndex } = rig.life.log(rig.of);
    // A table of nothing but expired records, each above an older version that never expires.
    for (let at = 0; at < 5; at++) {
      await rig.life.write(rig.of, [{ key: `key-${at}`, text: "brief", expiry: lastIndex + 6 }]);
    }
    await rig.engine.flush();
    await rig.life.write(rig.of, [{ key: "z", text: "beyond" }]);
    await rig.life.write(rig.of, [{ key: "z", text: "beyond" }]);
    raise(rig);
    await rig.engine.flush();
    await rig.engine.settle();
    assert.equal(rig.engine.stats().compaction.tablesDropped, 0, "the table hides something");
    await rig.life.check(rig.of);
    await rig.engine.compactRange(rig.of);
    await rig.engine.settle();
    await rig.life.check(rig.of);
    const { compaction } = rig.engine.stats();
    assert.ok(compaction.expiredCollected === 5 && compaction.tablesDropped === 0);
    await rig.life.reopen().then(async (again) => {
      await again.check(rig.of);
      await again.engine.close();
    });
  });

  it("a delete that a snapshot shows stays while it is held, however far the horizon has risen since (seed 743451)", async () => {
    const rig = await FaultRig.open();
    await rig.table(10);
    await rig.life.write(rig.of, [{ key: "key-7" }]);
    const held = rig.engine.snapshot();
    const shows = async (): Promise<boolean> => {
      const found = await rig.engine.get(rig.of, utf8("key-7"), { snapshot: held, tombstones: true });
      return found?.tombstone === true;
    };
    const collect = async (): Promise<void> => {
      await rig.table(10, 5);
      raise(rig);
      await rig.engine.flush();
      await rig.engine.compactRange(rig.of);
    };
    await collect();
    assert.ok(await shows());
    held.release();
    await collect();
    assert.ok(rig.engine.stats().compaction.tombstonesCollected > 0);
    await rig.life.check(rig.of);
    await rig.engine.close();
  });

  it("an expired record below a newer version goes without harm to that one", async () => {
    const rig = await FaultRig.open();
    await rig.life.write(rig.of, [{ key: "a", text: "brief", expiry: 3 }]);
    await rig.table(10);
    await rig.life.write(rig.of, [{ key: "a", text: "for ever" }]);
    raise(rig);
    await rig.engine.flush();
    await rig.engine.compactRange(rig.of);
    await rig.life.check(rig.of);
    assert.ok(await isThere(rig, "a"));
    await rig.engine.close();
  });

  it("a table of nothing but expired records goes unread", async () => {
    const rig = await FaultRig.open();
    for (let at = 0; at < 10; at++) await rig.life.write(rig.of, [{ key: `b-${at}`, text: "brief", expiry: 20 }]);
    await rig.engine.flush();
    await rig.life.fill(rig.of, 15);
    raise(rig, { expiry: 19 });
    await rig.engine.flush();
    await rig.engine.settle();
    assert.equal(rig.engine.stats().compaction.tablesDropped, 0, "not yet expired");
    raise(rig, { expiry: 20 });
    await rig.engine.settle();
    const { compaction } = rig.engine.stats();
    assert.equal(compaction.tablesDropped, 1);
    assert.equal(compaction.bytesRead, 0);
    await rig.life.check(rig.of);
    await rig.engine.close();
  });

  it("an expired record stays while its stamp or its expiry is ahead of the horizon", async () => {
    for (const far of ["stamp", "expiry"]) {
      const rig = await FaultRig.open();
      for (let at = 0; at < 10; at++) await rig.life.write(rig.of, [{ key: `b-${at}`, text: "brief", expiry: 20 }]);
      await rig.life.fill(rig.of, 15);
      raise(rig, far === "stamp" ? { watermark: 0, expiry: 99 } : { watermark: 99, expiry: 19 });
      await rig.engine.flush();
      await rig.engine.compactRange(rig.of);
      await rig.engine.settle();
      assert.equal(entriesOf(rig), 25, far);
      raise(rig, { watermark: 99, expiry: 99 });
      await rig.engine.flush();
      await rig.engine.compactRange(rig.of);
      await rig.engine.settle();
      assert.equal(entriesOf(rig), 15, far);
      await rig.life.check(rig.of);
      await rig.engine.close();
    }
  });

  it("waits for the horizon, which counts from the flush that makes it durable", async () => {
    const rig = await FaultRig.open({ levelZeroTrigger: 2 });
    await rig.life.write(rig.of, [{ key: "a", text: "x" }]);
    await rig.life.write(rig.of, [{ key: "a" }]);
    await rig.table(5);
    await rig.engine.compactRange(rig.of);
    assert.equal(entriesOf(rig), 6, "no horizon: the delete stays");
    raise(rig, { watermark: 1 });
    await rig.engine.flush();
    await rig.engine.settle();
    await rig.engine.compactRange(rig.of);
    assert.equal(entriesOf(rig), 6, "the horizon is before the delete");
    raise(rig);
    assert.equal(rig.engine.horizonOf(rig.of)?.watermark, 1, "in memory only");
    const crashed = await rig.crash();
    assert.equal(crashed.engine.horizonOf(rig.of)?.watermark, 1);
    await crashed.engine.close();
    await rig.engine.settle();
    assert.equal(rig.engine.horizonOf(rig.of)?.watermark, 7);
    assert.equal(entriesOf(rig), 5);
    await rig.life.check(rig.of);
    await rig.engine.close();
  });

  it("waits for the snapshots that may see it, and goes when the last is released", async () => {
    const rig = await FaultRig.open();
    for (let at = 0; at < 10; at++) await rig.life.write(rig.of, [{ key: `b-${at}`, text: "brief", expiry: 12 }]);
    const snapshot = rig.engine.snapshot();
    await rig.engine.flush();
    await rig.life.fill(rig.of, 15);
    raise(rig);
    await rig.engine.flush();
    await rig.engine.settle();
    await rig.life.check(rig.of, { index: 10, now: 10, snapshot });
    assert.equal(rig.engine.stats().compaction.tablesDropped, 0);
    snapshot.release();
    await rig.engine.settle();
    assert.equal(rig.engine.stats().compaction.tablesDropped, 1);
    await rig.life.check(rig.of);
    await rig.engine.close();
  });

  it("of a dropped group goes wholly, also what was in memory, and the incarnation is forgotten", async () => {
    const rig = await FaultRig.open({ levelZeroTrigger: 2 });
    const other = await rig.life.create(groupId(2));
    for (let round = 0; round < 3; round++) {
      await rig.life.fill(other, 10);
      await rig.table(10);
    }
    await rig.life.fill(other, 10);
    await rig.engine.dropIncarnation(groupId(2));
    assert.equal(rig.engine.placeOf(groupId(2)), undefined);
    await rig.table(5);
    await rig.table(5);
    await rig.engine.compactRange(rig.of);
    await rig.engine.settle();
    const seen = await rig.life.contents(rig.of, stamp(1000));
    assert.equal(entriesOf(rig), seen.size, "nothing but the living group's records");
    assert.ok(rig.engine.stats().compaction.deadCollected > 0);
    assert.deepEqual([...(await rig.life.contents(other, stamp(1000)))], []);
    await rig.life.check(rig.of);
    const again = await rig.life.reopen();
    assert.deepEqual(again.engine.groups, [group]);
    assert.equal(again.engine.appliedIndex(other), 0);
    await again.engine.close();
  });
});
