// What a merge job has to be told: the tables in runs, who must still see what, and what lies below.

import type { FilterRules } from "./entry-filter.ts";
import { outputsMax } from "./compaction-job.ts";
import type { CompactionInput, TableFormatOptions } from "./compaction-job.ts";
import type { GarbageRules } from "./garbage-estimate.ts";
import { overlappingSorted, spanOf } from "./key-ranges.ts";
import type { Run } from "./run-merge.ts";
import type { KeyRange, TableMeta } from "../table-meta.ts";
import type { PlacedTable, Version } from "../version/version.ts";

export interface MergePlan {
  readonly input: Omit<CompactionInput, "folder" | "numbers">;
  /** How many file numbers to reserve. */
  readonly outputsMax: number;
}

export interface OutputOptions {
  readonly table: TableFormatOptions;
  readonly tableBytes: number;
}

/** REQUIRES: `merge` was picked for this version under these rules. */
export function planMerge(
  version: Version,
  merge: { readonly inputs: readonly PlacedTable[]; readonly to: number },
  rules: GarbageRules,
  { table, tableBytes }: OutputOptions,
): MergePlan {
  const range = spanOf(merge.inputs.map((entry) => entry.meta));
  // What lies outside of the range cannot hold a key of the merge.
  const below = version.levels.slice(merge.to + 1).map((level) => overlappingSorted(level, range));
  const grandparents = (below[0] ?? []).map(({ smallest, largest, bytes }) => ({ smallest, largest, bytes }));
  const tables = merge.inputs.map((entry) => entry.meta);
  return {
    input: {
      runs: runsOf(merge.inputs),
      rules: filterRules(rules, below),
      table,
      tableBytes,
      grandparents,
    },
    outputsMax: outputsMax(tables, tableBytes, grandparents.length),
  };
}

function filterRules(rules: GarbageRules, below: readonly (readonly TableMeta[])[]): FilterRules {
  return {
    snapshots: rules.snapshots,
    horizons: [...rules.horizons.values()],
    dead: [...rules.dead.keys()],
    below: below.map((level) => level.map(({ smallest, largest }): KeyRange => ({ smallest, largest }))),
  };
}

/** Each table of level 0 by itself, those of a sorted level together. */
function runsOf(inputs: readonly PlacedTable[]): Run[] {
  const runs: TableMeta[][] = [];
  const sorted = new Map<number, TableMeta[]>();
  for (const { level, meta } of inputs) {
    const run = level === 0 ? undefined : sorted.get(level);
    if (run !== undefined) {
      run.push(meta);
      continue;
    }
    const next = [meta];
    runs.push(next);
    if (level > 0) sorted.set(level, next);
  }
  return runs;
}
