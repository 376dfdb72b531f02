// What a store is made of, and how log and engine are brought together when it is opened:
//
//   engine: tables up to entry A      log: entries up to entry L
//   A < L   entries behind A are applied again
//   A > L   a crash of the machine took entries that were answered as buffered and flushed before they
//           were synced: the log goes on behind A
//
// Then a term of the store's own begins, so that what a crash took from the log under an old term stays
// apart from what comes: a version never names two writes.

import { corruption } from "../base/errors.ts";
import { groupId, term } from "../base/ids.ts";
import type { GroupId, Incarnation } from "../base/ids.ts";
import { stampZero } from "../base/stamp.ts";
import type { Engine } from "../engine/engine.ts";
import type { EngineState } from "../engine/version/version-edit.ts";
import type { GroupLog } from "../log/group-log.ts";
import type { Log } from "../log/log.ts";
import type { RecoveredLog } from "../log/recovery.ts";
import { parseLogName } from "../log/segment.ts";
import type { Disk, FolderLock } from "../platform/disk.ts";
import { Applier } from "./applier.ts";
import { HybridClock } from "./hybrid-clock.ts";
import type { StoreOptions, StoreSeams } from "./options.ts";
import { enginePart, logPart } from "./store-folder.ts";
import { WritePipeline } from "./write-pipeline.ts";

/** All of a store's data belongs to this one. */
export const onlyGroup: GroupId = groupId(1);

export interface OpenedParts {
  readonly seams: StoreSeams;
  readonly folder: string;
  readonly options: StoreOptions;
  readonly lock: FolderLock;
  readonly engine: Engine;
  readonly log: Log;
}

export interface StoreParts extends OpenedParts {
  readonly incarnation: Incarnation;
  readonly clock: HybridClock;
  readonly pipeline: WritePipeline;
}

/** Brings the engine up to the log, begins a term, and takes writes. */
export async function startParts(opened: OpenedParts): Promise<StoreParts> {
  const { seams, folder, options, engine, log } = opened;
  const incarnation = engine.placeOf(onlyGroup)?.incarnation ?? (await engine.createIncarnation(onlyGroup));
  const group = log.group(onlyGroup);
  const applier = new Applier({ log: group, engine, incarnation });
  joinLog(group, applier);
  keepHouse(opened, incarnation, group);
  await applier.replay();
  if (log.mayHaveLost) {
    // What was answered as buffered may go with the machine: a store has nobody to fetch it from.
    seams.logger.warn("the machine went down: writes that were answered as buffered may be lost", { folder });
    log.acceptLoss();
  }
  const hardState = group.hardState;
  const next = term(Math.max(hardState.term, group.lastTerm) + 1);
  const begun = log.whenDurable(group.setHardState({ term: next, vote: 0, commit: group.lastIndex }));
  await Promise.race([begun, whenRefused(log)]);
  const clock = new HybridClock(seams.clock, engine.horizonOf(incarnation)?.watermark ?? stampZero);
  clock.observe(applier.lastStamp);
  const { waitingBytesMax, unappliedBytesMax } = options;
  const pipeline = new WritePipeline({
    folder,
    log,
    group,
    applier,
    clock,
    term: next,
    waitingBytesMax,
    unappliedBytesMax,
  });
  return { ...opened, incarnation, clock, pipeline };
}

/** Rejects when the log cannot write: who opens a store is told instead of kept waiting. */
function whenRefused(log: Log): Promise<never> {
  return new Promise((_resolve, reject) => {
    const look = (): void => {
      if (log.refusal !== undefined) reject(log.refusal);
    };
    log.onProgress(look);
    look();
  });
}

/** A log whose files are all gone is not begun anew beside an engine, which is made when the log has begun. */
export async function checkLogIsThere(disk: Disk, folder: string, tables: EngineState | undefined): Promise<void> {
  if (tables === undefined) return;
  const applied = appliedIn(tables);
  const names = await disk.list(logPart(folder));
  if (!names.some((name) => parseLogName(name)?.kind === "segment")) throw lostLog(folder, applied);
}

/**
 * Log and tables have to fit together: told before either is changed. (Opening the engine removes tables that its manifest does not
 * name. Should the manifest's end be damaged, they are those that it named.)
 */
export function checkLogFits(recovered: RecoveredLog, folder: string, tables: EngineState | undefined): void {
  const { groups, run, cleanStop } = recovered;
  const group = groups.get(onlyGroup);
  const applied = appliedIn(tables);
  const last = group?.lastIndex ?? 0;
  if (group !== undefined && group.baseIndex > applied) {
    throw corruption(
      `${logPart(folder)} begins behind entry ${group.baseIndex}, ${enginePart(folder)} ends at entry ${applied}: entries between ` +
        `are missing`,
    );
  }
  if (applied <= last) return;
  // Every store begins its log with a term, which is synced whatever the mode.
  if (group === undefined || group.term === 0) throw lostLog(folder, applied);
  const mayHaveLost = run !== undefined && (run.mayHaveLost || (run.isBuffered && !cleanStop));
  if (mayHaveLost) return;
  throw corruption(
    `${logPart(folder)} ends at entry ${last}, ${enginePart(folder)} holds entries up to ${applied}, and all of them were ` +
      "synced: the end of the log is lost",
  );
}

/** The last entry whose effects are in tables; 0: none is. */
function appliedIn(tables: EngineState | undefined): number {
  const incarnation = tables?.groups.get(onlyGroup)?.incarnation;
  return incarnation === undefined ? 0 : (tables?.applied.get(incarnation) ?? 0);
}

function lostLog(folder: string, applied: number): Error {
  const held = applied === 0 ? "was made when it had begun" : `holds entries up to ${applied}`;
  return corruption(`${logPart(folder)} is empty, and ${enginePart(folder)} ${held}: the log is lost`);
}

/** Sees to it that the log covers what the engine has. */
function joinLog(group: GroupLog, applier: Applier): void {
  const applied = applier.appliedIndex;
  if (applied > group.lastIndex) group.installSnapshot(applied, group.hardState.term);
  group.flushed(applied);
}

/** What is in tables may leave the log; a log that grows has the engine write tables. */
function keepHouse({ seams, folder, engine, log }: OpenedParts, incarnation: Incarnation, group: GroupLog): void {
  engine.onFlushed((applied) => {
    const index = applied.get(incarnation);
    if (index === undefined) return;
    group.flushed(index);
    group.compact(index);
  });
  log.onFlushWanted(() => {
    engine.flush().catch((failure: unknown) => {
      seams.logger.warn("a flush that the log asked for failed", { folder, reason: String(failure) });
    });
  });
}
