// The disk fails: a failed write or sync ends the log, a full one does not, a short write is no whole one.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TrefoilError } from "../../internal/base/errors.ts";
import { logIndex, term } from "../../internal/base/ids.ts";
import type { BatchNumber } from "../../internal/log/batch-stager.ts";
import type { Log } from "../../internal/log/log.ts";
import { WorkerDied } from "../../internal/platform/background.ts";
import type { Background } from "../../internal/platform/background.ts";
import { DiskFailure } from "../../internal/platform/disk.ts";
import { FaultDisk } from "../disk/fault-disk.ts";
import type { FaultRule } from "../disk/fault-rules.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { nothingSurvives } from "../disk/power-cut.ts";
import { append, contents, folder, group1, group2, newWorld, open, rest, smallOptions, until } from "./harness.ts";
import type { World } from "./harness.ts";

interface FaultyWorld extends World {
  readonly faults: FaultDisk;
}

function newFaultyWorld(): FaultyWorld {
  const disk = new MemoryDisk();
  const faults = new FaultDisk(disk, { onFailedSync: (path) => disk.dropUnsynced(path) });
  return { ...newWorld(disk, faults), faults };
}

function failing(calls: FaultRule["calls"], path?: RegExp): FaultRule {
  const fault = { kind: "fail", failure: "failed" } as const;
  return { calls, ...(path === undefined ? {} : { path }), when: 1, times: 1, fault };
}

/** The log has failed: every waiter is told, nothing more is taken, and the disk is not written again. */
async function assertEnded(log: Log, world: World): Promise<void> {
  assert.equal(log.failure?.code, "internal");
  assert.equal(log.failure.outcome, "unknown");
  const { operations } = world.disk;
  assert.throws(() => append(log.group(group1), "after the failure"), isFailure);
  const next = (log.staged + 1) as BatchNumber;
  await assert.rejects(log.whenDurable(next), isFailure);
  await assert.rejects(log.whenWritten(next), isFailure);
  world.time.advance(1000);
  await rest();
  assert.equal(world.disk.operations, operations, "something was tried again");
  assert.equal(log.refusal, log.failure);
}

const isFailure = (reason: unknown): boolean =>
  reason instanceof TrefoilError && reason.code === "internal" && reason.message.includes("cannot be written any more");

describe("log: a failed write or sync", () => {
  it("ends the log when a synced write fails, and acknowledges nothing of it", async () => {
    const world = newFaultyWorld();
    const log = await open(world);
    await log.whenDurable(append(log.group(group1), "good"));
    world.faults.arm(failing(["write"]));
    const number = append(log.group(group1), "bad");
    const waiting = Promise.allSettled([log.whenDurable(number), log.whenWritten(number)]);
    assert.deepEqual(
      (await waiting).map((it) => it.status),
      ["rejected", "rejected"],
    );
    assert.ok(log.durable < number && log.written < number);
    await assertEnded(log, world);
    await log.close();
    const again = await open(newWorld(world.disk.clone(nothingSurvives())));
    assert.deepEqual(await contents(again.group(group1)), ["1.1 good"]);
  });

  it("never retries a failed sync: what the kernel dropped is not acknowledged by a second one", async () => {
    const world = newFaultyWorld();
    const log = await open(world, { ...smallOptions, fsync: { kind: "interval", milliseconds: 10 } });
    const number = append(log.group(group1), "buffered");
    await log.whenWritten(number);
    const rule = world.faults.arm({ ...failing(["syncData"]), times: 1 });
    const durable = assert.rejects(log.whenDurable(number), isFailure);
    world.time.advance(10);
    await durable;
    assert.equal(rule.struck, 1);
    assert.ok(log.durable < number);
    await assertEnded(log, world);
  });

  it("does not sync for a vote that waited for a sync that failed", async () => {
    let isArmed = false;
    let syncs = 0;
    const fails: ((reason: Error) => void)[] = [];
    const delay = (name: string): Promise<void> | undefined => {
      if (!isArmed || name !== "syncData") return undefined;
      syncs++;
      return new Promise((_, reject) => fails.push(reject));
    };
    const world = newWorld(new MemoryDisk({ delay }));
    const log = await open(world, { ...smallOptions, fsync: { kind: "interval", milliseconds: 10 } });
    await log.whenWritten(append(log.group(group1), "buffered"));
    isArmed = true;
    world.time.advance(10);
    await until(() => syncs === 1, "the sync of the interval");
    const vote = log.group(group1).setHardState({ term: term(1), vote: 2, commit: logIndex(0) });
    const told = assert.rejects(log.whenWritten(vote), isFailure);
    await rest();
    for (const fail of fails.splice(0)) fail(new DiskFailure("failed", "syncData", folder));
    await told;
    await rest();
    assert.equal(syncs, 1, "a sync after one that failed");
  });

  it("ends the log when a vote's sync fails under an interval, and does not call the vote written", async () => {
    const world = newFaultyWorld();
    const log = await open(world, { ...smallOptions, fsync: { kind: "interval", milliseconds: 10 } });
    world.faults.arm(failing(["syncData"]));
    const number = log.group(group1).setHardState({ term: term(1), vote: 2, commit: logIndex(0) });
    await assert.rejects(log.whenWritten(number), isFailure);
    await assertEnded(log, world);
  });

  it("ends the log when the name of a prepared segment cannot be synced", async () => {
    const world = newFaultyWorld();
    const log = await open(world);
    world.faults.arm(failing(["syncFolder"]));
    const filling = (async () => {
      for (let n = 0; n < 40; n++) await log.whenDurable(append(log.group(group1), "x".repeat(500)));
    })();
    await assert.rejects(filling, isFailure);
    await assertEnded(log, world);
  });

  for (const failure of ["failed", "full"] as const) {
    it(`keeps a purged segment that cannot be taken away (${failure}), and takes it away later, without a gap`, async () => {
      const world = newFaultyWorld();
      const log = await open(world);
      const group = log.group(group1);
      for (let n = 0; n < 40; n++) await log.whenDurable(append(group, "x".repeat(500)));
      const rule = { ...failing(["rename", "remove"], /\.log$/), fault: { kind: "fail", failure } } as const;
      const armed = world.faults.arm({ ...rule, times: 2 });
      const before = log.stats().segments;
      group.flushed(group.lastIndex);
      group.compact(group.lastIndex);
      await until(() => armed.struck > 0, "the removal to fail");
      assert.equal(log.failure, undefined);
      assert.equal(log.stats().segments, before);
      for (let n = 0; n < 40; n++) {
        await log.whenDurable(append(group, `${n} ${"y".repeat(500)}`));
        group.flushed(group.lastIndex);
        group.compact(group.lastIndex);
      }
      await until(() => log.stats().segments < before, "the segments to go");
      await log.close();
      const again = await open(newWorld(world.disk));
      // What was let go of may be there still, as long as nothing is missing behind it.
      const found = await contents(again.group(group1));
      assert.equal(again.group(group1).lastIndex, 80);
      assert.equal(found.length, 80 - again.group(group1).firstIndex + 1);
      await again.close();
    });
  }

  it("tries to take away a purged segment again by itself, when nobody writes", async () => {
    const world = newFaultyWorld();
    const log = await open(world);
    const group = log.group(group1);
    for (let n = 0; n < 40; n++) await log.whenDurable(append(group, "x".repeat(500)));
    const rule = world.faults.arm({ ...failing(["rename", "remove"], /\.log$/), times: 2 });
    group.flushed(group.lastIndex);
    group.compact(group.lastIndex);
    for (let struck = 1; struck <= 2; struck++) {
      await until(() => rule.struck === struck, "the removal to fail");
      await rest();
      assert.equal(log.counters.segmentsPurged, 0);
      world.time.advance(1000);
    }
    await until(() => log.stats().segments === 1, "the segments to go");
    await log.close();
    assert.equal(world.time.timerCount, 0, "a timer is left");
  });

  for (const [what, path] of [
    ["a purged segment", /\.log$/],
    ["a spare file", /\.spare$/],
  ] as const) {
    it(`goes on when a call failed that had given ${what} its new name all the same`, async () => {
      const world = newFaultyWorld();
      const log = await open(world);
      const group = log.group(group1);
      const fault = { kind: "fail", failure: "failed", after: true } as const;
      const rule = world.faults.arm({ ...failing(["rename"], path), fault });
      for (let n = 0; n < 80; n++) {
        const number = append(group, "x".repeat(500));
        // What failed is tried again a second later.
        for (let tries = 0; log.durable < number && tries < 10; tries++) {
          await rest();
          if (log.durable < number) world.time.advance(1000);
        }
        assert.ok(log.durable >= number, `entry ${n + 1} waits for ever: ${log.refusal?.message ?? ""}`);
        group.flushed(group.lastIndex);
        group.compact(group.lastIndex);
      }
      assert.equal(rule.struck, 1);
      world.time.advance(1000);
      await until(() => log.stats().segments <= 2, "the old segments to go");
      await log.close();
    });
  }

  it("lets a purged segment go whose file cannot be closed", async () => {
    const world = newFaultyWorld();
    const log = await open(world);
    const group = log.group(group1);
    for (let n = 0; n < 40; n++) await log.whenDurable(append(group, "x".repeat(500)));
    const rule = world.faults.arm(failing(["close"], /00000001\.log$/));
    group.flushed(group.lastIndex);
    group.compact(group.lastIndex);
    await until(() => log.stats().segments === 1, "the segments to go");
    assert.equal(rule.struck, 1);
    await log.whenDurable(append(group, "goes on"));
    assert.equal(log.failure, undefined);
  });

  it("keeps a segment whose entries cannot be read now, and carries them later", async () => {
    const world = newFaultyWorld();
    const log = await open(world, { ...smallOptions, logBytesMax: 16 * 1024 });
    const [busy, idle] = [log.group(group1), log.group(group2)];
    await log.whenDurable(append(idle, "idle"));
    const rule = world.faults.arm({ ...failing(["read"], /00000001\.log$/), times: 1_000_000 });
    const write = async (): Promise<void> => {
      await log.whenDurable(append(busy, "x".repeat(500)));
      busy.flushed(busy.lastIndex);
      busy.compact(busy.lastIndex);
      await rest(2);
    };
    while (rule.struck < 2) await write();
    assert.equal(log.failure, undefined);
    assert.equal(log.counters.segmentsPurged, 0);
    rule.disarm();
    world.time.advance(1000);
    while (log.counters.segmentsPurged === 0) await write();
    assert.deepEqual(await contents(idle), ["1.1 idle"]);
  });

  it("syncs no name any more once a sync has failed", async () => {
    let isArmed = false;
    const calls: string[] = [];
    let letRename: () => void = () => undefined;
    const delay = (name: string): Promise<void> | undefined => {
      if (!isArmed) return undefined;
      calls.push(name);
      if (name === "rename") return new Promise((resolve) => (letRename = resolve));
      return name === "syncData" ? Promise.reject(new DiskFailure("failed", name, folder)) : undefined;
    };
    const world = newWorld(new MemoryDisk({ delay }));
    const log = await open(world, { ...smallOptions, fsync: { kind: "interval", milliseconds: 10 } });
    const group = log.group(group1);
    await rest();
    isArmed = true;
    while (!calls.includes("rename")) {
      await log.whenWritten(append(group, "x".repeat(500)));
      await rest(2);
    }
    world.time.advance(10);
    await until(() => log.failure !== undefined, "the sync to fail");
    letRename();
    await rest();
    assert.deepEqual(
      calls.filter((name) => name.startsWith("sync")),
      ["syncData"],
    );
  });

  const preparing = async (reason: Error): Promise<{ readonly log: Log; readonly tries: () => number }> => {
    const world = newWorld();
    let tries = 0;
    const background: Background = {
      run: () => {
        tries++;
        return Promise.reject(reason);
      },
      limitRate: () => undefined,
      close: () => Promise.resolve(),
    };
    const seams = { ...world.seams };
    const log = await open({ ...world, seams });
    seams.background = background;
    while (log.refusal === undefined) {
      await log.whenDurable(append(log.group(group1), "x".repeat(200)));
      await rest(2);
    }
    world.time.advance(1000);
    await rest();
    return { log, tries: () => tries };
  };

  it("says that it is busy when the worker died that prepares segments, and tries again", async () => {
    const { log, tries } = await preparing(new WorkerDied("it died"));
    assert.equal(log.refusal?.code, "busy");
    assert.equal(log.failure, undefined);
    assert.equal(tries(), 2);
    await log.close();
  });

  it("ends when a bug prevents the next segment, and does not try again", async () => {
    const { log, tries } = await preparing(new Error("a bug"));
    assert.ok(isFailure(log.failure));
    assert.equal(tries(), 1);
    await log.close();
  });

  it("tells a failure to prepare a segment as what it is, and goes on when it has passed", async () => {
    const world = newFaultyWorld();
    const log = await open(world);
    const group = log.group(group1);
    const armed = world.faults.arm({ ...failing(["openFile"], /\.new$|\.log$/), times: 1000 });
    while (log.refusal === undefined) {
      await log.whenDurable(append(group, "x".repeat(200)));
      await rest(2);
    }
    assert.equal(log.refusal.code, "internal");
    assert.match(log.refusal.message, /cannot prepare its next segment/);
    assert.equal(log.failure, undefined);
    armed.disarm();
    world.time.advance(1000);
    await until(() => log.refusal === undefined, "the next try");
    await log.close();
  });

  it("writes on after a short write where it stopped", async () => {
    const world = newFaultyWorld();
    const log = await open(world);
    const rule = world.faults.arm({
      calls: ["write"],
      when: { chance: [1, 2] },
      times: 1000,
      fault: { kind: "short" },
    });
    const lines: string[] = [];
    for (let n = 1; n <= 60; n++) {
      const text = `${n} ${"x".repeat(n * 7)}`;
      lines.push(`1.${n} ${text}`);
      await log.whenDurable(append(log.group(group1), text));
    }
    assert.ok(rule.struck > 20);
    const again = await open(newWorld(world.disk.clone(nothingSurvives())));
    assert.deepEqual(await contents(again.group(group1)), lines);
  });

  it("calls nothing durable while the disk hangs, so that a leader on it can tell", async () => {
    let release: () => void = () => undefined;
    let isHung = false;
    const hung = new Promise<void>((resolve) => {
      release = resolve;
    });
    const world = newWorld(new MemoryDisk({ delay: (name) => (isHung && name === "write" ? hung : undefined) }));
    const log = await open(world);
    await log.whenDurable(append(log.group(group1), "before"));
    isHung = true;
    const number = append(log.group(group1), "hangs");
    await rest(50);
    assert.ok(log.durable < number && log.written < number);
    release();
    await log.whenDurable(number);
  });
});

describe("log: a full disk", () => {
  it("refuses proposals while no segment can be prepared, loses nothing, and heals when space returns", async () => {
    const world = newFaultyWorld();
    const log = await open(world);
    const group = log.group(group1);
    const lines: string[] = [];
    const put = async (text: string): Promise<void> => {
      lines.push(`1.${lines.length + 1} ${text}`);
      await log.whenDurable(append(group, text));
    };
    await put("before the disk was full");
    const space = world.faults.limitSpace(1000);
    while (log.refusal === undefined) {
      await put("x".repeat(200));
      await rest(2);
    }
    assert.equal(log.refusal.code, "storage_full");
    assert.match(log.refusal.message, /no space for the log in \/data\/log/);
    assert.equal(log.failure, undefined);
    // What is not refused (a vote, say) still finds its place.
    await log.whenDurable(group.setHardState({ term: term(5), vote: 1, commit: logIndex(0) }));
    assert.equal(
      (await world.disk.list(folder)).filter((name) => name.endsWith(".new")).length,
      0,
      "half a file is left",
    );
    world.time.advance(1000);
    await rest();
    assert.notEqual(log.refusal, undefined, "still full");
    space.refill(1_000_000);
    world.time.advance(1000);
    await until(() => log.refusal === undefined, "space to be noticed");
    for (let n = 0; n < 30; n++) await put(`after ${n} ${"y".repeat(300)}`);
    const again = await open(newWorld(world.disk.clone(nothingSurvives())));
    assert.deepEqual(await contents(again.group(group1)), lines);
    assert.equal(again.group(group1).hardState.term, 5);
  });

  it("lets what was staged nevertheless wait for space, bounded by hasRoom", async () => {
    const world = newFaultyWorld();
    const log = await open(world);
    const group = log.group(group1);
    await log.whenDurable(append(group, "first"));
    const space = world.faults.limitSpace(0);
    while (log.hasRoom) {
      append(group, "x".repeat(400));
      await rest(2);
    }
    const { durable } = log;
    const room = log.whenRoom();
    assert.ok(durable < log.staged);
    space.refill(1_000_000);
    world.time.advance(1000);
    await room;
    await log.whenDurable(log.staged);
    const again = await open(newWorld(world.disk.clone(nothingSurvives())));
    assert.equal(again.group(group1).lastIndex, group.lastIndex);
  });

  it("can be closed while it is full, and says of what waited that its outcome is unknown", async () => {
    const world = newFaultyWorld();
    const log = await open(world);
    const group = log.group(group1);
    world.faults.limitSpace(0);
    while (log.hasRoom) {
      append(group, "x".repeat(400));
      await rest(2);
    }
    const waiting = assert.rejects(log.whenDurable(log.staged), (reason: unknown) => {
      return reason instanceof TrefoilError && reason.code === "stopping" && reason.outcome === "unknown";
    });
    await log.close();
    await waiting;
    assert.equal(world.time.timerCount, 0, "a timer is left");
    assert.equal(world.disk.openFileCount, 0, "a file is left open");
  });

  it("heals by itself when a flush frees old segments", async () => {
    const world = newFaultyWorld();
    const log = await open(world);
    const group = log.group(group1);
    for (let n = 0; n < 60; n++) await log.whenDurable(append(group, "x".repeat(500)));
    world.faults.limitSpace(0);
    while (log.refusal === undefined) {
      await log.whenDurable(append(group, "x".repeat(200)));
      await rest(2);
    }
    group.flushed(group.lastIndex);
    group.compact(group.lastIndex);
    await until(() => log.refusal === undefined, "space to be freed");
    for (let n = 0; n < 30; n++) {
      await log.whenDurable(append(group, "y".repeat(300)));
      group.flushed(group.lastIndex);
      group.compact(group.lastIndex);
    }
  });

  it("says so when there is no space to open in", async () => {
    const world = newFaultyWorld();
    const log = await open(world);
    await log.whenDurable(append(log.group(group1), "x".repeat(2000)));
    const disk = world.disk.cloneAfterKill();
    const faults = new FaultDisk(disk);
    faults.limitSpace(100);
    await assert.rejects(open(newWorld(disk, faults)), (reason: unknown) => {
      return reason instanceof TrefoilError && reason.code === "storage_full" && reason.message.includes(folder);
    });
  });
});
