// The power goes after every single disk operation of a scripted life of a store: while it is made, written,
// flushed, merged, copied, closed; while its log rolls and purges and its manifest is switched. Every disk
// that such a cut may leave holds what was acknowledged, nothing that was never sent, and no batch in part.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Prng } from "../../internal/base/prng.ts";
import type { StoreOptions } from "../../internal/store/options.ts";
import { cutEverywhere } from "../disk/cut-everywhere.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { nothingSurvives, randomSurvival } from "../disk/power-cut.ts";
import { seededDelay } from "../disk/seeded-delay.ts";
import { ManualTime, tinyOptions } from "../engine/engine-rig.ts";
import { Life } from "./life.ts";
import type { World } from "./life.ts";
import { Oracle } from "./oracle.ts";
import { Workload } from "./workload.ts";
import { livesUnderPowerCuts, noCounts } from "./power-cuts.ts";

const options: Partial<StoreOptions> = {
  engine: {
    ...tinyOptions,
    tableBytes: 4096,
    levelZeroTrigger: 2,
    levelBaseBytes: 16_384,
    manifestBytesMax: 1024,
  },
  log: { segmentBytes: 8192, batchBytesMax: 2048, cacheBytesMax: 8192, logBytesMax: 65_536, flushWantedBytes: 65_536 },
};

function worldOf(disk: MemoryDisk, oracle: Oracle, seed: number, time = new ManualTime()): World {
  return { disk, time, random: new Prng(seed), oracle, isOver: false };
}

/** Every protocol of log and engine, some of them at once. */
async function script(world: World): Promise<Life> {
  const life = await Life.begin(world, options);
  for (let round = 1; round <= 6; round++) {
    await life.burst(10);
    await life.quiet();
    await life.store.flush();
    if (round === 2) await life.checkpoint();
    if (round === 3) world.time.advance(6000);
  }
  await Promise.all([life.burst(10), life.store.compact()]);
  await life.check();
  await life.close();
  return life;
}

describe("store: power cut", () => {
  it("after every disk operation of a scripted life loses nothing acknowledged and invents nothing", async () => {
    const random = new Prng(1);
    const disk = new MemoryDisk({ delay: seededDelay(random.split("delay"), 3) });
    const oracle = new Oracle(new Workload(1, { valueBytesMax: 900 }));
    const time = new ManualTime();
    let life: Life | undefined;
    let checked = 0;
    const { operations, cuts } = await cutEverywhere({
      disk,
      random,
      randomCuts: 0,
      script: async () => {
        life = await script(worldOf(disk, oracle, 1, time));
      },
      state: () => oracle.fork(),
      check: async (left, { state }) => {
        // Each clone is a machine of its own, whose clock has moved on.
        const after = new ManualTime();
        after.advance(time.wallMilliseconds() - after.wallMilliseconds() + 1);
        const world = worldOf(left, state.fork().losePower(), ++checked, after);
        const next = await Life.begin(world, options);
        if (checked % 4 !== 0) return;
        // It goes on from there, and what it then acknowledges outlives the next cut.
        await next.burst(3);
        if (checked % 3 === 0) await next.store.flush();
        await next.quiet();
        world.isOver = true;
        const oracleAfter = world.oracle.losePower();
        await Life.begin(worldOf(left.clone(nothingSurvives()), oracleAfter, checked, after), options);
      },
    });
    const stats = life?.stats;
    assert.ok(stats !== undefined && operations > 180 && cuts > 1000, `${operations} operations, ${cuts} cuts`);
    const { engine, log } = stats;
    assert.ok(engine.flush.flushes >= 4 && engine.compaction.merges > 0, "it flushed and merged");
    assert.ok(engine.manifest.rotations > 0 && log.counters.segmentsPurged > 0, "manifest and log rolled");
    assert.equal(life?.checkpoints, 1);
  });

  it("while a store is made, whatever names survive, leaves a folder in which it can be made or opened", async () => {
    for (const seed of [1, 2]) {
      const random = new Prng(seed);
      const disk = new MemoryDisk();
      const oracle = new Oracle(new Workload(seed));
      const { operations } = await cutEverywhere({
        disk,
        random,
        randomCuts: 8,
        script: async () => {
          const life = await Life.begin(worldOf(disk, oracle, seed), options);
          await life.quiet();
        },
        state: () => oracle.fork(),
        check: async (left, { state }) => {
          await Life.begin(worldOf(left, state.fork().losePower(), seed), options);
        },
      });
      assert.ok(operations > 20, `${operations} operations`);
    }
  });

  it("at every operation of the recovery from another one loses nothing", async () => {
    const random = new Prng(2);
    const disk = new MemoryDisk();
    const oracle = new Oracle(new Workload(2, { valueBytesMax: 900 }));
    const time = new ManualTime();
    const left: { readonly disk: MemoryDisk; readonly state: Oracle }[] = [];
    disk.onOperation((_name, _path, operation) => {
      if (operation % 18 === 0)
        left.push({ disk: disk.clone(randomSurvival({ random })), state: oracle.fork().losePower() });
    });
    await script(worldOf(disk, oracle, 2, time));
    let seconds = 0;
    for (const { disk: first, state } of left) {
      for (let again = 1; ; again++) {
        const recovering = first.clone(nothingSurvives());
        recovering.cutPowerAt(again);
        const world = worldOf(recovering, state.fork(), again, time);
        const opened = await Promise.race([Life.begin(world, options), recovering.whenCut]);
        world.isOver = true;
        if (opened !== undefined) break;
        seconds++;
        await Life.begin(worldOf(recovering.clone(randomSurvival({ random })), state.fork(), again, time), options);
      }
    }
    assert.ok(left.length > 6 && seconds > 100, `${left.length} first cuts, ${seconds} second ones`);
  });

  it("at random moments of many lives of one disk, with short writes, loses nothing", async () => {
    const counts = noCounts();
    // In this story the mark of a store once survived, and the names of its parts did not.
    await livesUnderPowerCuts(384_846, counts);
    // In this one the power went while a segment whose beginning was torn was taken away.
    await livesUnderPowerCuts(625_264, counts, "renames");
    for (let seed = 1; seed <= 4; seed++) {
      await livesUnderPowerCuts(seed, counts, seed % 3 === 0 ? "renames" : "anywhere").catch((reason: unknown) => {
        throw new Error(`seed ${seed}`, { cause: reason });
      });
    }
    for (const [what, count] of Object.entries(counts)) assert.ok(count > 0, `the lives never met: ${what}`);
  });
});
