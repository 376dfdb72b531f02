// The disk fills up at every byte of an engine's work. Writers are refused with `storage_full`, readers go on,
// and when there is space again the engine recovers by itself with nothing lost and nothing left over.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DiskFailure } from "../../internal/platform/disk.ts";
import { groupId } from "../../internal/base/ids.ts";
import { checkFolder } from "./engine-life.ts";
import { FaultRig, group } from "./fault-rig.ts";

const plenty = 1024 * 1024 * 1024;

/** Which file's growth met the end of the space, and who wanted it. */
function placeOf(error: Error): string {
  const { cause } = error;
  assert.ok(cause instanceof DiskFailure && cause.kind === "full", String(cause));
  const file = /(table|manifest|temporary)/.exec(cause.path)?.[1] ?? cause.path;
  const doing = /while (writing|merging)/.exec(error.message)?.[1] ?? "other";
  return `${doing}: ${file}`;
}

/** Flushes and merges with so much space; answers where it ended. */
async function fillUp(bytes: number): Promise<string | undefined> {
  const rig = await FaultRig.open({ levelZeroTrigger: 2, manifestBytesMax: 1024 });
  const space = rig.disk.limitSpace(bytes);
  let place: string | undefined;
  for (let round = 0; round < 6; round++) {
    try {
      await rig.table(12, 150);
      await rig.engine.settle();
    } catch (failure) {
      const error = failure as Error & { code?: string };
      assert.equal(error.code, "storage_full");
      assert.equal(rig.engine.trouble?.code, "storage_full", "writers are told");
      place ??= placeOf(error);
      await rig.life.check(rig.of);
      // Time alone mends nothing.
      for (let seconds = 0; seconds < 5; seconds++) {
        rig.time.advance(1000);
        await rig.quiet();
      }
      assert.equal(rig.engine.trouble?.code, "storage_full");
      space.limit(plenty);
      await rig.until(() => rig.engine.trouble === undefined);
    }
  }
  await rig.engine.flush();
  await rig.engine.settle();
  await rig.life.check(rig.of);
  const again = await rig.life.reopen();
  assert.equal(again.engine.appliedIndex(rig.of), 72);
  await again.check(rig.of);
  await again.engine.close();
  assert.equal(rig.memory.openFileCount, 0);
  await checkFolder(rig.memory);
  return place;
}

describe("full disk", () => {
  it("in the middle of a flush, a merge, an edit or a new manifest refuses writes, lets reads go on, and passes", async () => {
    const places = new Map<string, number>();
    let bytes = 0;
    for (; ; bytes += 131) {
      const place = await fillUp(bytes);
      if (place === undefined) break;
      places.set(place, (places.get(place) ?? 0) + 1);
    }
    for (const place of ["writing: table", "merging: table", "writing: manifest", "merging: manifest"]) {
      assert.ok(places.has(place), `${place} never met the end: ${JSON.stringify([...places])}`);
    }
  });

  it("refuses writes before memory runs out, and takes them again", async () => {
    const rig = await FaultRig.open();
    const space = rig.disk.limitSpace(0);
    await assert.rejects(
      async () => {
        for (;;) await rig.life.fill(rig.of, 1, 4000);
      },
      { code: "storage_full" },
    );
    // What was taken is there; the entry that was refused is not.
    const written = rig.life.log(rig.of).lastIndex - 1;
    assert.ok(written > 10);
    await rig.life.check(rig.of, { index: written });
    const { memtablesSealed, memtableBytes } = rig.engine.stats();
    assert.ok(memtablesSealed <= 2 && memtableBytes <= 3 * 64 * 1024, "bounded");
    space.limit(plenty);
    await rig.until(() => rig.engine.trouble === undefined);
    await rig.life.replayFrom(rig.of, written);
    await rig.table(5);
    await rig.life.check(rig.of);
    await rig.engine.close();
  });

  it("refuses what callers ask of the manifest, and nothing has changed", async () => {
    const rig = await FaultRig.open();
    await rig.table(10);
    const space = rig.disk.limitSpace(0);
    const other = groupId(2);
    await assert.rejects(rig.engine.createIncarnation(other), { code: "storage_full" });
    await assert.rejects(rig.engine.dropIncarnation(group), { code: "storage_full" });
    assert.equal(rig.engine.placeOf(other), undefined);
    assert.equal(rig.engine.placeOf(group)?.incarnation, rig.of);
    space.limit(plenty);
    await rig.table(10);
    await rig.life.check(rig.of);
    const again = await rig.life.reopen();
    assert.deepEqual(again.engine.groups, [group]);
    await again.check(rig.of);
    await again.engine.close();
  });

  it("fails a checkpoint and leaves the engine well", async () => {
    const rig = await FaultRig.open();
    await rig.table(10);
    const space = rig.disk.limitSpace(10);
    await assert.rejects(rig.engine.checkpoint("/data/copy"), { code: "storage_full" });
    assert.equal(rig.engine.trouble, undefined);
    space.limit(plenty);
    await rig.engine.checkpoint("/data/another");
    await rig.engine.close();
    await checkFolder(rig.memory, "/data/another");
  });

  it("stops an ingest, after which the group lies where it lay", async () => {
    const rig = await FaultRig.open();
    await rig.table(10);
    const space = rig.disk.limitSpace(plenty);
    rig.disk.arm({ calls: ["link"], when: 1, fault: { kind: "fail", failure: "full" } });
    const install = (): Promise<unknown> => rig.life.install(group, { tables: 1, perTable: 10, index: 50 });
    await assert.rejects(install(), { code: "storage_full" });
    rig.disk.arm({ calls: ["write"], path: /manifest/, when: 1, fault: { kind: "fail", failure: "full" } });
    await assert.rejects(install(), { code: "storage_full" });
    assert.equal(rig.engine.placeOf(group)?.incarnation, rig.of);
    space.limit(plenty);
    await rig.engine.settle();
    await rig.life.check(rig.of);
    await rig.life.reopen().then((again) => again.engine.close());
    await checkFolder(rig.memory);
  });
});
