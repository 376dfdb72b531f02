// Every call that an engine makes to its disk fails once, one after the other. Reads go on, nothing that was
// written is forgotten, and whatever a failure leaves on the disk opens again. What a failed sync means is
// not forgiven: writes are refused from then on, and nothing is tried again.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { groupId } from "../../internal/base/ids.ts";
import { TrefoilError } from "../../internal/base/errors.ts";
import { DiskFailure } from "../../internal/platform/disk.ts";
import type { ArmedRule, FaultCall } from "../disk/fault-rules.ts";

import { checkFolder, engineFolder, EngineLife } from "./engine-life.ts";
import { FaultRig } from "./fault-rig.ts";

const other = groupId(2);

/** Everything that an engine does. A step that fails leaves the rest to be tried, as callers would. */
async function live(rig: FaultRig): Promise<unknown[]> {
  const { engine } = rig;
  const failures: unknown[] = [];
  const step = async (action: () => Promise<unknown>): Promise<void> => {
    await action().catch((failure: unknown) => failures.push(failure));
  };
  for (let round = 0; round < 2; round++) await step(() => rig.table(12, 150));
  await step(() => engine.settle());
  await step(() => engine.createIncarnation(other));
  await step(() => engine.checkpoint("/data/copy"));
  await step(() => rig.table(12, 150));
  await step(() => engine.compactRange(rig.of));
  if (engine.placeOf(other) !== undefined) await step(() => engine.dropIncarnation(other));
  await step(() => rig.table(12, 150));
  await step(() => engine.settle());
  await rig.quiet();
  return failures;
}

async function openRig(): Promise<FaultRig> {
  return FaultRig.open({ levelZeroTrigger: 2, manifestBytesMax: 1024, tableBytes: 4096 });
}

/** Runs the script with one call failing; answers whether that call was ever made. */
async function failAt(
  calls: readonly FaultCall[],
  when: number,
  look: (rig: FaultRig, rule: ArmedRule, failures: readonly unknown[]) => Promise<void>,
): Promise<boolean> {
  const rig = await openRig();
  const rule = rig.disk.arm({
    calls,
    when,
    fault: { kind: "fail", failure: "failed", after: calls.includes("close") },
  });
  const failures = await live(rig);
  if (rule.struck === 0) {
    assert.deepEqual(failures, []);
    rule.disarm();
    await rig.engine.close();
    return false;
  }
  for (const failure of failures) {
    assert.ok(failure instanceof TrefoilError || failure instanceof DiskFailure, String(failure));
  }
  // Reads go on; the one that met the fault may have been ours.
  await rig.life.check(rig.of);
  await look(rig, rule, failures);
  const again = await rig.crash();
  await again.check(rig.of);
  await again.engine.flush();
  await again.engine.settle();
  await again.engine.close();
  await checkFolder(again.disk);
  await rig.engine.close();
  // A job that a failed close ends does not close the rest: the process is not to go on for long.
  if (!calls.includes("close")) assert.equal(rig.memory.openFileCount, 0, "every file was closed");
  return true;
}

/** As failAt, for each call in turn; answers how many there were. */
async function failEach(
  calls: readonly FaultCall[],
  look: (rig: FaultRig, rule: ArmedRule, failures: readonly unknown[]) => Promise<void>,
): Promise<number> {
  let when = 1;
  while (await failAt(calls, when, look)) when++;
  return when - 1;
}

describe("failing calls", () => {
  it("a failed sync in flush, merge, edit or new manifest stays: writes are refused, and nothing is tried again", async () => {
    const count = await failEach(["syncData", "syncFolder"], async (rig, _rule, failures) => {
      if (rig.engine.trouble === undefined) {
        // Only a checkpoint's own files are nobody else's matter.
        assert.match(String(failures[0]), /data\/copy|sync(Folder|Data) \/data:/);
        return;
      }
      assert.equal(rig.engine.trouble.code, "internal");
      assert.match(rig.engine.trouble.message, /sync(Data|Folder) .*writes are refused until/s);
      const { operations } = rig.memory;
      for (let seconds = 0; seconds < 10; seconds++) {
        rig.time.advance(1000);
        await rig.quiet();
      }
      await assert.rejects(rig.engine.flush());
      await assert.rejects(rig.engine.createIncarnation(groupId(9)));
      await rig.quiet();
      assert.equal(rig.memory.operations, operations, "the disk was left alone");
    });
    assert.ok(count > 20, `${count} syncs`);
  });

  it("a sync of the folder that fails for want of space is a failed sync all the same", async () => {
    const rig = await openRig();
    rig.disk.arm({ calls: ["syncFolder"], when: 1, fault: { kind: "fail", failure: "full" } });
    await assert.rejects(rig.table(10), { code: "internal" });
    const { operations } = rig.memory;
    rig.time.advance(10_000);
    await rig.quiet();
    assert.equal(rig.memory.operations, operations, "it is not tried again");
    await rig.life.check(rig.of);
    const again = await rig.crash();
    await again.check(rig.of);
    await again.engine.close();
    await rig.engine.close();
  });

  it("a failed write stays, and loses nothing", async () => {
    const count = await failEach(["write", "rename", "truncate"], async (rig, _rule, failures) => {
      assert.ok(failures.length > 0);
      const isCopy = failures.some((failure) => /data\/copy/.test(String(failure)));
      assert.equal(rig.engine.trouble === undefined, isCopy, String(failures));
    });
    assert.ok(count > 15, `${count} writes`);
  });

  it("a failed open, read, link or look at the folder loses nothing", async () => {
    const count = await failEach(
      ["openFile", "read", "link", "list", "makeFolder", "size", "sizeOf", "freeBytes"],
      () => Promise.resolve(),
    );
    assert.ok(count > 40, `${count} calls`);
  });

  it("asking a full disk for its space may fail too: it is asked again", async () => {
    const rig = await openRig();
    const space = rig.disk.limitSpace(100);
    await assert.rejects(rig.table(10), { code: "storage_full" });
    const rule = rig.disk.arm({
      calls: ["freeBytes"],
      when: 1,
      times: 3,
      fault: { kind: "fail", failure: "failed" },
    });
    space.limit(2 ** 30);
    await rig.until(() => rig.engine.trouble === undefined);
    assert.equal(rule.struck, 3);
    await rig.table(10);
    await rig.life.check(rig.of);
    await rig.engine.close();
  });

  it("a failed removal is forgiven: the next open removes what stayed", async () => {
    const count = await failEach(["remove"], async (rig, _rule, failures) => {
      assert.deepEqual(failures, []);
      assert.equal(rig.engine.trouble, undefined);
      await rig.table(5);
      await rig.life.check(rig.of);
    });
    assert.ok(count > 4, `${count} removals`);
  });

  it("a failed close of a file that was read or replaced does no harm", async () => {
    const count = await failEach(["close"], () => Promise.resolve());
    assert.ok(count > 10, `${count} closings`);
  });

  it("an open that fails, at whatever call, holds no file, and the next one finds everything", async () => {
    const written = await openRig();
    await live(written);
    const disk = written.memory.cloneAfterKill();
    disk.put(`${engineFolder}/000900.table`, new Uint8Array(10));
    let failed = 0;
    for (let when = 1; ; when++) {
      const rig = new FaultRig({}, disk.cloneAfterKill());
      const rule = rig.disk.arm({ calls: everyCall, when, fault: { kind: "fail", failure: "failed" } });
      const open = (): Promise<EngineLife> => EngineLife.open({ seams: rig.seams, engine: {} }, written.life.logs);
      const life = await open().catch((failure: unknown) => {
        assert.ok(failure instanceof DiskFailure || failure instanceof TrefoilError, String(failure));
        failed++;
        return undefined;
      });
      if (life !== undefined) await life.engine.close();
      assert.equal(rig.memory.openFileCount, 0, `files are open after call ${when} failed`);
      rule.disarm();
      const again = await open();
      await again.replay();
      await again.check(written.of);
      await again.engine.close();
      await checkFolder(rig.memory);
      if (rule.struck === 0) break;
    }
    assert.ok(failed > 15, `${failed} failures`);
    await written.engine.close();
  });
});

const everyCall: readonly FaultCall[] = [
  "openFile",
  "read",
  "write",
  "syncData",
  "truncate",
  "size",
  "rename",
  "remove",
  "makeFolder",
  "list",
  "syncFolder",
  "sizeOf",
];
