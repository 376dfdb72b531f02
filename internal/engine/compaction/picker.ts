// Decides what to merge next: a pure function from a version and its circumstances to a choice.
//
//   1. tables that hold nothing any more are dropped unread
//   2. the level that is furthest above its target is merged into the next (level 0 counts tables); level 0
//      goes first when it is so full that writers will soon have to wait
//   3. with nothing else to do, tables with much garbage are rewritten, or pushed down to where it can go
//
// Every choice makes progress, so that a caller who asks again and again comes to an end.

import type { KeyRange, TableMeta } from "../table-meta.ts";
import { bytesOf, deepestLevel } from "../version/version.ts";
import type { PlacedTable, Version } from "../version/version.ts";
import { allCollectable, allDead, collectable, mayHoldDead, superseded } from "./garbage-estimate.ts";
import type { GarbageRules } from "./garbage-estimate.ts";
import { connected, overlap, overlapping, overlappingSorted, someOverlapSorted, spanOf } from "./key-ranges.ts";
import { levelTargets } from "./level-targets.ts";
import type { LevelShape, LevelTargets } from "./level-targets.ts";

export interface PickerOptions extends LevelShape {
  readonly levelZeroTrigger: number;
  /** Tables in level 0 at which writers wait. */
  readonly levelZeroStop: number;
}

export interface Circumstances extends GarbageRules {
  readonly options: PickerOptions;
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

/** A table is merged for its garbage when about so large a part of it is some. */
const garbageShare = 1 / 10;

/** A step of a manual compaction takes at most so many tables of a sorted level. */
const rangeTablesMax = 8;

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

/**
 * One step of a manual compaction: tables of `level` that meet the range go one level down; of the deepest,
 * those with garbage are rewritten. undefined: nothing is left to do in this level.
 */
export function pickRange(
  version: Version,
  where: { readonly level: number; readonly range: KeyRange },
  circumstances: Circumstances,
): CompactionChoice | undefined {
  const { level, range } = where;
  const targets = levelTargets(version, circumstances.options);
  if (level === 0) {
    const met = overlapping(version.levels[0] ?? [], range).at(-1);
    return met && mergeDown(version, levelZeroWith(version, met), targets.base, "range");
  }
  const tables = overlappingSorted(version.levels[level] ?? [], range);
  if (level < deepestLevel) {
    if (tables.length === 0) return undefined;
    return mergeDown(version, placed(level, tables.slice(0, rangeTablesMax)), level + 1, "range");
  }
  const dirty = tables.find(
    (table) =>
      mayHoldDead(table, circumstances) ||
      superseded(table, circumstances) > 0 ||
      collectable(table, circumstances) > 0,
  );
  return dirty && { kind: "merge", inputs: placed(level, [dirty]), to: level, reason: "range" };
}

function pickBySize(version: Version, options: PickerOptions, targets: LevelTargets): CompactionChoice | undefined {
  const level = levelToShrink(version, options, targets);
  if (level === undefined) return undefined;
  const tables = version.levels[level] ?? [];
  if (level > 0) {
    const least = leastOverlap(tables, version.levels[level + 1] ?? []);
    return mergeDown(version, placed(level, [least]), level + 1, "size");
  }
  const oldest = tables.at(-1);
  return oldest && mergeDown(version, levelZeroWith(version, oldest), targets.base, "level 0");
}

function levelToShrink(version: Version, options: PickerOptions, targets: LevelTargets): number | undefined {
  const pressing = (options.levelZeroTrigger + options.levelZeroStop) / 2;
  if ((version.levels[0]?.length ?? 0) >= pressing) return 0;
  let best: number | undefined;
  let score = 1;
  for (const [level, tables] of version.levels.entries()) {
    const own = scoreOf(level, tables, { options, targets });
    if (own < score || (own === score && best !== undefined)) continue;
    best = level;
    score = own;
  }
  return best;
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

/**
 * Merges tables of one level with what they meet in the level `to`, or in the first level on the way there
 * where they meet anything. REQUIRES: of level 0, all tables that overlap one another are taken together.
 */
function mergeDown(version: Version, from: readonly PlacedTable[], to: number, reason: MergeReason): CompactionChoice {
  const level = from[0]?.level ?? 0;
  const range = spanOf(from.map((entry) => entry.meta));
  let reached = level + 1;
  while (reached < to && !someOverlapSorted(version.levels[reached] ?? [], range)) reached++;
  const below = overlappingSorted(version.levels[reached] ?? [], range);
  const only = from[0];
  if (only !== undefined && from.length === 1 && below.length === 0) return { kind: "move", table: only, to: reached };
  return { kind: "merge", inputs: [...from, ...placed(reached, below)], to: reached, reason };
}

/** The table that drags the fewest bytes of the next level along for its size. Both levels are sorted. */
function leastOverlap(tables: readonly TableMeta[], below: readonly TableMeta[]): TableMeta {
  let best = tables[0] as TableMeta;
  let least = Number.POSITIVE_INFINITY;
  for (const table of tables) {
    const ratio = bytesOf(overlappingSorted(below, table)) / table.bytes;
    if (ratio >= least) continue;
    least = ratio;
    best = table;
  }
  return best;
}

/** A table of level 0 with all that are tied to it by overlapping: none of them may be left above another. */
function levelZeroWith(version: Version, table: TableMeta): PlacedTable[] {
  return placed(0, connected(version.levels[0] ?? [], table));
}

function placed(level: number, tables: readonly TableMeta[]): PlacedTable[] {
  return tables.map((meta) => ({ level, meta }));
}

function tablesToDrop(version: Version, circumstances: Circumstances): PlacedTable[] {
  const found: PlacedTable[] = [];
  for (const [level, tables] of version.levels.entries()) {
    for (const meta of tables) {
      const gone = allDead(meta, circumstances);
      if (gone || (allCollectable(meta, circumstances) && !hidesOlder(version, level, meta))) {
        found.push({ level, meta });
      }
    }
  }
  return found;
}

/** Whether an older version of some key of this table may lie elsewhere: deeper, or in an older table of level 0. */
function hidesOlder(version: Version, level: number, meta: TableMeta): boolean {
  if (level === 0) {
    const tables = version.levels[0] ?? [];
    if (tables.slice(tables.indexOf(meta) + 1).some((older) => overlap(older, meta))) return true;
  }
  return someDeeper(version, level, meta);
}

function someDeeper(version: Version, level: number, range: KeyRange): boolean {
  return version.levels.slice(level + 1).some((tables) => someOverlapSorted(tables, range));
}

function pickGarbage(
  version: Version,
  circumstances: Circumstances,
  targets: LevelTargets,
): CompactionChoice | undefined {
  for (let level = deepestLevel; level >= 0; level--) {
    for (const meta of version.levels[level] ?? []) {
      const worthwhile = garbageShare * meta.entries;
      // What goes wherever the table is merged, so here, where that takes no other tables.
      const dirty = mayHoldDead(meta, circumstances) || superseded(meta, circumstances) >= worthwhile;
      if (!dirty && collectable(meta, circumstances) < worthwhile) continue;
      if (level === 0) return mergeDown(version, levelZeroWith(version, meta), targets.base, "garbage");
      const from = placed(level, [meta]);
      const here = dirty || !someDeeper(version, level, meta);
      if (here) return { kind: "merge", inputs: from, to: level, reason: "garbage" };
      return mergeDown(version, from, level + 1, "garbage");
    }
  }
  return undefined;
}
