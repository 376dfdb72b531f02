// A world for one log: the memory disk, jobs inline, turns of the real event loop, and a clock whose
// timers fire only when the test says so.

import { setImmediate as turnOver } from "node:timers/promises";
import { utf8, utf8Text } from "../../internal/base/bytes.ts";
import { groupId, logIndex, term } from "../../internal/base/ids.ts";
import { stamp } from "../../internal/base/stamp.ts";
import type { GroupLog } from "../../internal/log/group-log.ts";
import type { Log } from "../../internal/log/log.ts";
import { openLog } from "../../internal/log/open-log.ts";
import type { LogOptions, LogSeams } from "../../internal/log/options.ts";
import { decodeEntry } from "../../internal/log/record.ts";
import type { BatchNumber } from "../../internal/log/batch-stager.ts";
import type { Clock, Scheduler, Timer } from "../../internal/platform/clock.ts";
import type { Disk } from "../../internal/platform/disk.ts";
import { InlineBackground } from "../disk/inline-background.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";

export const folder = "/data/log";

/** Small enough that every edge is met after a few records. */
export const smallOptions: Partial<LogOptions> = {
  segmentBytes: 8192,
  batchBytesMax: 2048,
  cacheBytesMax: 8192,
  logBytesMax: 64 * 1024,
  flushWantedBytes: 16 * 1024,
};

/** Time that moves only by `advance`. */
export class ManualTime implements Clock, Scheduler {
  private now = 0;
  private timers: { readonly at: number; readonly action: () => void }[] = [];

  wallMilliseconds(): number {
    return 1_700_000_000_000 + this.now;
  }

  monotonicMilliseconds(): number {
    return this.now;
  }

  after(milliseconds: number, action: () => void): Timer {
    const timer = { at: this.now + milliseconds, action };
    this.timers.push(timer);
    return { cancel: () => void (this.timers = this.timers.filter((it) => it !== timer)) };
  }

  afterTurn(action: () => void): void {
    setImmediate(action);
  }

  advance(milliseconds: number): void {
    this.now += milliseconds;
    const due = this.timers.filter((timer) => timer.at <= this.now).sort((a, b) => a.at - b.at);
    this.timers = this.timers.filter((timer) => timer.at > this.now);
    for (const timer of due) timer.action();
  }

  get timerCount(): number {
    return this.timers.length;
  }
}

export interface World {
  readonly disk: MemoryDisk;
  readonly time: ManualTime;
  readonly background: InlineBackground;
  readonly seams: LogSeams;
}

export function newWorld(disk = new MemoryDisk(), seen: Disk = disk, bootId?: string): World {
  const time = new ManualTime();
  const background = new InlineBackground(seen.jobs);
  const machine = { bootId };
  return { disk, time, background, seams: { disk: seen, clock: time, scheduler: time, background, machine } };
}

/** The disk in a machine that was started under this name. */
export function bootWorld(disk: MemoryDisk, bootId: string): World {
  return newWorld(disk, disk, bootId);
}

export function open(world: World, options: Partial<LogOptions> = smallOptions): Promise<Log> {
  return openLog(folder, world.seams, options);
}

/** Lets everything that needs no timer come to rest. */
export async function rest(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await turnOver();
}

/** Waits for a condition, a turn at a time. */
export async function until(condition: () => boolean, what: string, turnsMax = 10_000): Promise<void> {
  for (let turn = 0; turn < turnsMax; turn++) {
    if (condition()) return;
    await turnOver();
  }
  throw new Error(`waited in vain: ${what}`);
}

export const group1 = groupId(1);
export const group2 = groupId(2);

/** Appends the next entry with a text as payload. */
export function append(group: GroupLog, text: string, options: { term?: number; index?: number } = {}): BatchNumber {
  const index = logIndex(options.index ?? group.lastIndex + 1);
  const entryTerm = term(options.term ?? Math.max(1, group.lastTerm));
  return group.append({ term: entryTerm, index, stamp: stamp(index * 10), flags: 0, kind: 7 }, utf8(text));
}

/** Every entry of a group as "term.index text". */
export async function contents(group: GroupLog): Promise<string[]> {
  for (;;) {
    const { firstIndex } = group;
    const lines = await readAll(group);
    // The log may have let go of its beginning meanwhile.
    if (lines !== undefined && group.firstIndex === firstIndex) return lines;
  }
}

async function readAll(group: GroupLog): Promise<string[] | undefined> {
  const lines: string[] = [];
  for (let index = group.firstIndex; index <= group.lastIndex;) {
    const result = await group.read(index, group.lastIndex, 1000);
    if (result.kind === "compacted") return undefined;
    if (result.kind !== "entries") throw new Error(`entry ${index} of group ${group.group}: ${result.kind}`);
    for (const view of result.entries) {
      const entry = decodeEntry(view);
      if (entry.index !== index) throw new Error(`entry ${entry.index} where ${index} was wanted`);
      lines.push(`${entry.term}.${entry.index} ${utf8Text(entry.payload)}`);
      index = logIndex(index + 1);
    }
  }
  return lines;
}
