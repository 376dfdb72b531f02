// What the parts of an engine share: its state in memory, the manifest that makes changes of state
// durable, and the news that something changed.
//
// The main thread alone owns all of this. A change goes: job done -> edit appended to the manifest and
// synced -> state, version and memtables swapped in one synchronous step. Edits are installed one after
// the other, so that a part never sees half of one.

import { TrefoilError } from "../base/errors.ts";
import { fileNumber, incarnation, sequence } from "../base/ids.ts";
import type { FileNumber, Incarnation, Sequence } from "../base/ids.ts";
import type { Background } from "../platform/background.ts";
import type { Clock, Scheduler } from "../platform/clock.ts";
import { DiskFailure } from "../platform/disk.ts";
import type { Disk } from "../platform/disk.ts";
import type { Logger } from "../platform/logger.ts";
import { tablePath } from "./file-names.ts";
import { LiveSnapshots } from "./live-snapshots.ts";
import { LiveVersions } from "./live-versions.ts";
import { Memtables } from "./memtables.ts";
import type { EngineOptions } from "./options.ts";
import type { TableMeta } from "./table-meta.ts";
import type { TableCache } from "./table/table-cache.ts";
import { troubleFrom } from "./trouble.ts";
import type { Trouble } from "./trouble.ts";
import type { Manifest } from "./version/manifest.ts";
import type { EngineState, VersionEdit } from "./version/version-edit.ts";

export interface EngineSeams {
  readonly disk: Disk;
  readonly background: Background;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  readonly logger: Logger;
}

export class EngineCore {
  readonly seams: EngineSeams;
  readonly folder: string;
  readonly options: EngineOptions;
  readonly tables: TableCache;
  readonly memtables: Memtables;
  readonly versions: LiveVersions;
  readonly snapshots = new LiveSnapshots();
  closing = false;
  /** What a read has met. */
  damage: TrefoilError | undefined;
  /** Iterators that have not been closed. */
  readersOpen = 0;
  /** The newest write. */
  lastSequence: Sequence;
  /** The sequence of tables that are coming in and cannot be seen yet. Nothing is written meanwhile. */
  comingIn: Sequence | undefined;
  private readonly manifest: Manifest;
  /** The manifest is ahead of it while the edit that made it so is still being installed. */
  private present: EngineState;
  private livingSorted: readonly Incarnation[] = [];
  private readonly deadSince = new Map<Incarnation, FileNumber>();
  private incarnationToGive: number;
  private nextNumber: number;
  private installing: Promise<void> = Promise.resolve();
  private readonly removals = new Set<Promise<void>>();
  private waiters: (() => void)[] = [];
  private readonly troubles = new Map<object, Trouble>();

  constructor(
    seams: EngineSeams,
    given: { folder: string; options: EngineOptions; manifest: Manifest; tables: TableCache },
  ) {
    this.seams = seams;
    this.folder = given.folder;
    this.options = given.options;
    this.manifest = given.manifest;
    this.present = given.manifest.state;
    this.nextNumber = given.manifest.state.nextFileNumber;
    this.noteIncarnations();
    this.tables = given.tables;
    this.memtables = new Memtables(
      given.options.memtableBytes,
      given.options.memtablesMax,
      given.manifest.state.lastSequence,
    );
    this.versions = new LiveVersions(given.manifest.state.version, (number) => this.removeTable(number));
    this.lastSequence = given.manifest.state.lastSequence;
    this.incarnationToGive = given.manifest.state.nextIncarnation;
  }

  /** Incarnations that some group has, ascending. */
  get living(): readonly Incarnation[] {
    return this.livingSorted;
  }

  /**
   * By dead incarnation: tables from this number on are written without its keys, because their jobs
   * begin after its death. Forgotten at a restart, after which all tables that there are may hold some.
   */
  get deadTables(): ReadonlyMap<Incarnation, FileNumber> {
    return this.deadSince;
  }

  /** As of the last durable edit; it changes together with the version and the memtables. */
  get state(): EngineState {
    return this.present;
  }

  get manifestStats(): Manifest["stats"] {
    return this.manifest.stats;
  }

  /** Whether the active memtable may be sealed: there is memory for another, and level 0 is not full. */
  get canSeal(): boolean {
    const waiting = this.memtables.sealed.length + (this.versions.current.levels[0]?.length ?? 0);
    return this.memtables.canSeal && waiting < this.options.levelZeroStop;
  }

  /** `count` numbers for new files, the first of which is returned. They are never given again. */
  reserveNumbers(count: number): FileNumber {
    const first = this.nextNumber;
    this.nextNumber += count;
    return fileNumber(first);
  }

  /** A fresh one. It may be given again after a crash that comes before an edit names it or a greater one. */
  nextIncarnation(): Incarnation {
    return incarnation(this.incarnationToGive++);
  }

  reserveSequence(): Sequence {
    this.lastSequence = sequence(this.lastSequence + 1);
    return this.lastSequence;
  }

  /** Opens tables that were just written: none is named in the manifest whose footer, index and filter cannot be read. */
  async trust(tables: readonly TableMeta[]): Promise<void> {
    for (const meta of tables) {
      const reader = await this.tables.acquire(meta);
      reader.release();
    }
  }

  /**
   * Makes an edit durable, then swaps the state; `onInstalled` runs in the same turn as the swap.
   * Rejects when the manifest could not be written; then nothing has changed, and if it never will be written
   * again, writers are told.
   */
  install(edit: VersionEdit, onInstalled: () => void = () => undefined): Promise<void> {
    const installed = this.installing.then(async () => {
      const whole: VersionEdit = { ...edit, nextFileNumber: fileNumber(this.nextNumber) };
      await this.makeDurable(whole);
      const kept = new Set(whole.added.map((entry) => entry.meta.number));
      const gone = whole.removed.map((entry) => entry.number).filter((number) => !kept.has(number));
      this.present = this.manifest.state;
      this.noteIncarnations();
      this.versions.install(this.present.version, gone);
      onInstalled();
      this.changed();
    });
    this.installing = installed.catch(() => undefined);
    return installed;
  }

  /** A sync that failed, for want of space too, proves nothing when it is tried again. */
  private async syncNames(): Promise<void> {
    try {
      await this.seams.disk.syncFolder(this.folder);
    } catch (failure) {
      if (failure instanceof DiskFailure && failure.kind === "exhausted") throw failure;
      throw new DiskFailure("failed", "syncFolder", this.folder, failure);
    }
  }

  private async makeDurable(edit: VersionEdit): Promise<void> {
    if (this.diskFailed && this.trouble !== undefined) throw this.trouble.error;
    try {
      if (edit.added.length > 0) await this.syncNames();
      await this.manifest.append(edit);
    } catch (failure) {
      const trouble = troubleFrom(failure, "changing the manifest", this.folder);
      if (trouble.severity === "final" && !this.closing) this.reportTrouble(this.manifest, trouble);
      throw failure;
    }
  }

  /** Why writers are refused; undefined while all is well. The gravest goes first. */
  get trouble(): Trouble | undefined {
    const all = [...this.troubles.values()];
    for (const severity of ["final", "stays"]) {
      const grave = all.find((trouble) => trouble.severity === severity);
      if (grave !== undefined) return grave;
    }
    return all[0];
  }

  /** Nothing is written any more. */
  get diskFailed(): boolean {
    return this.trouble?.severity === "final";
  }

  reportTrouble(source: object, trouble: Trouble): void {
    if (!this.troubles.has(source)) this.seams.logger.error(trouble.error.message, { severity: trouble.severity });
    this.troubles.set(source, trouble);
    this.changed();
  }

  /** What `source` tried has worked. */
  settleTrouble(source: object): void {
    if (!this.troubles.delete(source)) return;
    this.seams.logger.info("the engine writes again", { folder: this.folder });
    this.changed();
  }

  /** Resolves at the next change of anything that a waiter may wait for. */
  whenChanged(): Promise<void> {
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  changed(): void {
    const waiters = this.waiters;
    this.waiters = [];
    for (const wake of waiters) wake();
  }

  /** Deletes files that a failed job may have left under these numbers. */
  async removeUnclaimed(failure: unknown, first: FileNumber, count: number): Promise<void> {
    // No number is given twice: a file that was there before is somebody else's.
    if (failure instanceof DiskFailure && failure.kind === "exists") return;
    for (let number = first as number; number < first + count; number++) {
      await this.tables.evict(fileNumber(number));
      await this.removeFile(fileNumber(number));
    }
  }

  /** Chores stop at their next step, waiters wake up. */
  beginClosing(): void {
    this.closing = true;
    this.changed();
  }

  /** What a caller is told who comes too late. */
  stopping(): TrefoilError {
    return new TrefoilError("stopping", `the engine in ${this.folder} is closing`);
  }

  /** REQUIRES: the chores have ended. */
  async finishClosing(): Promise<void> {
    await this.installing;
    try {
      await this.manifest.close();
    } finally {
      await this.tables.close();
      await Promise.all(this.removals);
    }
  }

  private noteIncarnations(): void {
    const { groups, dead } = this.present;
    this.livingSorted = [...groups.values()].map((place) => place.incarnation).toSorted((a, b) => a - b);
    for (const of of this.deadSince.keys()) if (!dead.has(of)) this.deadSince.delete(of);
    for (const of of dead) if (!this.deadSince.has(of)) this.deadSince.set(of, fileNumber(this.nextNumber));
  }

  private removeTable(number: FileNumber): void {
    const removal = this.tables.evict(number).then(() => this.removeFile(number));
    this.removals.add(removal);
    void removal.finally(() => this.removals.delete(removal));
  }

  /** A file that cannot be removed is only wasted space: the next open removes it. */
  private async removeFile(number: FileNumber): Promise<void> {
    const path = tablePath(this.folder, number);
    try {
      if ((await this.seams.disk.sizeOf(path)) !== undefined) await this.seams.disk.remove(path);
    } catch (failure) {
      this.seams.logger.warn("a table that is no longer needed could not be removed", {
        path,
        reason: String(failure),
      });
    }
  }
}
