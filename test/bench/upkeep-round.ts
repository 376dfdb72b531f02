// What a store costs beside its operations: memory and a held-up event loop while it works, and time until
// it is open again.

import path from "node:path";
import type { Contestant } from "./data-round.ts";
import type { EnginePlan } from "./engine-plan.ts";
import type { FigureTable } from "./figures.ts";

const bulkValueBytes = 1000;

/** Fill, overwrite, settle, read and scan with the small cache, in a process that has nothing else to hold or to do. */
export async function upkeepRound(
  plan: EnginePlan,
  figures: FigureTable,
  sides: readonly Contestant[],
  folder: string,
): Promise<void> {
  for (const { name, process } of sides) {
    await process.call("watchMemory", {});
    await process.call("open", {
      folder: path.join(folder, `${name}-memory`),
      cacheBytes: plan.smallCacheBytes,
      memtableBytes: plan.memtableBytes,
      fsync: "never",
    });
    await process.call("watchLoop", {});
    const call = { first: 0, count: plan.keys, batch: plan.batch, lanes: 16 };
    await process.call("fill", { ...call, order: "made", generation: 0 });
    await process.call("fill", { ...call, order: "stride", generation: 1 });
    await process.call("settle", {});
    const delays = await process.call("watchedLoop", {});
    figures.add("loop max", name, delays.maxMilliseconds);
    figures.add("loop p99.9", name, delays.p999Milliseconds);
    await process.call("read", { keys: "present", count: plan.reads, seed: 1 });
    await process.call("scan", { kind: "whole", count: plan.keys, rangeEntries: 100, seed: 1 });
    const memory = await process.call("watchedMemory", {});
    await process.call("close", {});
    figures.add("memory outside", name, memory.outsideBytes / memory.configuredBytes);
    figures.add("memory resident", name, memory.residentBytes / memory.configuredBytes);
    const mebibytes = (bytes: number): string => (bytes / 1024 / 1024).toFixed(0);
    if (name === "trefoil") {
      figures.note(
        "memory resident",
        `configured ${mebibytes(memory.configuredBytes)} MiB; grew: resident ${mebibytes(memory.residentBytes)}, ` +
          `outside the heap ${mebibytes(memory.outsideBytes)}, heap ${mebibytes(memory.heapBytes)} MiB`,
      );
    }
  }
}

/** Opening after writes that only the log holds, and opening a folder of tables. */
export async function recoveryRound(
  plan: EnginePlan,
  figures: FigureTable,
  sides: readonly Contestant[],
  folder: string,
): Promise<void> {
  for (const { name, process } of sides) {
    const records = plan.recoveryRecords;
    // One put a record, and a memtable that holds them all, so that nothing but the log has them.
    const logged = {
      folder: path.join(folder, `${name}-log`),
      cacheBytes: plan.largeCacheBytes,
      memtableBytes: 256 * 1024 * 1024,
      fsync: "never" as const,
    };
    await process.call("open", logged);
    await process.call("fill", { first: 0, count: records, order: "made", generation: 0, batch: 1, lanes: 64 });
    await process.call("close", {});
    const replayed = await process.call("open", logged);
    figures.add("recovery log", name, records / replayed.seconds);
    await process.call("close", {});
  }
  for (const { name, process } of sides) {
    const tables = {
      folder: path.join(folder, `${name}-tables`),
      cacheBytes: plan.largeCacheBytes,
      memtableBytes: plan.memtableBytes,
      fsync: "never" as const,
    };
    await process.call("open", tables);
    await process.call("bulk", { bytes: plan.recoveryTableBytes, valueBytes: bulkValueBytes });
    await process.call("flush", {});
    await process.call("close", {});
    const opened = await process.call("open", tables);
    await process.call("close", {});
    figures.add("recovery tables", name, opened.seconds);
  }
}
