// Under --fsync=interval the machine's end takes what was answered last. A log that was opened again says
// whether that may have happened, until its owner has dealt with it (rule 19).

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Log } from "../../internal/log/log.ts";
import type { LogOptions } from "../../internal/log/options.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { everythingSurvives, nothingSurvives } from "../disk/power-cut.ts";
import { append, bootWorld, contents, group1, open, rest, smallOptions } from "./harness.ts";
import type { World } from "./harness.ts";

const always: Partial<LogOptions> = { ...smallOptions, fsync: { kind: "always" } };
const interval: Partial<LogOptions> = { ...smallOptions, fsync: { kind: "interval", milliseconds: 10 } };

/** A run under boot 1 that answered something and has not ended. */
async function running(options: Partial<LogOptions>): Promise<{ readonly world: World; readonly log: Log }> {
  const world = bootWorld(new MemoryDisk(), "boot 1");
  const log = await open(world, options);
  await log.whenWritten(append(log.group(group1), "answered"));
  return { world, log };
}

async function mayHaveLost(disk: MemoryDisk, bootId: string, options = interval): Promise<boolean> {
  return (await open(bootWorld(disk, bootId), options)).mayHaveLost;
}

describe("log: a tail that may be lost", () => {
  it("is told after the machine's end, whatever survived of it and whatever the mode is now", async () => {
    const { world } = await running(interval);
    for (const options of [interval, always]) {
      for (const survival of [nothingSurvives(), everythingSurvives()]) {
        assert.equal(await mayHaveLost(world.disk.clone(survival), "boot 2", options), true);
      }
    }
  });

  it("is not told after the process's end, an orderly stop, or a run whose answers were synced", async () => {
    const { world, log } = await running(interval);
    const killed = world.disk.cloneAfterKill();
    assert.equal(await mayHaveLost(killed, "boot 1"), false);
    await log.close();
    assert.equal(await mayHaveLost(world.disk.clone(nothingSurvives()), "boot 2"), false);
    const synced = await running(always);
    assert.equal(await mayHaveLost(synced.world.disk.clone(nothingSurvives()), "boot 2"), false);
  });

  it("is told although the log was stopped in order before, and nothing of the last run is left", async () => {
    const { world, log } = await running(interval);
    await log.close();
    const second = bootWorld(world.disk.clone(nothingSurvives()), "boot 2");
    const again = await open(second, interval);
    await again.whenWritten(append(again.group(group1), "answered, and lost"));
    const third = await open(bootWorld(second.disk.clone(nothingSurvives()), "boot 3"), interval);
    assert.deepEqual(await contents(third.group(group1)), ["1.1 answered"]);
    assert.equal(third.mayHaveLost, true);
  });

  it("is told where the machine cannot say whether it was started again", async () => {
    const { world } = await running(interval);
    const [unknown, log] = [bootWorld(world.disk.cloneAfterKill(), "boot 1"), interval];
    assert.equal(
      (await open({ ...unknown, seams: { ...unknown.seams, machine: { bootId: undefined } } }, log)).mayHaveLost,
      true,
    );
  });

  it("is told again through stops, crashes and purged segments, until it is accepted", async () => {
    const { world } = await running(interval);
    const second = bootWorld(world.disk.clone(nothingSurvives()), "boot 2");
    const log = await open(second, interval);
    const group = log.group(group1);
    while (log.counters.segmentsPurged < 3) {
      await log.whenWritten(append(group, "x".repeat(500)));
      second.time.advance(10);
      await log.whenDurable(log.staged);
      group.flushed(group.lastIndex);
      group.compact(group.lastIndex);
      await rest(4);
    }
    assert.equal(await mayHaveLost(second.disk.cloneAfterKill(), "boot 2"), true);
    await log.close();
    const third = bootWorld(second.disk.clone(nothingSurvives()), "boot 3");
    const owner = await open(third, always);
    assert.equal(owner.mayHaveLost, true);
    owner.removeGroup(group1);
    await owner.whenDurable(owner.acceptLoss());
    assert.equal(owner.mayHaveLost, false);
    const last = await open(bootWorld(third.disk.clone(nothingSurvives()), "boot 4"), interval);
    assert.equal(last.mayHaveLost, false);
    assert.deepEqual(last.groups(), []);
  });

  it("costs a log that is always synced nothing", async () => {
    const { world, log } = await running(always);
    await log.close();
    const { operations } = world.disk;
    const again = await open(bootWorld(world.disk, "boot 2"), always);
    assert.equal(world.disk.operations, operations);
    assert.equal(again.acceptLoss(), 0);
    await again.close();
    assert.equal(world.disk.operations, operations);
  });
});
