// What a table holds that nobody can ask for any more, judged by its metadata alone.
//
// A table may hold keys of several incarnations, and metadata does not tell which entry is whose. So a
// table counts as collectable only when the horizons of all living incarnations in its range have passed
// its newest stamp: then every tombstone in it is behind its horizon, whoever it belongs to. This makes sure that
// a merge for the sake of garbage finds some, and is never chosen for nothing again and again.

import type { FileNumber, Incarnation, Sequence } from "../../base/ids.ts";
import { neverExpires } from "../../base/stamp.ts";
import type { GarbageHorizon } from "../garbage.ts";
import type { TableMeta } from "../table-meta.ts";
import { firstIncarnation, lastIncarnation } from "./key-ranges.ts";

export interface GarbageRules {
  /** Incarnations that some group has, ascending. */
  readonly living: readonly Incarnation[];
  readonly horizons: ReadonlyMap<Incarnation, GarbageHorizon>;
  /** By dead incarnation: tables from this number on were written without its keys. */
  readonly dead: ReadonlyMap<Incarnation, FileNumber>;
  readonly snapshots: readonly Sequence[];
}

/** How many entries of the table may go, about; more than 0 only when at least one may. */
export function collectable(table: TableMeta, rules: GarbageRules): number {
  if (table.tombstones === 0 && table.expiring === 0) return 0;
  const expiryHorizon = horizonOver(table, rules);
  return expiryHorizon === undefined ? 0 : table.tombstones + expiredEstimate(table, expiryHorizon);
}

/**
 * How many entries of the table are older versions of a key that no snapshot sees. All of them go when the table is
 * merged, whatever lies deeper. Those that a snapshot protects count for nothing until none of them is protected.
 */
export function superseded(table: TableMeta, rules: Pick<GarbageRules, "snapshots">): number {
  const { entries, keys, sequenceLeast, sequenceGreatest } = table;
  // A snapshot at or above the newest sees the newest of each key only, one below the oldest sees none.
  const isProtected = rules.snapshots.some((at) => sequenceLeast <= at && at < sequenceGreatest);
  return isProtected ? 0 : entries - keys;
}

/** Whether every entry of the table may go, provided that none of them hides an older one elsewhere. */
export function allCollectable(table: TableMeta, rules: GarbageRules): boolean {
  if (table.tombstones + table.expiring < table.entries) return false;
  const expiryHorizon = horizonOver(table, rules);
  return expiryHorizon !== undefined && (table.expiring === 0 || table.expiryGreatest <= expiryHorizon);
}

/** Whether all keys of the table are of dead incarnations. */
export function allDead(table: TableMeta, rules: GarbageRules): boolean {
  const last = lastIncarnation(table);
  let of = firstIncarnation(table) as number;
  while (of <= last && rules.dead.has(of as Incarnation)) of++;
  return of > last;
}

/** Whether the table may hold keys of a dead incarnation. */
export function mayHoldDead(table: TableMeta, rules: Pick<GarbageRules, "dead">): boolean {
  if (rules.dead.size === 0) return false;
  for (const dead of rules.dead.keys()) if (mayHoldOf(table, dead, rules)) return true;
  return false;
}

export function mayHoldOf(table: TableMeta, dead: Incarnation, rules: Pick<GarbageRules, "dead">): boolean {
  const cleanFrom = rules.dead.get(dead);
  if (cleanFrom === undefined || table.number >= cleanFrom) return false;
  return firstIncarnation(table) <= dead && dead <= lastIncarnation(table);
}

/** The least expiry horizon over the table's range; undefined when its newest stamp is not behind every watermark. */
function horizonOver(table: TableMeta, rules: GarbageRules): number | undefined {
  if (rules.snapshots.length > 0) return undefined;
  const { living, horizons } = rules;
  const first = firstIncarnation(table);
  const last = lastIncarnation(table);
  let least = Number.POSITIVE_INFINITY;
  for (let at = lowerBound(living, first); at < living.length; at++) {
    const of = living[at] as Incarnation;
    if (of > last) break;
    const horizon = horizons.get(of);
    if (horizon === undefined || table.stampGreatest > horizon.watermark) return undefined;
    least = Math.min(least, horizon.expiryHorizon);
  }
  return least === Number.POSITIVE_INFINITY ? undefined : least;
}

/** As if expiries lay evenly between the least and the greatest. */
function expiredEstimate(table: TableMeta, horizon: number): number {
  const { expiring, expiryLeast, expiryGreatest } = table;
  if (expiring === 0 || expiryLeast === neverExpires || expiryLeast > horizon) return 0;
  if (expiryGreatest <= horizon) return expiring;
  return Math.max(1, (expiring * (horizon - expiryLeast)) / (expiryGreatest - expiryLeast));
}

function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
