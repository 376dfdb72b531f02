// --fsync=interval: written is not durable, but for votes, terms, truncations and marks.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex, term } from "../../internal/base/ids.ts";
import { everythingSurvives, nothingSurvives } from "../disk/power-cut.ts";
import { append, contents, group1, newWorld, open, rest, smallOptions } from "./harness.ts";

const options = { ...smallOptions, fsync: { kind: "interval", milliseconds: 100 } } as const;

describe("log: fsync by interval", () => {
  it("counts entries as written at once and as durable after the interval", async () => {
    const world = newWorld();
    const log = await open(world, options);
    const number = append(log.group(group1), "a");
    await log.whenWritten(number);
    assert.ok(log.durable < number);
    const lost = await open(newWorld(world.disk.clone(nothingSurvives())), options);
    assert.equal(lost.group(group1).lastIndex, 0);
    const killed = await open(newWorld(world.disk.cloneAfterKill()), options);
    assert.deepEqual(await contents(killed.group(group1)), ["1.1 a"]);
    world.time.advance(99);
    await rest();
    assert.ok(log.durable < number);
    world.time.advance(1);
    await log.whenDurable(number);
    const kept = await open(newWorld(world.disk.clone(nothingSurvives())), options);
    assert.deepEqual(await contents(kept.group(group1)), ["1.1 a"]);
  });

  const synced: Readonly<Record<string, (log: Awaited<ReturnType<typeof open>>) => number>> = {
    "a vote and a term": (log) => log.group(group1).setHardState({ term: term(2), vote: 1, commit: logIndex(0) }),
    "a truncation": (log) => log.group(group1).truncateFrom(logIndex(2)),
    "a salvage": (log) => log.group(group1).keepSalvage(lastRecordOf(log)),
    "an installed snapshot": (log) => log.group(group1).installSnapshot(logIndex(9), term(3)),
    "a group's removal": (log) => log.removeGroup(group1),
  };
  for (const [what, stage] of Object.entries(synced)) {
    it(`syncs ${what} before it counts as written, and all before it`, async () => {
      const world = newWorld();
      const log = await open(world, options);
      append(log.group(group1), "a");
      append(log.group(group1), "b");
      await log.whenWritten(log.staged);
      const number = stage(log);
      await log.whenWritten(number as typeof log.written);
      assert.equal(log.durable, number);
      const kept = await open(newWorld(world.disk.clone(nothingSurvives())), options);
      const seen = await open(newWorld(world.disk.clone(everythingSurvives())), options);
      assert.deepEqual(kept.groups(), seen.groups());
      for (const id of kept.groups()) {
        assert.deepEqual(await contents(kept.group(id)), await contents(seen.group(id)));
        assert.deepEqual(kept.group(id).hardState, seen.group(id).hardState);
        assert.equal(kept.group(id).salvage.length, seen.group(id).salvage.length);
      }
    });
  }

  it("makes the end durable before a recovered log answers, whoever wrote it", async () => {
    const world = newWorld();
    const log = await open(world, options);
    await log.whenWritten(append(log.group(group1), "only in the page cache"));
    // The process dies; the machine runs on, and loses power just after the log was opened again.
    const second = newWorld(world.disk.cloneAfterKill());
    const again = await open(second, options);
    assert.ok(again.recovered.unprovenBytes > 0);
    assert.deepEqual(await contents(again.group(group1)), ["1.1 only in the page cache"]);
    const third = await open(newWorld(second.disk.clone(nothingSurvives())), options);
    assert.deepEqual(await contents(third.group(group1)), ["1.1 only in the page cache"]);
  });

  it("leaves no timer behind when all is synced or the log is closed", async () => {
    const world = newWorld();
    const log = await open(world, options);
    await log.whenWritten(append(log.group(group1), "a"));
    assert.equal(world.time.timerCount, 1);
    await log.close();
    assert.equal(world.time.timerCount, 0);
    const again = await open(newWorld(world.disk.clone(nothingSurvives())), options);
    assert.equal(again.recovered.cleanStop, true);
    assert.deepEqual(await contents(again.group(group1)), ["1.1 a"]);
  });
});

function lastRecordOf(log: Awaited<ReturnType<typeof open>>): Uint8Array {
  const group = log.group(group1);
  const slot = { bytes: new Uint8Array(0), start: 0, end: 0 };
  assert.ok(group.find(group.lastIndex, slot));
  return slot.bytes.slice(slot.start, slot.end);
}
