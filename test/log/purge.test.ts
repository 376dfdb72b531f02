// Which segments go, and when: nothing that is needed is lost, and neither an idle group nor a slow one
// holds the disk.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex, term } from "../../internal/base/ids.ts";
import type { Log } from "../../internal/log/log.ts";
import { nothingSurvives } from "../disk/power-cut.ts";
import { append, contents, group1, group2, newWorld, open, rest, until } from "./harness.ts";
import type { World } from "./harness.ts";

const segmentBytes = 4096;
const limits = {
  segmentBytes,
  batchBytesMax: 1024,
  cacheBytesMax: 8192,
  logBytesMax: 6 * segmentBytes,
  flushWantedBytes: 2 * segmentBytes,
};

/** Lets a busy group write `count` records, each of which is flushed and compacted at once. */
async function busy(log: Log, count: number): Promise<void> {
  const group = log.group(group1);
  for (let n = 0; n < count; n++) {
    await log.whenDurable(append(group, "x".repeat(300)));
    group.flushed(group.lastIndex);
    group.compact(group.lastIndex);
  }
  await rest();
}

async function reopened(world: World): Promise<Log> {
  return open(newWorld(world.disk.clone(nothingSurvives())), limits);
}

describe("log: purge", () => {
  it("keeps a segment that a lagging follower needs, until the log is over its bound", async () => {
    const world = newWorld();
    const log = await open(world, limits);
    const slow = log.group(group2);
    for (let n = 0; n < 5; n++) append(slow, `${n} ${"y".repeat(100)}`);
    await log.whenDurable(log.staged);
    // Flushed, but a follower has only the first two.
    slow.flushed(slow.lastIndex);
    slow.compact(logIndex(2));
    await busy(log, 20);
    assert.equal(slow.firstIndex, 3);
    assert.equal((await contents(slow)).length, 3);
    assert.equal(log.counters.segmentsPurged, 0);
    await busy(log, 60);
    assert.equal(slow.firstIndex, 6, "beyond the bound they go");
    assert.ok(log.stats().bytesOnDisk <= limits.logBytesMax + 2 * segmentBytes);
    const again = await reopened(world);
    assert.equal(again.group(group2).firstIndex, 6);
    assert.deepEqual(again.group(group2).base, { index: 5, term: 1 });
  });

  it("keeps what a pinned snapshot needs, beyond any bound, and says by how much it is over", async () => {
    const world = newWorld();
    const log = await open(world, limits);
    const group = log.group(group2);
    for (let n = 0; n < 5; n++) append(group, `${n} ${"y".repeat(100)}`);
    await log.whenDurable(log.staged);
    const pin = group.pin(logIndex(3));
    group.flushed(group.lastIndex);
    group.compact(group.lastIndex);
    assert.equal(group.firstIndex, 4);
    await busy(log, 100);
    assert.deepEqual(
      (await contents(group)).map((line) => line.slice(0, 5)),
      ["1.4 3", "1.5 4"],
    );
    assert.ok(log.stats().bytesOverBound > 0);
    pin.release();
    pin.release();
    await until(() => log.stats().bytesOverBound === 0, "the pinned segments to go");
    assert.equal(group.firstIndex, 6);
  });

  it("asks for a flush when the log has grown far beyond what is not flushed", async () => {
    const log = await open(newWorld(), limits);
    let asked = 0;
    let behind = 0;
    log.onFlushWanted(() => {
      asked++;
      behind = log.stats().bytesSinceFlush;
    });
    await log.whenDurable(append(log.group(group2), "not flushed"));
    await busy(log, 5);
    assert.equal(asked, 0);
    await busy(log, 40);
    assert.ok(asked > 0);
    assert.ok(behind > limits.flushWantedBytes);
    const before = asked;
    log.group(group2).flushed(logIndex(1));
    await busy(log, 3);
    assert.equal(asked, before, "not asked again once it was flushed");
  });

  it("carries what an idle group has not flushed, so that it holds no old segment", async () => {
    const world = newWorld();
    const log = await open(world, limits);
    const idle = log.group(group2);
    idle.setHardState({ term: term(4), vote: 3, commit: logIndex(0) });
    for (let n = 0; n < 3; n++) append(idle, `idle ${n}`, { term: 4 });
    idle.keepSalvage(...(await recordOf(idle)));
    await log.whenDurable(log.staged);
    await busy(log, 300);
    assert.ok(log.counters.carriedEntries >= 3 && log.counters.segmentsPurged > 10);
    assert.ok(log.stats().segments < 10, `${log.stats().segments} segments`);
    const lines = ["4.1 idle 0", "4.2 idle 1", "4.3 idle 2"];
    assert.deepEqual(await contents(idle), lines);
    const again = await reopened(world);
    const group = again.group(group2);
    assert.deepEqual(await contents(group), lines);
    assert.deepEqual(group.hardState, { term: 4, vote: 3, commit: 0 });
    assert.equal(group.salvage.length, 1);
    // Carried entries are entries: what comes next follows them, and a conflict replaces them.
    append(group, "next");
    append(group, "instead", { term: 5, index: 3 });
    await again.whenDurable(again.staged);
    assert.deepEqual(await contents(group), [...lines.slice(0, 2), "5.3 instead"]);
  });

  it("does not carry what was truncated after it was read for that", async () => {
    const world = newWorld();
    const log = await open(world, limits);
    const idle = log.group(group2);
    for (let n = 0; n < 4; n++) append(idle, `old ${n}`);
    await log.whenDurable(log.staged);
    const replaceAt = 30;
    for (let round = 0; round < 60; round++) {
      await busy(log, 2);
      if (round === replaceAt) append(idle, "new 1", { term: 2, index: 2 });
    }
    const lines = ["1.1 old 0", "2.2 new 1"];
    assert.deepEqual(await contents(idle), lines);
    assert.deepEqual(await contents((await reopened(world)).group(group2)), lines);
  });

  it("writes nothing for a hard state or a commit index that says nothing new", async () => {
    const log = await open(newWorld(), limits);
    const group = log.group(group1);
    append(group, "a");
    group.setHardState({ term: term(1), vote: 2, commit: logIndex(1) });
    await log.whenDurable(log.staged);
    const { bytes } = log.counters;
    for (let beat = 0; beat < 1000; beat++) {
      group.setHardState({ term: term(1), vote: 2, commit: logIndex(1) });
      group.noteCommit(logIndex(1));
      if (beat % 100 === 0) await rest(2);
    }
    assert.equal(log.counters.bytes, bytes);
  });

  it("grows by no file when it is opened and closed again and again", async () => {
    const world = newWorld();
    for (let round = 0; round < 20; round++) {
      const log = await open(world, limits);
      await log.whenDurable(append(log.group(group1), `round ${round}`));
      await log.close();
    }
    const log = await open(world, limits);
    assert.equal(log.stats().segments, 1);
    assert.equal((await contents(log.group(group1))).length, 20);
    await log.close();
    assert.equal(world.disk.openFileCount, 0);
    assert.equal(world.time.timerCount, 0);
  });

  it("forgets a removed group, on disk too, and lets its number begin anew", async () => {
    const world = newWorld();
    const log = await open(world, limits);
    const group = log.group(group2);
    group.setHardState({ term: term(9), vote: 1, commit: logIndex(0) });
    append(group, "gone", { term: 9 });
    await log.whenDurable(log.removeGroup(group2));
    assert.throws(() => append(group, "on a dead handle"), /removed/);
    assert.deepEqual(log.groups(), []);
    assert.equal((await reopened(world)).groups().length, 0);
    await log.whenDurable(append(log.group(group2), "anew"));
    assert.deepEqual(await contents((await reopened(world)).group(group2)), ["1.1 anew"]);
  });
});

async function recordOf(group: ReturnType<Log["group"]>): Promise<[Uint8Array]> {
  const read = await group.read(group.lastIndex, group.lastIndex, 1000);
  if (read.kind !== "entries") throw new Error(read.kind);
  const [view] = read.entries;
  if (view === undefined) throw new Error("no entry");
  return [view.bytes.slice(view.start, view.end)];
}
