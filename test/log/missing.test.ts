// Segments that are gone, in every combination: the log misses them, or nothing in them was needed.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TrefoilError } from "../../internal/base/errors.ts";
import { logIndex } from "../../internal/base/ids.ts";
import type { Log } from "../../internal/log/log.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { nothingSurvives } from "../disk/power-cut.ts";
import { append, folder, group1, group2, newWorld, open, rest } from "./harness.ts";
import type { World } from "./harness.ts";
import { damageOptions, diskOf, filesOf, fingerprint, logWithEverything, summary } from "./files.ts";
import type { Files } from "./files.ts";

const patientOptions = { ...damageOptions, logBytesMax: 1_000_000, flushWantedBytes: 1_000_000 };

interface Made {
  readonly world: World;
  readonly log: Log;
}

/** A log that just began its newest segment, and has nothing prepared behind it. */
async function filled(segments: number): Promise<Made> {
  const world = newWorld();
  const log = await open(world, patientOptions);
  for (let n = 0; log.stats().segments < segments; n++) {
    await log.whenDurable(append(log.group(group1), `${n} ${"x".repeat(150)}`));
  }
  await log.whenDurable(append(log.group(group2), "in the newest"));
  await rest();
  return { world, log };
}

/** As filled, and every segment but the newest went. */
async function purged(): Promise<Made> {
  const { world, log } = await filled(3);
  const group = log.group(group1);
  log.group(group2).flushed(logIndex(1));
  group.flushed(group.lastIndex);
  group.compact(group.lastIndex);
  await rest();
  assert.equal(log.stats().segments, 1);
  return { world, log };
}

const lives: Readonly<Record<string, () => Promise<Made>>> = {
  "one segment": () => filled(1),
  "two segments": () => filled(2),
  "five segments": () => filled(5),
  "five segments, closed in order": async () => {
    const made = await filled(5);
    await made.log.close();
    return made;
  },
  "one segment and a spare": purged,
  "records of every kind": logWithEverything,
};

describe("log: missing segments", () => {
  for (const [name, make] of Object.entries(lives)) {
    it(`are missed in every combination, or held nothing that was needed: ${name}`, async () => {
      const { world, log } = await make();
      const files = await filesOf(world.disk.clone(nothingSurvives()));
      const expected = await reopened(files);
      const begun = segmentNames(files).slice(0, log.stats().segments);
      let refused = 0;
      for (let which = 1; which < 2 ** begun.length; which++) {
        const gone = begun.filter((_, at) => (which & (1 << at)) !== 0);
        const left = new Map([...files].filter(([file]) => !gone.includes(file)));
        if (await refuses(left, gone)) refused++;
        else assert.equal(await reopened(left), expected, `nothing misses ${gone.join()}`);
      }
      // Without the newest, nothing is as it was.
      assert.ok(refused >= 2 ** (begun.length - 1), `refused ${refused}`);
    });
  }

  it("is not said of a segment that was prepared and never begun", async () => {
    const { world, log } = await filled(4);
    const group = log.group(group1);
    while (segmentNames(await filesOf(world.disk)).length === log.stats().segments) {
      await log.whenDurable(append(group, "z".repeat(100)));
      await rest();
    }
    const expected = await summary(log);
    const files = await filesOf(world.disk.clone(nothingSurvives()));
    files.delete(segmentNames(files).at(-1) as string);
    assert.equal(await reopened(files), expected);
  });

  it("is not said of a log whose making was cut short", async () => {
    const disk = new MemoryDisk();
    disk.put(`${folder}/00000001.new`, new Uint8Array(100));
    const log = await open(newWorld(disk), patientOptions);
    await log.close();
    assert.deepEqual(await disk.list(folder), ["00000001.log", "begun"]);
  });
});

function segmentNames(files: Files): string[] {
  return [...files.keys()].filter((name) => name.endsWith(".log"));
}

async function reopened(files: Files): Promise<string> {
  return summary(await open(newWorld(diskOf(files)), patientOptions));
}

/** Whether opening is refused; if so, with a word about one that is gone, and without a change. */
async function refuses(files: Files, gone: readonly string[]): Promise<boolean> {
  const disk = diskOf(files);
  // A disk knows a folder by its files.
  await disk.makeFolder(folder);
  const { operations } = disk;
  try {
    await open(newWorld(disk), patientOptions);
    return false;
  } catch (reason) {
    assert.ok(reason instanceof TrefoilError && reason.code === "corruption", String(reason));
    assert.match(reason.message, /missing|no valid batch|damaged/, gone.join());
    assert.equal(disk.operations, operations, "the disk was changed");
    assert.deepEqual(fingerprint(await filesOf(disk)), fingerprint(files));
    return true;
  }
}
