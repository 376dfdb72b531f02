// Reads a whole log and says what it holds. Nothing on the disk is changed here: opening a log that is
// damaged, foreign or newer leaves it as it was.
//
//   segment 4                 segment 5                        segment 6 (prepared)
//   [head|ckpt|b|b|b|b] ----> [head|ckpt|b|b|b|torn|0000] ---> [head|0000]
//   ends where 5 starts       the log ends here: `used`        never begun
//
// Where a batch does not check out, the log ends, provided that nothing behind it claims more: a later
// batch that was written when the bad place had been synced proves that the place was good once, and that
// is corruption (rule 21). A segment begins with its whole checkpoint or not at all. The last batch of a
// segment says that the next one is there, so that a newest segment that is missing is noticed.

import { corruption } from "../base/errors.ts";
import type { Disk } from "../platform/disk.ts";
import {
  batchHeaderBytes,
  checkpointEndFlag,
  decodeSegmentHeader,
  goesOnFlag,
  segmentHeaderBytes,
  stopFlag,
} from "./format.ts";
import type { GroupState } from "./group-state.ts";
import { readFolder } from "./log-folder.ts";
import type { LogFiles } from "./log-folder.ts";
import { Replay } from "./replay.ts";
import type { RunMark } from "./run-mark.ts";
import { SegmentReader } from "./segment-reader.ts";
import { segmentName } from "./segment.ts";

export interface RecoveredSegment {
  readonly number: number;
  readonly salt: number;
  readonly start: number;
  /** Offset behind its last batch; of the last segment, behind the last that stays. */
  used: number;
  /** Offset behind its checkpoint. */
  readonly dataStart: number;
  /** Size of the file. */
  readonly bytes: number;
}

export interface RecoveredLog {
  /** Those with batches, oldest first. Empty when the folder holds no log yet. */
  readonly segments: readonly RecoveredSegment[];
  readonly groups: ReadonlyMap<number, GroupState>;
  /** What the log says of the run that wrote it last. */
  readonly run: RunMark | undefined;
  /** Segments behind the last one: prepared and never begun, or their beginning was torn. */
  readonly unused: readonly number[];
  /** The one of these whose beginning was torn and that still has batches. */
  readonly torn: number | undefined;
  readonly files: LogFiles;
  /** The log was closed in order and not opened since: its tail needs no proof. */
  readonly cleanStop: boolean;
  /** Bytes at the end of which no later batch says that they were synced. */
  readonly unprovenBytes: number;
  /** Bytes of batches. */
  readonly bytes: number;
  readonly records: number;
  readonly entries: number;
}

export async function recoverLog(disk: Disk, folder: string): Promise<RecoveredLog> {
  return new Recovery(disk, folder, await readFolder(disk, folder)).run();
}

class Recovery {
  private readonly disk: Disk;
  private readonly folder: string;
  private readonly files: LogFiles;
  private readonly replay = new Replay();
  private readonly segments: RecoveredSegment[] = [];
  private readonly unused: number[] = [];
  private torn: number | undefined;
  /** Position behind the last good batch: where the next segment must start. */
  private end = 0;
  private lastSynced = 0;
  private lastFlags = 0;

  constructor(disk: Disk, folder: string, files: LogFiles) {
    this.disk = disk;
    this.folder = folder;
    this.files = files;
  }

  async run(): Promise<RecoveredLog> {
    for (const number of this.files.segments) await this.readSegment(number);
    this.checkEnd();
    this.checkGroups();
    const last = this.segments.at(-1);
    const cleanStop = last !== undefined && (this.lastFlags & stopFlag) !== 0 && last.bytes === last.used;
    const { groups, run, records, entries } = this.replay;
    return {
      segments: this.segments,
      groups,
      run,
      unused: this.unused,
      torn: this.torn,
      files: this.files,
      cleanStop,
      unprovenBytes: last === undefined || cleanStop ? 0 : this.end - this.lastSynced,
      bytes: this.segments.reduce((sum, segment) => sum + segment.used, 0),
      records,
      entries,
    };
  }

  private async readSegment(number: number): Promise<void> {
    const path = `${this.folder}/${segmentName(number)}`;
    const file = await this.disk.openFile(path, { access: "read" });
    try {
      const reader = new SegmentReader(file, path, await file.size());
      const { salt } = decodeSegmentHeader(await reader.header(), path, number);
      reader.salt = salt;
      if (this.unused.length > 0) await this.passBy(reader, number, this.end);
      else await this.readBegun(reader, number);
    } finally {
      await file.close();
    }
  }

  private async readBegun(reader: SegmentReader, number: number): Promise<void> {
    const isFirst = this.segments.length === 0;
    if (isFirst) this.end = await firstStart(reader, number);
    const start = this.end;
    reader.start = start;
    const { isWhole, offset: dataStart } = await readCheckpoint(reader);
    if (!isWhole) {
      if (isFirst && number > 1) {
        throw corruption(`${reader.path}: the checkpoint at its head (offset ${segmentHeaderBytes}) is damaged`);
      }
      // The place that is bad: where its next batch should be, or where the segment should begin.
      await this.passBy(reader, number, dataStart > segmentHeaderBytes ? start + dataStart : start);
      return;
    }
    this.replay.beginSegment(reader.path, start, isFirst);
    const used = await this.readBatches(reader);
    this.end = start + used;
    this.segments.push({ number, salt: reader.salt, start, used, dataStart, bytes: reader.size });
    const proof = await reader.findBatch(used, (frame) => frame.synced > this.end);
    if (proof >= 0) throw provenBad(reader.path, used, reader.path, proof);
  }

  /** Applies all good batches; returns the offset behind them. */
  private async readBatches(reader: SegmentReader): Promise<number> {
    let offset = segmentHeaderBytes;
    for (;;) {
      const isGood = reader.batchInMemory(offset) ?? (await reader.batchAt(offset));
      if (!isGood) return offset;
      const { frame } = reader;
      const position = frame.position + batchHeaderBytes;
      this.replay.apply({
        bytes: reader.bytes,
        start: reader.recordsStart,
        end: reader.recordsEnd,
        position,
        flags: frame.flags,
      });
      this.lastSynced = frame.synced;
      this.lastFlags = frame.flags;
      offset += batchHeaderBytes + frame.length;
    }
  }

  /** A segment behind the end of the log: nothing in it may say that the log went on. */
  private async passBy(reader: SegmentReader, number: number, bad: number): Promise<void> {
    reader.start = undefined;
    const mayBeTorn = this.unused.length === 0;
    const proof = await reader.findBatch(segmentHeaderBytes, (frame, offset) => {
      this.torn = number;
      const isWhereItWouldBe = mayBeTorn && frame.position - offset === this.end;
      return !isWhereItWouldBe || frame.synced > bad;
    });
    const last = this.segments.at(-1);
    if (proof >= 0) {
      const badPath = last === undefined ? reader.path : `${this.folder}/${segmentName(last.number)}`;
      throw provenBad(badPath, last?.used ?? segmentHeaderBytes, reader.path, proof);
    }
    this.unused.push(number);
  }

  /** The end of the log must be where the log says that it may be. */
  private checkEnd(): void {
    const last = this.segments.at(-1);
    if (last === undefined) {
      const [first] = this.unused;
      if (!this.files.isBegun || first === undefined) return;
      throw corruption(
        `${this.folder}/${segmentName(first)}: the checkpoint at its head (offset ${segmentHeaderBytes}) is damaged`,
      );
    }
    if ((this.lastFlags & goesOnFlag) === 0) return;
    if (this.unused.length === 0) {
      const [missing, before] = [segmentName(last.number + 1), segmentName(last.number)];
      throw corruption(`${this.folder}/${missing} is missing: the end of ${before} says that the log goes on in it`);
    }
    // The next one has its name and never began: the last one goes on.
    last.used -= batchHeaderBytes;
    this.end -= batchHeaderBytes;
  }

  private checkGroups(): void {
    const first = this.segments[0];
    for (const state of this.replay.groups.values()) {
      const index = state.firstAbsent();
      if (index !== undefined) {
        throw corruption(
          `${this.folder}: entry ${index} of group ${state.group} is not there: it was in a segment before ${segmentName(first?.number ?? 0)}, which is missing`,
        );
      }
      state.checkInvariants();
    }
  }
}

/** The position at which the oldest segment there is begins. */
async function firstStart(reader: SegmentReader, number: number): Promise<number> {
  reader.start = undefined;
  const isGood = (await reader.batchAt(segmentHeaderBytes)) && Number.isSafeInteger(reader.frame.position);
  const start = isGood ? reader.frame.position - segmentHeaderBytes : 0;
  if (isGood && (start === 0) !== (number === 1)) {
    throw corruption(`${reader.path}: segment ${number} cannot begin at position ${start}`);
  }
  return start;
}

/** Goes over the segment's checkpoint without applying it: the offset behind it, or where it breaks off. */
async function readCheckpoint(reader: SegmentReader): Promise<{ readonly isWhole: boolean; readonly offset: number }> {
  let offset = segmentHeaderBytes;
  while (await reader.batchAt(offset)) {
    offset += batchHeaderBytes + reader.frame.length;
    if ((reader.frame.flags & checkpointEndFlag) !== 0) return { isWhole: true, offset };
  }
  return { isWhole: false, offset };
}

function provenBad(badPath: string, badOffset: number, proofPath: string, proofOffset: number): Error {
  const where = badPath === proofPath ? `offset ${proofOffset}` : `${proofPath} at offset ${proofOffset}`;
  return corruption(
    `${badPath}: no valid batch at offset ${badOffset}, but the batch in ${where} was written when that place had been synced`,
  );
}
