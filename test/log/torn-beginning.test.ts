// The newest segment lost its beginning to a power cut, and batches that were written behind it survived: nothing says that
// the beginning was ever synced, so the log ends before it. Whoever opens the log takes the segment away in several steps,
// and the power may go in each: what is left has to be opened again.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LogOptions } from "../../internal/log/options.ts";
import type { MemoryDisk } from "../disk/memory-disk.ts";
import { everythingSurvives, fixedSurvivals, nothingSurvives } from "../disk/power-cut.ts";
import type { Survival } from "../disk/power-cut.ts";
import { append, contents, group1, newWorld, open, smallOptions } from "./harness.ts";

const options: Partial<LogOptions> = { ...smallOptions, fsync: { kind: "interval", milliseconds: 10 } };

interface Torn {
  readonly disk: MemoryDisk;
  /** What was synced: the segment before. */
  readonly kept: readonly string[];
}

async function tornBeginning(): Promise<Torn> {
  const world = newWorld();
  const log = await open(world, options);
  const group = log.group(group1);
  while (log.stats().segments < 2) await log.whenWritten(append(group, "x".repeat(600)));
  for (let more = 0; more < 3; more++) await log.whenWritten(append(group, "y".repeat(600)));
  const kept = await opened(world.disk.clone(nothingSurvives()));
  return { disk: world.disk.clone(withoutSector(1)), kept };
}

/** All is there but one sector of each file that has something unsynced in it. */
function withoutSector(lost: number): Survival {
  return { ...everythingSurvives(), sector: (sector, sequences) => (sector === lost ? 0 : sequences.length - 1) };
}

async function opened(disk: MemoryDisk): Promise<string[]> {
  const log = await open(newWorld(disk), options);
  const lines = await contents(log.group(group1));
  await log.close();
  return lines;
}

describe("log: a segment whose beginning is torn", () => {
  it("ends before it, although later batches of it are there", async () => {
    const { disk, kept } = await tornBeginning();
    assert.ok(kept.length > 5, "the first segment is there");
    assert.deepEqual(await opened(disk), kept);
  });

  it("is opened again after a power cut at every step of taking it away", async () => {
    const { disk, kept } = await tornBeginning();
    let cuts = 0;
    for (let operation = 1; ; operation++) {
      const first = disk.clone(nothingSurvives());
      first.cutPowerAt(operation);
      const log = await Promise.race([open(newWorld(first), options), first.whenCut]);
      if (log !== undefined) break;
      for (const { name, make } of fixedSurvivals) {
        cuts++;
        const lines = await opened(first.clone(make())).catch((reason: unknown) => {
          throw new Error(`second cut at operation ${operation}, ${name}`, { cause: reason });
        });
        assert.deepEqual(lines, kept, `second cut at operation ${operation}, ${name}`);
      }
    }
    assert.ok(cuts >= 10 * fixedSurvivals.length, `only ${cuts} cuts`);
  });
});
