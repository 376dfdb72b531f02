// The power goes after every single operation of a scripted run, and each time the disk is looked at in
// every way in which it may have kept or lost what was not synced. What was acknowledged is there,
// nothing is there that was never staged, and the log goes on from there.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Prng } from "../../internal/base/prng.ts";
import type { LogOptions } from "../../internal/log/options.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { fixedSurvivals, nothingSurvives, randomSurvival } from "../disk/power-cut.ts";
import type { Survival } from "../disk/power-cut.ts";
import { newWorld, open } from "./harness.ts";
import { play, scriptOptions } from "./script.ts";
import type { Script } from "./script.ts";
import { TrackedLog, newEngine } from "./tracked-log.ts";

const modes: readonly LogOptions["fsync"][] = [{ kind: "always" }, { kind: "interval", milliseconds: 10 }];
const randomClones = 2;

describe("log: power cut after every operation", () => {
  for (const fsync of modes) {
    it(`loses nothing acknowledged and invents nothing, fsync ${fsync.kind}`, async () => {
      const options = scriptOptions(fsync);
      const whole = await playUntil(undefined, options);
      const { met } = whole.script;
      assert.ok(met !== undefined && whole.disk.operations > 100, "the script came to its end");
      for (const what of ["commits", "truncations", "segmentsPurged", "carriedEntries"] as const) {
        assert.ok(met[what] > 0, `the script never met: ${what}`);
      }
      for (let operation = 1; operation <= whole.disk.operations; operation++) {
        const cut = await playUntil(operation, options);
        for (const { name, survival } of survivals(operation)) {
          await checkClone(cut, survival, options).catch((reason: unknown) => {
            const what = reason instanceof Error ? reason.message : String(reason);
            throw new Error(`power cut at operation ${operation}, ${name}: ${what}`, { cause: reason });
          });
        }
      }
    });
  }

  it("survives a second cut at every operation of the recovery from the first", async () => {
    const options = scriptOptions({ kind: "interval", milliseconds: 10 });
    const whole = await playUntil(undefined, options);
    let seconds = 0;
    for (let operation = 1; operation <= whole.disk.operations; operation += 7) {
      const cut = await playUntil(operation, options);
      const survival = randomSurvival({ random: new Prng(operation) });
      const kept = cut.disk.clone(survival);
      for (let again = 1; ; again++) {
        const disk = kept.clone(nothingSurvives());
        disk.cutPowerAt(again);
        const opened = await Promise.race([open(newWorld(disk), options), disk.whenCut]);
        if (opened !== undefined) break;
        seconds++;
        const last = newWorld(disk.clone(randomSurvival({ random: new Prng(operation * 1000 + again) })));
        await resume(cut.script, await open(last, options), cut.acknowledged);
      }
    }
    assert.ok(seconds > 100, `only ${seconds} second cuts`);
  });
});

interface Played {
  readonly disk: MemoryDisk;
  readonly script: Script;
  readonly acknowledged: number;
}

async function playUntil(operation: number | undefined, options: Partial<LogOptions>): Promise<Played> {
  const disk = new MemoryDisk();
  if (operation !== undefined) disk.cutPowerAt(operation);
  const script: Script = { tracked: undefined, met: undefined, acknowledged: () => 0 };
  await Promise.race([play(newWorld(disk), options, newEngine(), script), disk.whenCut]);
  return { disk, script, acknowledged: script.acknowledged() };
}

function survivals(operation: number): { readonly name: string; readonly survival: Survival }[] {
  const fixed = fixedSurvivals.map(({ name, make }) => ({ name, survival: make() }));
  const random = Array.from({ length: randomClones }, (_, at) => {
    const seed = operation * 100 + at;
    return { name: `random survival, seed ${seed}`, survival: randomSurvival({ random: new Prng(seed) }) };
  });
  return [...fixed, ...random];
}

/** Opens what is left, goes on, loses power again, and opens that. */
async function checkClone(cut: Played, survival: Survival, options: Partial<LogOptions>): Promise<void> {
  const world = newWorld(cut.disk.clone(survival));
  const tracked = await resume(cut.script, await open(world, options), cut.acknowledged);
  await tracked.check();
  await tracked.log.whenWritten(tracked.append(1, "goes on"));
  if (tracked.log.durable < tracked.log.staged) world.time.advance(10);
  await tracked.log.whenDurable(tracked.log.staged);
  const after = await open(newWorld(world.disk.clone(nothingSurvives())), options);
  await tracked.resume(after, tracked.log.staged);
}

function resume(script: Script, log: Awaited<ReturnType<typeof open>>, acknowledged: number): Promise<TrackedLog> {
  const before = script.tracked ?? new TrackedLog(log, newEngine());
  // Every clone is a machine of its own.
  const engine = { flushed: new Map(before.engine.flushed), installed: new Map(before.engine.installed) };
  const copy = new TrackedLog(before.log, engine);
  copy.moments = before.moments;
  return copy.resume(log, acknowledged);
}
