// How big each part of the engine's benchmark is, and what of it is wanted.

export interface EnginePlan {
  readonly quick: boolean;
  readonly rounds: number;
  readonly keys: number;
  /** Write buffer of the peer, memtable of Trefoil. */
  readonly memtableBytes: number;
  /** Block cache of both when everything is to fit, and when the data is ten times as large. */
  readonly largeCacheBytes: number;
  readonly smallCacheBytes: number;
  readonly reads: number;
  readonly batch: number;
  readonly writers: number;
  readonly writersSeconds: number;
  readonly calibrationKeys: number;
  readonly limitSeconds: number;
  readonly sequentialBytes: number;
  readonly recoveryRecords: number;
  readonly recoveryTableBytes: number;
}

export const groups = ["limits", "data", "writers", "upkeep", "recovery", "memtable"] as const;
export type Group = (typeof groups)[number];

const mebibyte = 1024 * 1024;
const recordBytes = 120;

export function fullPlan(keys = 1_000_000, rounds = 3): EnginePlan {
  return {
    quick: false,
    rounds,
    keys,
    memtableBytes: 16 * mebibyte,
    largeCacheBytes: 256 * mebibyte,
    smallCacheBytes: Math.round((keys * recordBytes) / 10),
    reads: 300_000,
    batch: 100,
    writers: 64,
    writersSeconds: 3,
    calibrationKeys: 250_000,
    limitSeconds: 1,
    sequentialBytes: 256 * mebibyte,
    recoveryRecords: 500_000,
    recoveryTableBytes: 1024 * mebibyte,
  };
}

/** Under a minute: less data, and smaller memtables with it, so that there still are levels to merge. */
export function quickPlan(keys = 150_000, rounds = 1): EnginePlan {
  return {
    ...fullPlan(keys, rounds),
    quick: true,
    memtableBytes: 4 * mebibyte,
    reads: 60_000,
    writersSeconds: 1,
    calibrationKeys: 40_000,
    limitSeconds: 0.3,
    sequentialBytes: 64 * mebibyte,
    recoveryRecords: 100_000,
    recoveryTableBytes: 128 * mebibyte,
  };
}
