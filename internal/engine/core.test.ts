import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { EngineLife } from "../../test/engine/engine-life.ts";
import { ManualTime, seamsOn, tinyOptions } from "../../test/engine/engine-rig.ts";
import { Holds } from "../../test/engine/holds.ts";
import { groupId } from "../base/ids.ts";
import type { Incarnation } from "../base/ids.ts";

const group = groupId(1);
const options = { ...tinyOptions, manifestBytesMax: 1024, levelZeroTrigger: 4 };

/** An engine that has just installed a snapshot of 20 records and has not yet removed the manifest that this replaced. */
async function amidInstall(): Promise<{ life: EngineLife; holds: Holds; installed: Promise<Incarnation> }> {
  const holds = new Holds();
  const life = await EngineLife.open({ seams: seamsOn(holds.disk, new ManualTime(), 1), engine: options });
  await life.fill(await life.create(group), 10);
  await life.engine.flush();
  // Groups enough for the next edit to need a new manifest.
  const rotations = (): number => life.engine.stats().manifest.rotations;
  for (let number = 2; life.engine.stats().manifest.bytesWritten < 980; number++) await life.create(groupId(number));
  assert.equal(rotations(), 0);
  holds.start("remove");
  const installed = life.install(group, { tables: 1, perTable: 20, index: 50 });
  await turnsUntil(() => holds.waiting > 0);
  assert.equal(rotations(), 1);
  return { life, holds, installed };
}

describe("a change of state", () => {
  it("shows with its tables or not at all, a new manifest being begun", async () => {
    const { life, holds, installed } = await amidInstall();
    const of = life.engine.placeOf(group)?.incarnation as Incarnation;
    await life.check(of, { now: 100 });
    holds.release();
    await installed;
    await life.check(life.engine.placeOf(group)?.incarnation as Incarnation);
    await life.engine.close();
  });

  it("is in a checkpoint with its tables or not at all, a new manifest being begun", async () => {
    const { life, holds, installed } = await amidInstall();
    await life.engine.checkpoint("/data/copy");
    holds.release();
    await installed;
    await life.engine.close();
    const seams = seamsOn(holds.disk, new ManualTime(), 2);
    const copy = await EngineLife.open({ seams, engine: options, folder: "/data/copy" }, life.logs);
    await copy.check(copy.engine.placeOf(group)?.incarnation as Incarnation, { now: 100 });
    await copy.engine.close();
  });
});

async function turnsUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
