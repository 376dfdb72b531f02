// One fixed life of a log that goes through every protocol it has: creation, commits, rolls, conflict with
// salvage, flush and purge, recycling, carrying, snapshot, removal, orderly stop, and opening again. The
// enumerated power cuts stop it after each single operation of its disk.

import { TrackedLog } from "./tracked-log.ts";
import type { Engine } from "./tracked-log.ts";
import { lastOf } from "./model.ts";
import { open, rest } from "./harness.ts";
import type { World } from "./harness.ts";
import type { LogOptions } from "../../internal/log/options.ts";
import type { LogCounters } from "../../internal/log/log-stats.ts";
import type { Log } from "../../internal/log/log.ts";

export interface Script {
  /** What was staged so far; the last of several logs when the script opened more than one. */
  tracked: TrackedLog | undefined;
  /** What the first log did, once it was closed. */
  met: Readonly<LogCounters> | undefined;
  /** What a clone must show: greater while a log that was closed in order is not opened again. */
  acknowledged(): number;
}

export function scriptOptions(fsync: LogOptions["fsync"]): Partial<LogOptions> {
  return {
    fsync,
    segmentBytes: 4096,
    batchBytesMax: 1024,
    cacheBytesMax: 8192,
    logBytesMax: 5 * 4096,
    flushWantedBytes: 4096,
    retryMilliseconds: 5,
  };
}

/** Plays the script to its end, or as far as the power lasts. `script` says at any time how far it got. */
export async function play(world: World, options: Partial<LogOptions>, engine: Engine, script: Script): Promise<void> {
  const first = await begin(world, options, engine, script);
  await fill(first, world);
  await conflict(first, world);
  await purge(first, world);
  await carry(first, world);
  await snapshotAndRemoval(first, world);
  script.met = first.log.counters;
  await first.log.close();
  script.acknowledged = () => first.log.staged;
  const again = await open(world, options);
  const second = await first.resume(again, first.log.staged);
  script.tracked = second;
  script.acknowledged = () => second.log.durable;
  second.append(1, "after the stop");
  second.setHardState(1, 9, 3);
  await settled(second.log, world);
}

async function begin(world: World, options: Partial<LogOptions>, engine: Engine, script: Script): Promise<TrackedLog> {
  const tracked = new TrackedLog(await open(world, options), engine);
  script.tracked = tracked;
  script.acknowledged = () => tracked.log.durable;
  tracked.setHardState(1, 1, 2);
  for (const text of ["a", "b", "c"]) tracked.append(1, text);
  await settled(tracked.log, world);
  return tracked;
}

/** Two groups, a batch after the other, over a few segments. */
async function fill(tracked: TrackedLog, world: World): Promise<void> {
  tracked.append(2, "idle from here on");
  for (let round = 0; round < 12; round++) {
    for (let n = 0; n < 3; n++) tracked.append(1, `${round}/${n} ${"x".repeat(120)}`);
    await settled(tracked.log, world);
  }
}

async function conflict(tracked: TrackedLog, world: World): Promise<void> {
  const last = lastOf(tracked.model(1));
  tracked.noteCommit(1, last - 4);
  tracked.setHardState(1, 2, 0);
  tracked.keepSalvage(1, last - 1);
  tracked.keepSalvage(1, last);
  tracked.truncateFrom(1, last - 1);
  tracked.append(1, "instead", { term: 2 });
  tracked.append(1, "and after it");
  await settled(tracked.log, world);
  tracked.dropOldestSalvage(1);
  await settled(tracked.log, world);
}

/** Group 1 is flushed and compacted: old segments go, the next ones are made of them. */
async function purge(tracked: TrackedLog, world: World): Promise<void> {
  for (let round = 0; round < 8; round++) {
    const last = lastOf(tracked.model(1));
    tracked.flush(1, last);
    tracked.compact(1, last);
    for (let n = 0; n < 3; n++) tracked.append(1, `more ${round}/${n} ${"y".repeat(200)}`);
    await settled(tracked.log, world);
    await rest(4);
  }
}

/** Group 2's only entry is old, and not flushed: it is carried on. */
async function carry(tracked: TrackedLog, world: World): Promise<void> {
  for (let round = 0; tracked.log.counters.carriedEntries < 2 && round < 60; round++) {
    tracked.append(1, `carry ${round} ${"z".repeat(300)}`);
    await settled(tracked.log, world);
    const last = lastOf(tracked.model(1));
    tracked.flush(1, last);
    tracked.compact(1, last - 1);
    await rest(4);
  }
}

async function snapshotAndRemoval(tracked: TrackedLog, world: World): Promise<void> {
  tracked.append(3, "short-lived");
  tracked.installSnapshot(2, { index: 50, term: 4 });
  await settled(tracked.log, world);
  tracked.append(2, "behind the snapshot", { term: 4 });
  await settled(tracked.log, world);
  tracked.removeGroup(3);
  await settled(tracked.log, world);
}

/** Until what was staged is durable; under an interval that takes time. */
async function settled(log: Log, world: World): Promise<void> {
  const number = log.staged;
  await log.whenWritten(number);
  if (log.durable < number) world.time.advance(10);
  await log.whenDurable(number);
}
