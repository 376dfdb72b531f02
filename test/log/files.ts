// The files of a log as plain bytes: to damage them, to build a disk of them, to see that nothing changed.

import { hex } from "../../internal/base/bytes.ts";
import { inspectLog } from "../../internal/log/inspect.ts";
import type { LogItem } from "../../internal/log/inspect.ts";
import type { Disk } from "../../internal/platform/disk.ts";
import { MemoryDisk } from "../disk/memory-disk.ts";
import { append, contents, folder, group1, group2, newWorld, open, rest } from "./harness.ts";
import type { World } from "./harness.ts";
import type { Log } from "../../internal/log/log.ts";
import type { LogOptions } from "../../internal/log/options.ts";
import { logIndex, term } from "../../internal/base/ids.ts";

export type Files = Map<string, Uint8Array>;

export async function filesOf(disk: MemoryDisk): Promise<Files> {
  const files: Files = new Map();
  for (const name of await disk.list(folder)) files.set(name, disk.peek(`${folder}/${name}`) ?? new Uint8Array(0));
  return files;
}

export function diskOf(files: ReadonlyMap<string, Uint8Array>): MemoryDisk {
  const disk = new MemoryDisk();
  for (const [name, bytes] of files) disk.put(`${folder}/${name}`, bytes.slice());
  return disk;
}

/** One line a file, for comparing two states of a folder. */
export function fingerprint(files: ReadonlyMap<string, Uint8Array>): string[] {
  return [...files].map(([name, bytes]) => `${name} ${bytes.length} ${hex(bytes)}`).sort();
}

/** Every item of a folder's inspection. */
export async function inspectAll(disk: Disk, path = folder): Promise<LogItem[]> {
  const items: LogItem[] = [];
  for await (const item of inspectLog(disk, path)) items.push(item);
  return items;
}

/** Everything that groups 1 and 2 hold, as text. */
export async function summary(log: Log): Promise<string> {
  const lines: string[] = [];
  for (const id of log.groups()) {
    const group = log.group(id);
    const { term: hardTerm, vote } = group.hardState;
    lines.push(`group ${id} term ${hardTerm} vote ${vote} base ${group.base.index} salvage ${group.salvage.length}`);
    lines.push(...(await contents(group)));
  }
  return lines.join("\n");
}

export const damageOptions: Partial<LogOptions> = {
  segmentBytes: 4096,
  batchBytesMax: 1024,
  cacheBytesMax: 8192,
  logBytesMax: 5 * 4096,
  flushWantedBytes: 4096,
};

/**
 * A log that holds every kind of record, several segments of it, some recycled, not closed: the power went
 * when everything was written. Its last record is an entry in a batch of its own.
 */
export async function logWithEverything(): Promise<{ readonly world: World; readonly log: Log }> {
  const world = newWorld();
  const log = await open(world, damageOptions);
  const [one, two] = [log.group(group1), log.group(group2)];
  two.setHardState({ term: term(1), vote: 1, commit: logIndex(0) });
  append(two, "idle, never flushed");
  const settled = async (): Promise<void> => {
    await log.whenDurable(log.staged);
    await rest(4);
  };
  for (let round = 0; log.counters.carriedEntries === 0 || log.counters.segmentsPurged < 3; round++) {
    for (let n = 0; n < 3; n++) append(one, `${round}/${n} ${"x".repeat(150)}`);
    await settled();
    one.flushed(one.lastIndex);
    one.compact(logIndex(one.lastIndex - 1));
  }
  append(one, "to be discarded");
  await settled();
  one.keepSalvage(...(await lastRecord(log)));
  one.truncateFrom(one.lastIndex);
  append(one, "instead", { term: 2 });
  await settled();
  one.dropSalvage(term(1), one.lastIndex);
  await settled();
  one.keepSalvage(...(await lastRecord(log)));
  log.removeGroup(group2);
  await settled();
  one.installSnapshot(logIndex(one.lastIndex + 10), term(3));
  append(one, "behind the snapshot", { term: 3 });
  await settled();
  // Needed by a follower: several segments stay.
  for (let n = 0; n < 24; n++) {
    append(one, `kept ${n} ${"z".repeat(300)}`);
    await settled();
  }
  append(one, "the last one");
  await settled();
  return { world, log };
}

async function lastRecord(log: Log): Promise<[Uint8Array]> {
  const group = log.group(group1);
  const read = await group.read(group.lastIndex, group.lastIndex, 1000);
  if (read.kind !== "entries") throw new Error(read.kind);
  const [view] = read.entries;
  if (view === undefined) throw new Error("no entry");
  return [view.bytes.slice(view.start, view.end)];
}
