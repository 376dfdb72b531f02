import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex, term } from "../base/ids.ts";
import { append, contents, group1, group2, newWorld, open } from "../../test/log/harness.ts";
import { nothingSurvives } from "../../test/disk/power-cut.ts";

describe("log", () => {
  it("gives back after a power cut what was durable", async () => {
    const world = newWorld();
    const log = await open(world);
    const one = log.group(group1);
    const two = log.group(group2);
    one.setHardState({ term: term(3), vote: 2, commit: logIndex(0) });
    append(one, "a", { term: 3 });
    append(two, "x");
    const number = append(one, "b");
    await log.whenDurable(number);
    append(one, "never written");
    const after = newWorld(world.disk.clone(nothingSurvives()));
    const again = await open(after);
    assert.deepEqual(again.groups(), [1, 2]);
    assert.deepEqual(await contents(again.group(group1)), ["3.1 a", "3.2 b"]);
    assert.deepEqual(await contents(again.group(group2)), ["1.1 x"]);
    assert.deepEqual(again.group(group1).hardState, { term: 3, vote: 2, commit: 0 });
  });

  it("goes on over many segments, and reads all of it", async () => {
    const world = newWorld();
    let log = await open(world);
    const lines: string[] = [];
    for (let n = 1; n <= 300; n++) {
      if (!log.hasRoom) await log.whenRoom();
      const group = log.group(n % 3 === 0 ? group2 : group1);
      const text = `${n} ${"x".repeat(n % 200)}`;
      await log.whenDurable(append(group, text));
      if (group.group === 1) lines.push(`1.${group.lastIndex} ${text}`);
    }
    assert.deepEqual(await contents(log.group(group1)), lines);
    assert.ok(log.stats().segments > 3);
    await log.close();
    log = await open(newWorld(world.disk.clone(nothingSurvives())));
    assert.equal(log.recovered.cleanStop, true);
    assert.deepEqual(await contents(log.group(group1)), lines);
    log.checkInvariants();
  });

  it("replaces a conflicting suffix", async () => {
    const world = newWorld();
    const log = await open(world);
    const group = log.group(group1);
    for (const text of ["a", "b", "c", "d"]) append(group, text);
    append(group, "B", { term: 2, index: 2 });
    const number = append(group, "C");
    assert.deepEqual(await contents(group), ["1.1 a", "2.2 B", "2.3 C"]);
    await log.whenDurable(number);
    const again = await open(newWorld(world.disk.clone(nothingSurvives())));
    assert.deepEqual(await contents(again.group(group1)), ["1.1 a", "2.2 B", "2.3 C"]);
  });
});
