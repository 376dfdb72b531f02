// Carries what the log has written into the engine, in the order of the log, and answers writers.
//
//   staged in the log ... written | ... applied | ... flushed
//                                 ^ answers go out here, when the engine shows the write
//
// Entries that have been written together are applied together, in one batch of the engine. When the
// engine has no room, this waits, and the store stops staging before too much has piled up.

import { assert } from "../base/assert.ts";
import { corruption, TrefoilError } from "../base/errors.ts";
import { logIndex } from "../base/ids.ts";
import type { Incarnation, LogIndex } from "../base/ids.ts";
import { stampZero } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Engine } from "../engine/engine.ts";
import { WriteBatch } from "../engine/write-batch.ts";
import type { GroupLog } from "../log/group-log.ts";
import { entryHeaderBytes, indexOf, kindOf, stampOf, termOf } from "../log/record.ts";
import type { RecordSlot, RecordView } from "../log/record.ts";
import { addCommand, operationsKind } from "./command.ts";

/** Entries are gathered until a batch has about so many bytes. */
const batchBytes = 256 * 1024;
/** How much is read of the log at once while it is replayed. */
const replayBytes = 4 * 1024 * 1024;

export interface AppliedTo {
  readonly log: GroupLog;
  readonly engine: Engine;
  readonly incarnation: Incarnation;
}

export class Applier {
  /** Everything up to here is in the engine. */
  appliedIndex: LogIndex;
  private readonly to: AppliedTo;
  private readonly batch = new WriteBatch(batchBytes + 4096);
  private readonly slot: RecordSlot = { bytes: new Uint8Array(0), start: 0, end: 0 };
  private gatheredIndex: LogIndex;
  private isReplaying = false;
  /** Called when a full disk keeps entries of the log from being applied. */
  onHeldUp: (trouble: TrefoilError) => void = () => undefined;
  /** The stamp of the entry that was gathered last. */
  lastStamp: Stamp = stampZero;

  constructor(to: AppliedTo) {
    this.to = to;
    this.appliedIndex = this.gatheredIndex = to.engine.appliedIndex(to.incarnation);
  }

  /** After opening: everything that the log has and the engine's tables do not. */
  async replay(): Promise<void> {
    this.isReplaying = true;
    await this.replayAll();
    this.isReplaying = false;
  }

  private async replayAll(): Promise<void> {
    const { log } = this.to;
    if (log.base.index > this.appliedIndex) {
      const detail = `the log begins at entry ${log.firstIndex}, the engine ends at entry ${this.appliedIndex}`;
      throw corruption(`${detail}: entries between are missing`);
    }
    while (this.appliedIndex < log.lastIndex) {
      const read = await log.read(logIndex(this.appliedIndex + 1), log.lastIndex, replayBytes);
      assert(read.kind === "entries", "the log lost entries while it was replayed", { kind: read.kind });
      for (const view of read.entries) {
        this.gather(view);
        if (this.batch.bytes >= batchBytes) await this.write();
      }
      await this.write();
    }
  }

  /**
   * Applies entries up to `index`, as many as the engine has room for at once; true when that was all.
   * Entries that have left the log's memory are fetched by `applyLoaded`.
   */
  applyNow(index: LogIndex): boolean {
    while (this.gatheredIndex < index && this.batch.bytes < batchBytes) {
      if (!this.to.log.find(logIndex(this.gatheredIndex + 1), this.slot)) break;
      this.gather(this.slot);
    }
    // Asked of a batch of no operations too: while tables come in, nothing is written.
    if (!this.to.engine.canWrite(this.batch)) return false;
    this.commit();
    return this.appliedIndex >= index;
  }

  /** As applyNow, waiting for what it needs; it makes some progress, or rejects. */
  async applyLoaded(index: LogIndex): Promise<void> {
    if (this.batch.count === 0 && this.gatheredIndex < index) {
      const read = await this.to.log.read(logIndex(this.gatheredIndex + 1), index, batchBytes);
      assert(read.kind === "entries", "the log lost entries before they were applied", { kind: read.kind });
      for (const view of read.entries) this.gather(view);
    }
    await this.write();
  }

  private async write(): Promise<void> {
    const { engine } = this.to;
    while (!engine.canWrite(this.batch)) {
      if (engine.isClosing) throw new TrefoilError("stopping", "the engine is closing", { outcome: "unknown" });
      const { trouble } = engine;
      if (trouble !== undefined) {
        const passes = trouble.code === "storage_full" || trouble.code === "busy";
        if (!passes) throw trouble;
        // A disk without space can be read all the same: what memory held before is held again.
        if (this.isReplaying) break;
        if (trouble.code === "storage_full") this.onHeldUp(trouble);
      }
      await engine.whenWritable();
    }
    this.commit();
  }

  private gather(view: RecordView): void {
    const { bytes, start, end } = view;
    const index = indexOf(bytes, start);
    assert(index === this.gatheredIndex + 1, "entries are applied one after the other", {
      index,
      gathered: this.gatheredIndex,
    });
    const kind = kindOf(bytes, start);
    if (kind !== operationsKind) throw corruption(`log entry ${index} of the store has kind ${kind}`);
    const stamp = stampOf(bytes, start);
    const origin = { term: termOf(bytes, start), index, stamp };
    addCommand(this.batch, this.to.incarnation, { bytes, start: start + entryHeaderBytes, end }, origin);
    this.gatheredIndex = index;
    // One replica: what is applied here is applied everywhere, so garbage may go as soon as this is flushed.
    this.lastStamp = stamp;
  }

  private commit(): void {
    const { engine, incarnation } = this.to;
    if (this.gatheredIndex === this.appliedIndex) return;
    engine.write(this.batch, { incarnation, appliedIndex: this.gatheredIndex });
    engine.raiseGarbageHorizon({ incarnation, watermark: this.lastStamp, expiryHorizon: this.lastStamp });
    this.appliedIndex = this.gatheredIndex;
    this.batch.clear();
  }
}
