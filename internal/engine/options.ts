// The engine's settings, their defaults and their bounds. All violations are told at once.

import { TrefoilError } from "../base/errors.ts";

export interface EngineOptions {
  /** Size of one memtable, its index included. */
  readonly memtableBytes: number;
  /** Memtables in memory at most, the active one included; writers wait when all are full. */
  readonly memtablesMax: number;
  /** A block of a table, and a frame of the cache. */
  readonly blockBytes: number;
  readonly bloomBitsPerKey: number;
  readonly blockCacheBytes: number;
  readonly openTablesMax: number;
  /** Memory for indexes and filters of open tables. */
  readonly tableCacheBytes: number;
  /** Target size of a table in the levels above 0. */
  readonly tableBytes: number;
  /** Tables in level 0 at which compaction starts. */
  readonly levelZeroTrigger: number;
  /** Tables in level 0 at which writers wait. */
  readonly levelZeroStop: number;
  /** The deepest level grows to this before another is put in front of it, each `levelFactor` times smaller. */
  readonly levelBaseBytes: number;
  readonly levelFactor: number;
  /** What compaction may write while nothing presses; up to eight times that as level 0 fills. */
  readonly compactionBytesPerSecond: number;
  /** Reads that may be served synchronously within one turn of the event loop. */
  readonly readsNowPerTurn: number;
  /** Size at which a new manifest is begun. */
  readonly manifestBytesMax: number;
  /** How often a full disk is asked whether it has space again. */
  readonly spaceRetryMilliseconds: number;
}

export const engineDefaults: EngineOptions = {
  memtableBytes: 16 * 1024 * 1024,
  memtablesMax: 4,
  blockBytes: 4096,
  bloomBitsPerKey: 10,
  blockCacheBytes: 64 * 1024 * 1024,
  openTablesMax: 512,
  tableCacheBytes: 64 * 1024 * 1024,
  tableBytes: 8 * 1024 * 1024,
  levelZeroTrigger: 4,
  levelZeroStop: 12,
  levelBaseBytes: 128 * 1024 * 1024,
  levelFactor: 10,
  compactionBytesPerSecond: 64 * 1024 * 1024,
  readsNowPerTurn: 256,
  manifestBytesMax: 4 * 1024 * 1024,
  spaceRetryMilliseconds: 1000,
};

const bounds: { readonly [Name in keyof EngineOptions]: readonly [number, number] } = {
  memtableBytes: [64 * 1024, 1024 * 1024 * 1024],
  memtablesMax: [2, 64],
  blockBytes: [512, 16 * 1024],
  bloomBitsPerKey: [1, 32],
  blockCacheBytes: [16 * 1024, 64 * 1024 * 1024 * 1024],
  openTablesMax: [8, 100_000],
  tableCacheBytes: [16 * 1024, 64 * 1024 * 1024 * 1024],
  tableBytes: [4 * 1024, 1024 * 1024 * 1024],
  levelZeroTrigger: [1, 64],
  levelZeroStop: [2, 256],
  levelBaseBytes: [16 * 1024, 64 * 1024 * 1024 * 1024],
  levelFactor: [2, 100],
  compactionBytesPerSecond: [64 * 1024, 64 * 1024 * 1024 * 1024],
  readsNowPerTurn: [0, 1_000_000],
  manifestBytesMax: [1024, 1024 * 1024 * 1024],
  spaceRetryMilliseconds: [1, 3_600_000],
};

/** Fills in defaults and checks; throws `bad_request` that names every violation. */
export function engineOptions(given: Partial<EngineOptions> = {}): EngineOptions {
  const violations = engineViolations(given);
  if (violations.length > 0) throw new TrefoilError("bad_request", `engine settings: ${violations.join("; ")}`);
  return { ...engineDefaults, ...given };
}

/** What is wrong with these settings, each in words. */
export function engineViolations(given: Partial<EngineOptions>): string[] {
  const options: EngineOptions = { ...engineDefaults, ...given };
  const violations: string[] = [];
  for (const name of Object.keys(options)) {
    const range = bounds[name as keyof EngineOptions] as readonly [number, number] | undefined;
    if (range === undefined) {
      violations.push(`${name}: there is no such setting`);
      continue;
    }
    const value: unknown = options[name as keyof EngineOptions];
    if (!Number.isSafeInteger(value) || (value as number) < range[0] || (value as number) > range[1]) {
      violations.push(`${name}: ${String(value)} is not a whole number from ${range[0]} to ${range[1]}`);
    }
  }
  if (options.levelZeroStop <= options.levelZeroTrigger) {
    violations.push(
      `levelZeroStop: ${options.levelZeroStop} must be above levelZeroTrigger, ${options.levelZeroTrigger}`,
    );
  }
  return violations;
}
