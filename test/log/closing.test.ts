// Closing a log, and going on with one whose segments and groups go while somebody reads.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TrefoilError } from "../../internal/base/errors.ts";
import { groupId, logIndex } from "../../internal/base/ids.ts";
import { FaultDisk } from "../disk/fault-disk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { nothingSurvives } from "../disk/power-cut.ts";
import { append, contents, folder, group1, group2, newWorld, open, rest, smallOptions, until } from "./harness.ts";
import type { World } from "./harness.ts";

/** A world in which one kind of call, once held, comes back only when it is released. */
function holdingWorld(name: string): World & { hold(): void; release(): void } {
  const waits: (() => void)[] = [];
  let isHeld = false;
  const delay = (called: string): Promise<void> | undefined =>
    isHeld && called === name ? new Promise((resolve) => waits.push(resolve)) : undefined;
  return {
    ...newWorld(new MemoryDisk({ delay })),
    hold: () => void (isHeld = true),
    release: () => {
      isHeld = false;
      for (const end of waits.splice(0)) end();
    },
  };
}

const isStopping = (reason: unknown): boolean => reason instanceof TrefoilError && reason.code === "stopping";

describe("log: closing", () => {
  it("writes and syncs what is in flight and what waits, and ends a second call with the first", async () => {
    for (const fsync of [{ kind: "always" }, { kind: "interval", milliseconds: 10 }] as const) {
      const world = holdingWorld("write");
      const log = await open(world, { ...smallOptions, fsync });
      const group = log.group(group1);
      world.hold();
      append(group, "in flight");
      await rest(2);
      append(group, "waits for the next write");
      const durable = log.whenDurable(log.staged);
      let ended = 0;
      const closing = [log.close(), log.close()].map((it) => it.then(() => ended++));
      await rest(4);
      assert.equal(ended, 0, "a call ended before the log was closed");
      world.release();
      await Promise.all([durable, ...closing]);
      assert.equal(world.disk.openFileCount, 0);
      const again = await open(newWorld(world.disk.clone(nothingSurvives())), smallOptions);
      assert.equal(again.recovered.cleanStop, true);
      assert.equal(again.group(group1).lastIndex, 2);
    }
  });

  it("refuses whatever comes afterwards", async () => {
    const log = await open(newWorld());
    const group = log.group(group1);
    for (let n = 0; n < 40; n++) await log.whenDurable(append(group, "x".repeat(500)));
    await log.close();
    assert.throws(() => append(group, "late"), isStopping);
    assert.throws(() => group.truncateFrom(group.lastIndex), isStopping);
    assert.throws(() => log.removeGroup(group1), isStopping);
    assert.throws(() => log.acceptLoss(), isStopping);
    await assert.rejects(group.read(logIndex(1), logIndex(1), 1000), isStopping);
    await log.whenDurable(log.durable);
    group.flushed(group.lastIndex);
    group.compact(group.lastIndex);
    group.pin(group.lastIndex).release();
    await rest();
    await log.close();
  });

  it("puts no mark behind that of the stop, and waits for the segment that is about to go", async () => {
    const world = holdingWorld("rename");
    const log = await open(world);
    const group = log.group(group1);
    for (let n = 0; n < 60; n++) await log.whenDurable(append(group, "x".repeat(500)));
    await rest();
    world.hold();
    group.flushed(group.lastIndex);
    group.compact(logIndex(20));
    await rest();
    assert.equal(log.counters.segmentsPurged, 0);
    const closing = log.close();
    group.compact(group.lastIndex);
    await rest();
    world.release();
    await closing;
    assert.equal(log.counters.segmentsPurged, 1);
    assert.equal(world.disk.openFileCount, 0);
    const again = await open(newWorld(world.disk.clone(nothingSurvives())));
    assert.equal(again.recovered.cleanStop, true);
    assert.equal(again.group(group1).lastIndex, 60);
  });

  it("ends although old segments wait for a mark that there is no space for", async () => {
    const disk = new MemoryDisk();
    const faults = new FaultDisk(disk);
    const world = newWorld(disk, faults);
    const log = await open(world);
    const group = log.group(group1);
    for (let n = 0; n < 60; n++) await log.whenDurable(append(group, "x".repeat(500)));
    faults.limitSpace(0);
    while (log.hasRoom) {
      append(group, "x".repeat(400));
      await rest(2);
    }
    group.flushed(logIndex(50));
    group.compact(logIndex(50));
    await rest();
    assert.equal(log.counters.segmentsPurged, 0);
    await log.close();
    assert.equal(world.time.timerCount, 0, "a timer is left");
    assert.equal(disk.openFileCount, 0);
  });

  it("leaves no file open when a log cannot be opened", async () => {
    const first = newWorld();
    const log = await open(first);
    for (let n = 0; n < 60; n++) await log.whenDurable(append(log.group(group1), "x".repeat(500)));
    assert.ok(log.stats().segments > 2);
    // Each call of an opening fails once; recovery reads all files before any is opened for good.
    for (let call = 1; ; call++) {
      const disk = first.disk.cloneAfterKill();
      const faults = new FaultDisk(disk);
      const fault = { kind: "fail", failure: "failed" } as const;
      const rule = faults.arm({
        calls: ["openFile", "read", "write", "rename", "syncFolder"],
        when: call,
        times: 1,
        fault,
      });
      const outcome = await open(newWorld(disk, faults)).catch((reason: unknown) => reason);
      if (rule.struck === 0) break;
      if (outcome instanceof TrefoilError) assert.equal(disk.openFileCount, 0, `call ${call}: ${outcome.message}`);
      assert.ok(call < 1000);
    }
  });

  it("refuses to open where there is no space to say what run this is, and waits for none", async () => {
    const options = { ...smallOptions, fsync: { kind: "interval", milliseconds: 10 } } as const;
    const first = newWorld();
    const log = await open(first, options);
    append(log.group(group1), "a");
    await log.close();
    const disk = first.disk.clone(nothingSurvives());
    const faults = new FaultDisk(disk);
    faults.limitSpace(0);
    await assert.rejects(open(newWorld(disk, faults), options), (reason: unknown) => {
      return reason instanceof TrefoilError && reason.code === "storage_full" && reason.message.includes(folder);
    });
    assert.equal(disk.openFileCount, 0);
    const again = await open(newWorld(disk.clone(nothingSurvives())), options);
    assert.deepEqual(await contents(again.group(group1)), ["1.1 a"]);
  });
});

describe("log: reading what is about to go", () => {
  it("keeps the file of a segment as long as an entry is read from it", async () => {
    const world = holdingWorld("read");
    const log = await open(world);
    const group = log.group(group1);
    // Larger than the block that is read first: it takes a second read.
    await log.whenDurable(append(group, "l".repeat(150_000)));
    for (let n = 0; n < 60; n++) await log.whenDurable(append(group, "x".repeat(500)));
    world.hold();
    const reading = group.read(logIndex(1), logIndex(1), 1000);
    await rest(2);
    const { segments } = log.stats();
    group.flushed(group.lastIndex);
    group.compact(group.lastIndex);
    await until(() => log.stats().segments < segments, "the segment to leave the log");
    world.release();
    assert.deepEqual(await reading, { kind: "compacted", firstIndex: group.firstIndex });
    await until(() => log.counters.segmentsPurged > 2, "the segments to go");
    assert.equal(log.failure, undefined);
    await log.close();
    assert.equal(world.disk.openFileCount, 0);
  });

  it("says of a removed group that its entries are gone, to a reader under way too", async () => {
    const world = holdingWorld("read");
    const log = await open(world);
    const [group, other] = [log.group(group2), log.group(group1)];
    for (let n = 0; n < 60; n++) await log.whenDurable(append(group, "x".repeat(500)));
    const { lastIndex } = group;
    world.hold();
    const reading = group.read(logIndex(1), logIndex(3), 1000);
    await rest(2);
    await log.whenDurable(log.removeGroup(group2));
    world.release();
    const gone = { kind: "compacted", firstIndex: lastIndex + 1 };
    assert.deepEqual(await reading, gone);
    for (let n = 0; n < 60; n++) await log.whenDurable(append(other, "y".repeat(500)));
    assert.deepEqual(await group.read(logIndex(1), logIndex(3), 1000), gone);
    assert.equal(group.readNow(logIndex(lastIndex), logIndex(lastIndex), 1000), undefined);
  });
});

describe("log: memory of the index", () => {
  it("does not stay as large as it was when groups were busy", async () => {
    const log = await open(newWorld(), { ...smallOptions, segmentBytes: 65_536, cacheBytesMax: 65_536 });
    const groups = Array.from({ length: 40 }, (_, at) => log.group(groupId(at + 1)));
    for (const group of groups) {
      // As many entries as the cache holds, so that each has its place in memory.
      for (let n = 0; n < 1500; n++) {
        append(group, "");
        if (!log.hasRoom) await log.whenRoom();
      }
      await log.whenDurable(log.staged);
      group.flushed(group.lastIndex);
      group.compact(group.lastIndex);
      await rest();
    }
    const { indexBytes, cacheBytes, segments } = log.stats();
    assert.ok(segments < 5, `${segments} segments`);
    // Eight bytes for each cached entry of 40, doubled while it grows, and little for every group.
    const most = 2 * 2 * (cacheBytes / 40) * 8 + groups.length * 512;
    assert.ok(indexBytes <= most, `${indexBytes} bytes of index, at most ${most}`);
    log.checkInvariants();
  });
});
