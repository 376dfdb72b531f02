// Keeps the levels in shape: asks the picker, does what it says, and asks again until it wants nothing.
// One merge runs at a time; what it may write per second grows as level 0 fills, and is never lifted.

import type { Incarnation } from "../base/ids.ts";
import { Chore } from "./chore.ts";
import { compactionJob } from "./compaction/compaction-job.ts";
import type { CompactionOutput } from "./compaction/compaction-job.ts";
import { mayHoldOf } from "./compaction/garbage-estimate.ts";
import { planMerge } from "./compaction/merge-plan.ts";
import { levelScores, pickCompaction, pickRange } from "./compaction/picker.ts";
import type { Circumstances, CompactionChoice } from "./compaction/picker.ts";
import type { EngineCore } from "./core.ts";
import type { KeyRange } from "./table-meta.ts";
import { bytesOf, deepestLevel } from "./version/version.ts";
import type { PlacedTable } from "./version/version.ts";
import { editOf } from "./version/version-edit.ts";
import type { VersionEdit } from "./version/version-edit.ts";

export interface CompactionStats {
  merges: number;
  moves: number;
  tablesDropped: number;
  bytesRead: number;
  bytesWritten: number;
  versionsHidden: number;
  tombstonesCollected: number;
  expiredCollected: number;
  deadCollected: number;
}

/** A manual compaction under way. */
export interface RangeWish {
  readonly range: KeyRange;
  level: number;
  isDone: boolean;
}

/** As level 0 fills from its trigger to its stop, the rate limit is raised up to this many times. */
const rateFactorMax = 8;

export class Compactor {
  readonly stats: CompactionStats = {
    merges: 0,
    moves: 0,
    tablesDropped: 0,
    bytesRead: 0,
    bytesWritten: 0,
    versionsHidden: 0,
    tombstonesCollected: 0,
    expiredCollected: 0,
    deadCollected: 0,
  };
  readonly chore: Chore;
  private readonly core: EngineCore;
  private readonly wishes: RangeWish[] = [];
  private held = 0;
  private needed = 0;
  /** Made by a merge, and not in the manifest yet because that could not be written. */
  private unfinished: VersionEdit | undefined;

  constructor(core: EngineCore) {
    this.core = core;
    this.chore = new Chore(core, {
      doing: "merging tables",
      bytesNeeded: () => this.needed + core.options.memtableBytes,
      step: () => this.step(),
    });
  }

  /** How far each level is above its target. */
  get scores(): number[] {
    return levelScores(this.core.versions.current, this.core.options);
  }

  /** Whether something is left to do. */
  get owes(): boolean {
    return this.chore.busy || this.wishes.length > 0 || this.pick() !== undefined;
  }

  /** Asks for everything that meets the range to be merged down, level by level. */
  wish(range: KeyRange): RangeWish {
    const wish = { range, level: 0, isDone: false };
    this.wishes.push(wish);
    this.chore.wake();
    return wish;
  }

  /**
   * Runs `action` while no merge runs and none begins. Rejects when a merge has met trouble: what it made may
   * still have to be installed.
   */
  async exclusively<T>(action: () => Promise<T>): Promise<T> {
    const { core } = this;
    this.held++;
    try {
      while (this.chore.busy || core.closing || core.trouble !== undefined) {
        if (core.closing) throw core.stopping();
        if (core.trouble !== undefined) throw core.trouble.error;
        await core.whenChanged();
      }
      return await action();
    } finally {
      this.held--;
      this.chore.wake();
    }
  }

  /** To be called when level 0 has grown or shrunk: a merge under way goes faster from then on, or slower. */
  adjustRate(): void {
    this.core.seams.background.limitRate(this.rate());
  }

  private async step(): Promise<boolean> {
    this.adjustRate();
    if (this.unfinished !== undefined) {
      await this.core.install(this.unfinished);
      this.unfinished = undefined;
      return true;
    }
    if (this.held > 0) return false;
    const choice = this.pickWish() ?? this.pick();
    if (choice !== undefined) await this.carryOut(choice);
    else if (this.forgettable().length > 0) await this.replace([], []);
    else return false;
    return true;
  }

  private pick(): CompactionChoice | undefined {
    return pickCompaction(this.core.versions.current, this.circumstances());
  }

  private pickWish(): CompactionChoice | undefined {
    const { core } = this;
    for (let wish = this.wishes[0]; wish !== undefined; wish = this.wishes[0]) {
      for (; wish.level <= deepestLevel; wish.level++) {
        const choice = pickRange(core.versions.current, wish, this.circumstances());
        if (choice !== undefined) return choice;
      }
      this.wishes.shift();
      wish.isDone = true;
      core.changed();
    }
    return undefined;
  }

  private async carryOut(choice: CompactionChoice): Promise<void> {
    switch (choice.kind) {
      case "drop":
        await this.replace(choice.tables, []);
        this.stats.tablesDropped += choice.tables.length;
        return;
      case "move":
        await this.replace([choice.table], [{ level: choice.to, meta: choice.table.meta }]);
        this.stats.moves++;
        return;
      case "merge": {
        const output = await this.merge(choice);
        this.count(output);
        await this.replace(
          choice.inputs,
          output.tables.map((meta) => ({ level: choice.to, meta })),
        );
        return;
      }
    }
  }

  private async replace(old: readonly PlacedTable[], added: readonly PlacedTable[]): Promise<void> {
    const removed = old.map(({ level, meta }) => ({ level, number: meta.number }));
    this.unfinished = editOf({ removed, added, forgotten: this.forgettable(old, added) });
    await this.core.install(this.unfinished);
    this.unfinished = undefined;
  }

  private async merge(merge: { inputs: readonly PlacedTable[]; to: number }): Promise<CompactionOutput> {
    const { core } = this;
    const { blockBytes, bloomBitsPerKey, tableBytes } = core.options;
    this.needed = bytesOf(merge.inputs.map((entry) => entry.meta));
    const version = core.versions.pin();
    const output = { table: { blockBytes, bloomBitsPerKey }, tableBytes };
    const { input, outputsMax: count } = planMerge(version, merge, this.circumstances(), output);
    const first = core.reserveNumbers(count);
    try {
      const numbers = { first, count };
      const done = await core.seams.background.run(compactionJob, { ...input, folder: core.folder, numbers });
      await core.trust(done.tables);
      return done;
    } catch (failure) {
      if (!core.closing) await core.removeUnclaimed(failure, first, count);
      throw failure;
    } finally {
      core.versions.unpin(version);
    }
  }

  private circumstances(): Circumstances {
    const { core } = this;
    const { horizons } = core.state;
    const { living, deadTables: dead } = core;
    return { options: core.options, living, horizons, dead, snapshots: core.snapshots.sequences() };
  }

  /** Dead incarnations of which nothing is left once these tables have been replaced. */
  private forgettable(old: readonly PlacedTable[] = [], added: readonly PlacedTable[] = []): Incarnation[] {
    const { core } = this;
    if (core.state.dead.size === 0) return [];
    const gone = new Set(old.map((entry) => entry.meta.number));
    const left = core.versions.current.levels.flat().filter((table) => !gone.has(table.number));
    for (const { meta } of added) left.push(meta);
    const rules = { dead: core.deadTables };
    return [...core.state.dead].filter(
      (incarnation) =>
        !core.memtables.mention(incarnation) && !left.some((table) => mayHoldOf(table, incarnation, rules)),
    );
  }

  private rate(): number {
    const { compactionBytesPerSecond, levelZeroTrigger, levelZeroStop } = this.core.options;
    const tables = this.core.versions.current.levels[0]?.length ?? 0;
    const pressure = Math.min(1, Math.max(0, (tables - levelZeroTrigger) / (levelZeroStop - levelZeroTrigger)));
    return compactionBytesPerSecond * rateFactorMax ** pressure;
  }

  private count(output: CompactionOutput): void {
    const { stats } = this;
    stats.merges++;
    stats.bytesRead += output.bytesRead;
    stats.bytesWritten += output.bytesWritten;
    stats.versionsHidden += output.dropped.hidden;
    stats.tombstonesCollected += output.dropped.tombstones;
    stats.expiredCollected += output.dropped.expired;
    stats.deadCollected += output.dropped.dead;
  }
}
