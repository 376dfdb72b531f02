// The files of the log's folder: the segments there are, the next one, prepared before it is needed, and
// at most one spare, a purged segment that will be the next.
//
//   new      draft written and synced by a job -> rename to its name -> sync folder
//   recycled rename to a spare's name -> sync folder | header written and synced -> rename -> sync folder
//
// So a file under a segment's name always begins with that segment's header, whenever the power goes.
// A failure to prepare touches nothing that was acknowledged: it is told, and tried again.

import { assert } from "../base/assert.ts";
import { crc32, maskCrc } from "../base/checksum.ts";
import { writeU64 } from "../base/codec.ts";
import { TrefoilError } from "../base/errors.ts";
import { WorkerDied } from "../platform/background.ts";
import { closeAll } from "../platform/close-all.ts";
import { DiskFailure, readFully, writeFully } from "../platform/disk.ts";
import type { DiskFile } from "../platform/disk.ts";
import type { Timer } from "../platform/clock.ts";
import { encodeSegmentHeader, segmentHeaderBytes } from "./format.ts";
import type { LogOptions, LogSeams } from "./options.ts";
import { prepareSegmentJob } from "./prepare-job.ts";
import { Segment, draftName, segmentName, spareName } from "./segment.ts";

interface Prepared {
  readonly number: number;
  readonly file: DiskFile;
  readonly salt: number;
  readonly bytes: number;
}

/** By how much a file grows that was not prepared to its full size. */
const growthBytes = 4 * 1024 * 1024;
const zeroChunkBytes = 1024 * 1024;

export class SegmentFiles {
  /** Oldest first; the last is the one that is written. */
  readonly segments: Segment[];
  /** Why the next segment is not there, until it is. */
  failure: DiskFailure | undefined;

  private readonly folder: string;
  private readonly seams: LogSeams;
  private readonly options: LogOptions;
  /** The purged segment that will be used again. */
  private spare: SpareFile | undefined;
  private prepared: Prepared | undefined;
  private preparing: Promise<void> | undefined;
  private retry: Timer | undefined;
  private waiting: { resolve: () => void; reject: (reason: unknown) => void } | undefined;
  private isClosed = false;
  private readonly onChange: () => void;
  private readonly onFatal: (reason: unknown) => void;

  constructor(folder: string, seams: LogSeams, options: LogOptions, found: FoundFiles) {
    this.folder = folder;
    this.seams = seams;
    this.options = options;
    this.segments = found.segments;
    this.spare = found.spare;
    this.onChange = found.onChange;
    this.onFatal = found.onFatal;
  }

  pathOf(name: string): string {
    return `${this.folder}/${name}`;
  }

  /** The writer waits for a file. */
  get isAwaited(): boolean {
    return this.waiting !== undefined;
  }

  /** `failure` as writers are told. It is tried again. */
  get refusal(): TrefoilError | undefined {
    const { failure, folder } = this;
    if (failure === undefined) return undefined;
    const cause = { cause: failure };
    if (failure.kind === "full") {
      return new TrefoilError("storage_full", `no space for the log in ${folder}: ${failure.message}`, cause);
    }
    const mayPass = failure.kind === "exhausted" || failure.cause instanceof WorkerDied;
    const detail = `the log in ${folder} cannot prepare its next segment: ${failure.message}; it is tried again`;
    return new TrefoilError(mayPass ? "busy" : "internal", detail, cause);
  }

  get bytesOnDisk(): number {
    let bytes = this.prepared?.bytes ?? 0;
    bytes += this.spare?.bytes ?? 0;
    for (const segment of this.segments) bytes += Math.max(segment.allocated, segment.used);
    return bytes;
  }

  /** The segment that holds a position. */
  find(position: number): Segment {
    let at = this.segments.length - 1;
    while (at > 0 && (this.segments[at] as Segment).start > position) at--;
    return this.segments[at] as Segment;
  }

  /** The segment behind `previous`, as a plan: its file may still be missing. */
  plan(previous: Segment): Segment {
    const segment = new Segment({
      number: previous.number + 1,
      start: previous.end,
      path: this.pathOf(segmentName(previous.number + 1)),
      capacity: this.options.segmentBytes,
    });
    this.segments.push(segment);
    return segment;
  }

  /** `segment` is filled up to `offset`: from a quarter on, the next one is worth preparing. */
  noteUse(segment: Segment, offset: number): void {
    // After a failure the timer tries again, not every write.
    if (this.prepared !== undefined || this.failure !== undefined) return;
    if (offset * 4 >= segment.capacity) this.prepareNext(this.options.segmentBytes);
  }

  /** Sees to it that the segment behind the newest one with a file gets one too. */
  private prepareNext(bytes: number): void {
    if (this.isClosed || this.preparing !== undefined || this.prepared !== undefined) return;
    // Segments are planned ahead of the writer: first comes the file of the first that lacks one.
    const lacking = this.segments.find((segment) => segment.file === undefined);
    const number = lacking?.number ?? (this.segments.at(-1)?.number ?? 0) + 1;
    this.retry?.cancel();
    this.retry = undefined;
    this.preparing = this.prepare(number, bytes).then(
      () => this.settle(undefined),
      (reason: unknown) => this.settle(reason),
    );
  }

  /** Gives a planned segment its file; waits until there is one, however long a full disk takes to heal. */
  async attach(segment: Segment): Promise<void> {
    while (this.prepared === undefined) {
      // The writer waits: a small file now, which grows, before a large one later.
      if (this.failure === undefined) this.prepareNext(segmentHeaderBytes);
      await this.change();
    }
    const { prepared } = this;
    assert(prepared.number === segment.number, "segments out of order", { number: segment.number });
    this.prepared = undefined;
    segment.file = prepared.file;
    segment.salt = prepared.salt;
    segment.allocated = prepared.bytes;
  }

  /** Makes sure that the file of `segment` has `bytes`, for one that was not prepared to its full size. */
  async extend(segment: Segment, bytes: number): Promise<void> {
    let wanted = Math.max(bytes, Math.min(segment.capacity, segment.allocated + growthBytes));
    const zeros = new Uint8Array(Math.min(zeroChunkBytes, wanted - segment.allocated));
    while (segment.allocated < wanted) {
      assert(segment.file !== undefined, "a segment without a file cannot grow", { segment: segment.number });
      try {
        const length = Math.min(zeros.length, wanted - segment.allocated);
        await writeFully(segment.file, zeros.subarray(0, length), segment.allocated);
        segment.allocated += length;
        if (this.failure !== undefined) this.fail(undefined);
      } catch (reason) {
        if (!(reason instanceof DiskFailure) || reason.kind !== "full") throw reason;
        if (segment.allocated >= bytes) return;
        // No room to grow by: what is needed now may fit.
        if (wanted > bytes) {
          wanted = bytes;
          continue;
        }
        this.fail(reason);
        this.retryLater();
        await this.change();
      }
    }
  }

  /**
   * Takes the oldest segment out of the log. REQUIRES: nothing in it is needed, and that is durable. False: its name cannot be
   * taken away now, which only wastes space; it stays, and the caller tries again.
   */
  async dropOldest(): Promise<boolean> {
    const [segment] = this.segments;
    assert(segment !== undefined && this.segments.length > 1, "the last segment stays", {});
    const { disk } = this.seams;
    const { segmentBytes } = this.options;
    let isSpare =
      this.spare === undefined && segment.allocated <= segmentBytes && segment.allocated * 2 >= segmentBytes;
    try {
      if (isSpare) await disk.rename(segment.path, this.pathOf(spareName(segment.number)));
      else await disk.remove(segment.path);
    } catch (reason) {
      if (!(reason instanceof DiskFailure)) throw reason;
      this.seams.logger?.warn("an old segment of the log could not be removed", { reason: reason.message });
      // A call that failed may have done its work all the same: then this is the second try, and finds nothing.
      if (reason.kind !== "not_found") return false;
      isSpare = false;
    }
    this.segments.shift();
    try {
      await segment.close();
    } catch (reason) {
      // Nothing in it counts any more.
      this.seams.logger?.warn("an old segment of the log could not be closed", { reason: String(reason) });
    }
    try {
      await this.syncFolder();
      if (isSpare) this.spare = { number: segment.number, bytes: segment.allocated };
    } catch (reason) {
      if (!isExhausted(reason)) throw reason;
      // An old segment that comes back does no harm. A spare whose name is not synced is not used: it goes at the next opening.
    }
    if (this.failure !== undefined) this.prepareNext(segmentBytes);
    return true;
  }

  /** Ends the file behind its last batch: a segment that is longer was opened again after it was closed. */
  async cutTail(segment: Segment): Promise<void> {
    if (segment.file === undefined || segment.allocated === segment.used) return;
    await segment.file.truncate(segment.used);
    await segment.file.syncData();
    segment.allocated = segment.used;
  }

  /** Prepares nothing any more; a writer that waits for space is told so. */
  stop(): void {
    this.isClosed = true;
    this.retry?.cancel();
    this.waiting?.reject(new DiskFailure("failed", "close", this.folder));
    this.waiting = undefined;
  }

  /** REQUIRES: no commit is running. */
  async close(): Promise<void> {
    this.stop();
    await this.preparing;
    const { prepared } = this;
    this.prepared = undefined;
    const closes = this.segments.map((segment) => () => segment.close());
    await closeAll(async () => prepared?.file.close(), ...closes);
  }

  private async prepare(number: number, bytes: number): Promise<void> {
    const path = this.pathOf(segmentName(number));
    const { spare } = this;
    const from = this.pathOf(spare === undefined ? draftName(number) : spareName(spare.number));
    const salt = spare === undefined ? await this.writeDraft(from, number, bytes) : await this.recycle(from, number);
    await this.seams.disk.rename(from, path);
    if (spare !== undefined) this.spare = undefined;
    await this.syncFolder();
    this.prepared = { number, file: await this.open(path), salt, bytes: spare?.bytes ?? bytes };
  }

  /** A name that failed to be synced may be lost with all that is written under it later: no second try. */
  private async syncFolder(): Promise<void> {
    this.checkRunning();
    try {
      await this.seams.disk.syncFolder(this.folder);
    } catch (reason) {
      // Where no file can be opened, no sync was begun.
      if (!isExhausted(reason)) this.onFatal(reason);
      throw reason;
    }
  }

  /** Makes the file of a new segment; returns its salt. */
  private async writeDraft(path: string, number: number, bytes: number): Promise<number> {
    const { background, disk } = this.seams;
    if ((await disk.sizeOf(path)) !== undefined) await disk.remove(path);
    const salt = this.saltFor(number, 0);
    try {
      await background.run(prepareSegmentJob, { path, header: encodeSegmentHeader({ number, salt }), bytes });
    } catch (reason) {
      // Half a file on a full disk takes the space that others need to end their work.
      await disk.remove(path).catch(() => undefined);
      throw reason;
    }
    return salt;
  }

  /** Gives a file that was a segment a new header; returns its salt. */
  private async recycle(path: string, number: number): Promise<number> {
    const file = await this.openSpare(path);
    try {
      // Derived from the old header: the salt differs from that of any batch in the file, whatever the clock says.
      const block = new Uint8Array(segmentHeaderBytes);
      await readFully(file, block, 0);
      const salt = this.saltFor(number, crc32(block));
      await writeFully(file, encodeSegmentHeader({ number, salt }), 0);
      this.checkRunning();
      await file.syncData();
      return salt;
    } catch (reason) {
      // Nobody knows what it holds now: the next try makes a new file.
      this.spare = undefined;
      await this.seams.disk.remove(file.path).catch(() => undefined);
      throw reason;
    } finally {
      await file.close();
    }
  }

  private async openSpare(path: string): Promise<DiskFile> {
    try {
      return await this.seams.disk.openFile(path, { access: "write" });
    } catch (reason) {
      // A rename that failed may have been done all the same.
      if (reason instanceof DiskFailure && reason.kind === "not_found") this.spare = undefined;
      throw reason;
    }
  }

  /** After a failure of the log nothing is synced any more. */
  private checkRunning(): void {
    if (this.isClosed) throw new DiskFailure("failed", "close", this.folder);
  }

  open(path: string): Promise<DiskFile> {
    return this.seams.disk.openFile(path, {
      access: "write",
      urgent: true,
      writesSync: this.options.fsync.kind === "always",
    });
  }

  private settle(reason: unknown): void {
    this.preparing = undefined;
    if (this.isClosed) return;
    if (reason === undefined) {
      this.fail(undefined);
      return;
    }
    if (!(reason instanceof DiskFailure) && !(reason instanceof WorkerDied)) {
      // A bug is not tried again.
      this.onFatal(reason);
      return;
    }
    this.fail(reason instanceof DiskFailure ? reason : new DiskFailure("failed", "prepare", this.folder, reason));
    this.retryLater();
  }

  private fail(failure: DiskFailure | undefined): void {
    const before = this.failure;
    this.failure = failure;
    if (failure !== undefined && before === undefined) {
      this.seams.logger?.warn("the log cannot prepare its next segment", { reason: failure.message });
    }
    if (failure === undefined && before !== undefined) this.seams.logger?.info("the log can prepare segments again");
    this.announce();
  }

  private retryLater(): void {
    this.retry?.cancel();
    this.retry = this.seams.scheduler.after(this.options.retryMilliseconds, () => {
      this.retry = undefined;
      this.prepareNext(this.options.segmentBytes);
      this.announce();
    });
  }

  private announce(): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.resolve();
    this.onChange();
  }

  private change(): Promise<void> {
    if (this.isClosed) return Promise.reject(new DiskFailure("failed", "attach", this.folder));
    assert(this.waiting === undefined, "only the writer waits for segments", {});
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      if (this.failure !== undefined) this.onChange();
    });
  }

  /** No secret, but nothing that a client can know: it is mixed from the time and what the file was before. */
  private saltFor(number: number, before: number): number {
    const { clock } = this.seams;
    const seed = new Uint8Array(32);
    writeU64(seed, 0, Math.floor(clock.wallMilliseconds() * 1000) % Number.MAX_SAFE_INTEGER);
    writeU64(seed, 8, Math.floor(clock.monotonicMilliseconds() * 1_000_000) % Number.MAX_SAFE_INTEGER);
    writeU64(seed, 16, number);
    writeU64(seed, 24, before);
    return maskCrc(crc32(seed));
  }
}

const isExhausted = (reason: unknown): boolean => reason instanceof DiskFailure && reason.kind === "exhausted";

export interface SpareFile {
  readonly number: number;
  readonly bytes: number;
}

export interface FoundFiles {
  readonly segments: Segment[];
  readonly spare: SpareFile | undefined;
  /** Called when `failure` comes or goes. */
  readonly onChange: () => void;
  /** Called when a sync failed on which acknowledged bytes would depend. */
  readonly onFatal: (reason: unknown) => void;
}
