// Decides what to merge next: a pure function from a version and its circumstances to a choice.
//
//   1. tables that hold nothing any more are dropped unread
//   2. the level that is furthest above its target is merged into the next (level 0 counts tables)
//   3. with nothing else to do, tables with garbage that may be collected are rewritten or pushed down
//
// Every choice makes progress, so that a caller who asks again and again comes to an end.

import type { Incarnation, Sequence } from "../../base/ids.ts";
import { neverExpires } from "../../base/stamp.ts";
import type { GarbageHorizon } from "../garbage.ts";
import type { KeyRange, TableMeta } from "../table-meta.ts";
import { bytesOf, deepestLevel } from "../version/version.ts";
import type { PlacedTable, Version } from "../version/version.ts";
import { connected, firstIncarnation, lastIncarnation, overlap, overlapping, spanOf } from "./key-ranges.ts";
import { levelTargets } from "./level-targets.ts";
import type { LevelShape, LevelTargets } from "./level-targets.ts";

export interface PickerOptions extends LevelShape {
  readonly levelZeroTrigger: number;
}

export interface Circumstances {
  readonly options: PickerOptions;
  readonly horizons: ReadonlyMap<Incarnation, GarbageHorizon>;
  readonly dead: ReadonlySet<Incarnation>;
  readonly snapshots: readonly Sequence[];
}

export type CompactionChoice =
  /** Nothing in these tables can be asked for: an edit removes them. */
  | { readonly kind: "drop"; readonly tables: readonly PlacedTable[] }
  /** The table meets nothing in the level below: an edit moves it. */
  | { readonly kind: "move"; readonly table: PlacedTable; readonly to: number }
  | {
      readonly kind: "merge";
      readonly inputs: readonly PlacedTable[];
      readonly to: number;
      readonly reason: MergeReason;
    };

export type MergeReason = "level 0" | "size" | "garbage" | "range";

export function pickCompaction(version: Version, circumstances: Circumstances): CompactionChoice | undefined {
  const droppable = tablesToDrop(version, circumstances);
  if (droppable.length > 0) return { kind: "drop", tables: droppable };
  const targets = levelTargets(version, circumstances.options);
  return pickBySize(version, circumstances.options, targets) ?? pickGarbage(version, circumstances, targets);
}

/** How far each level is above its target; 1 and more wants a merge. */
export function levelScores(version: Version, options: PickerOptions): number[] {
  const targets = levelTargets(version, options);
  return version.levels.map((tables, level) => scoreOf(level, tables, { options, targets }));
}

/** One step of a manual compaction: everything of `level` that meets the range goes one level down. */
export function pickRange(
  version: Version,
  level: number,
  range: KeyRange,
  options: PickerOptions,
): CompactionChoice | undefined {
  const tables = level === 0 ? levelZeroWithin(version, range) : overlapping(version.levels[level] ?? [], range);
  if (tables.length === 0 || level >= deepestLevel) return undefined;
  return mergeDown(version, placed(level, tables), nextLevel(level, levelTargets(version, options)), "range");
}

function pickBySize(version: Version, options: PickerOptions, targets: LevelTargets): CompactionChoice | undefined {
  let level = -1;
  let best = 1;
  for (const [at, tables] of version.levels.entries()) {
    const score = scoreOf(at, tables, { options, targets });
    if (score < best || (score === best && level !== -1)) continue;
    level = at;
    best = score;
  }
  if (level === -1) return undefined;
  const tables = version.levels[level] ?? [];
  const to = nextLevel(level, targets);
  if (level > 0) return mergeDown(version, placed(level, [leastOverlap(tables, version.levels[to] ?? [])]), to, "size");
  const oldest = tables.at(-1);
  if (oldest === undefined) return undefined;
  return mergeDown(version, placed(0, connected(tables, oldest)), to, "level 0");
}

function scoreOf(
  level: number,
  tables: readonly TableMeta[],
  given: { options: PickerOptions; targets: LevelTargets },
): number {
  if (tables.length === 0 || level === deepestLevel) return 0;
  if (level === 0) return tables.length / given.options.levelZeroTrigger;
  const target = given.targets.bytes[level] ?? 0;
  return target === 0 ? Number.MAX_VALUE : bytesOf(tables) / target;
}

/** Level 0 goes to the base level; a level in front of the base, which should be empty, to the next one. */
function nextLevel(level: number, targets: LevelTargets): number {
  return level === 0 ? targets.base : level + 1;
}

/**
 * Merges tables of one level with what they meet in the level `to`. REQUIRES: of level 0, all tables
 * that overlap one another are taken together. Levels between that are not empty stop the merge there.
 */
function mergeDown(version: Version, from: readonly PlacedTable[], to: number, reason: MergeReason): CompactionChoice {
  const level = from[0]?.level ?? 0;
  const range = spanOf(from.map((entry) => entry.meta));
  let reached = level + 1;
  while (reached < to && !(version.levels[reached] ?? []).some((table) => overlap(table, range))) reached++;
  const below = overlapping(version.levels[reached] ?? [], range);
  const only = from[0];
  if (only !== undefined && from.length === 1 && below.length === 0) return { kind: "move", table: only, to: reached };
  return { kind: "merge", inputs: [...from, ...placed(reached, below)], to: reached, reason };
}

/** The table that drags the fewest bytes of the next level along for its size. */
function leastOverlap(tables: readonly TableMeta[], below: readonly TableMeta[]): TableMeta {
  let best = tables[0] as TableMeta;
  let least = Number.POSITIVE_INFINITY;
  for (const table of tables) {
    const ratio = bytesOf(overlapping(below, table)) / table.bytes;
    if (ratio >= least) continue;
    least = ratio;
    best = table;
  }
  return best;
}

function levelZeroWithin(version: Version, range: KeyRange): TableMeta[] {
  const tables = version.levels[0] ?? [];
  const taken = new Set<TableMeta>();
  for (const table of overlapping(tables, range)) for (const member of connected(tables, table)) taken.add(member);
  return tables.filter((table) => taken.has(table) || overlap(table, range));
}

function placed(level: number, tables: readonly TableMeta[]): PlacedTable[] {
  return tables.map((meta) => ({ level, meta }));
}

function tablesToDrop(version: Version, circumstances: Circumstances): PlacedTable[] {
  const { dead, snapshots } = circumstances;
  const found: PlacedTable[] = [];
  for (const [level, tables] of version.levels.entries()) {
    for (const meta of tables) {
      const of = firstIncarnation(meta);
      const single = of === lastIncarnation(meta);
      const gone = single && dead.has(of);
      const over = single && snapshots.length === 0 && allExpired(meta, circumstances.horizons.get(of));
      if (gone || (over && !hidesOlder(version, level, meta))) found.push({ level, meta });
    }
  }
  return found;
}

function allExpired(meta: TableMeta, horizon: GarbageHorizon | undefined): boolean {
  if (horizon === undefined || meta.expiring < meta.entries) return false;
  return meta.expiryGreatest <= horizon.expiryHorizon && meta.stampGreatest <= horizon.watermark;
}

/** Whether an older version of some key of this table may lie elsewhere: deeper, or in an older table of level 0. */
function hidesOlder(version: Version, level: number, meta: TableMeta): boolean {
  if (level === 0) {
    const tables = version.levels[0] ?? [];
    if (tables.slice(tables.indexOf(meta) + 1).some((older) => overlap(older, meta))) return true;
  }
  return version.levels.slice(level + 1).some((tables) => tables.some((deeper) => overlap(deeper, meta)));
}

/** Only tables of which a merge is sure to collect or to sink something: else it would be picked for ever. */
function pickGarbage(
  version: Version,
  circumstances: Circumstances,
  targets: LevelTargets,
): CompactionChoice | undefined {
  for (let level = deepestLevel; level > 0; level--) {
    for (const meta of version.levels[level] ?? []) {
      if (!worthRewriting(meta, level, circumstances)) continue;
      const from = placed(level, [meta]);
      if (level === deepestLevel) return { kind: "merge", inputs: from, to: level, reason: "garbage" };
      return mergeDown(version, from, nextLevel(level, targets), "garbage");
    }
  }
  return undefined;
}

function worthRewriting(meta: TableMeta, level: number, circumstances: Circumstances): boolean {
  const { dead, horizons, snapshots } = circumstances;
  const of = firstIncarnation(meta);
  const last = lastIncarnation(meta);
  if (dead.has(of) || dead.has(last)) return true;
  const horizon = horizons.get(of);
  if (of !== last || horizon === undefined || snapshots.length > 0) return false;
  if (meta.stampGreatest > horizon.watermark) return false;
  const someExpired = meta.expiryLeast !== neverExpires && meta.expiryLeast <= horizon.expiryHorizon;
  if (level === deepestLevel) return meta.tombstones > 0 || someExpired;
  return meta.tombstones * tombstoneShare >= meta.entries && meta.tombstones > 0;
}

/** Above the deepest level a table is pushed down for its tombstones when they are a quarter of it. */
const tombstoneShare = 4;
