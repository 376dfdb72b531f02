// Reads a log, or one segment of it, for people: everything there is, record by record, with its place,
// and every damage without stopping at it. Nothing is changed, locked or decided; recovery.ts decides.

import { corruption, TrefoilError } from "../base/errors.ts";
import type { GroupId } from "../base/ids.ts";
import { DiskFailure } from "../platform/disk.ts";
import type { Disk } from "../platform/disk.ts";
import {
  batchHeaderBytes,
  checkpointEndFlag,
  checkpointFlag,
  decodeSegmentHeader,
  goesOnFlag,
  segmentHeaderBytes,
  stopFlag,
} from "./format.ts";
import * as record from "./record.ts";
import { recordType } from "./record.ts";
import type { DecodedEntry, SavedGroup } from "./record.ts";
import { decodeRunMark } from "./run-mark.ts";
import type { RunMark } from "./run-mark.ts";
import { SegmentReader } from "./segment-reader.ts";
import { begunName, parseLogName } from "./segment.ts";

export type DecodedRecord =
  | { readonly type: "entry" | "salvage" | "carried"; readonly entry: DecodedEntry }
  | {
      readonly type: "hardState";
      readonly group: GroupId;
      readonly term: number;
      readonly vote: number;
      readonly commit: number;
    }
  | { readonly type: "truncation"; readonly group: GroupId; readonly from: number }
  | { readonly type: "salvageDropped"; readonly group: GroupId; readonly term: number; readonly index: number }
  | {
      readonly type: "mark";
      readonly group: GroupId;
      readonly index: number;
      readonly term: number;
      readonly isSnapshot: boolean;
      readonly dropsRest: boolean;
    }
  | { readonly type: "groupRemoved"; readonly group: GroupId }
  | ({ readonly type: "run" } & RunMark)
  | { readonly type: "checkpoint"; readonly groups: number }
  | { readonly type: "groupState"; readonly state: SavedGroup };

type BatchMark = "checkpoint" | "checkpoint end" | "stop" | "goes on";

export type LogItem =
  | {
      readonly kind: "segment";
      readonly path: string;
      readonly number: number;
      readonly start: number;
      readonly bytes: number;
    }
  | {
      readonly kind: "batch";
      readonly path: string;
      readonly offset: number;
      readonly position: number;
      /** Up to where the log was synced when this batch was written. */
      readonly synced: number;
      readonly bytes: number;
      readonly marks: readonly BatchMark[];
    }
  | {
      readonly kind: "record";
      readonly path: string;
      readonly offset: number;
      readonly bytes: number;
      readonly record: DecodedRecord;
    }
  /** No further batch in this file; what lies behind is nothing, or was torn, or is from an earlier life of the file. */
  | { readonly kind: "end"; readonly path: string; readonly offset: number; readonly isBlank: boolean }
  | { readonly kind: "damage"; readonly path: string; readonly offset: number; readonly detail: string }
  /** A file of the folder that holds no part of the log. */
  | { readonly kind: "other"; readonly path: string; readonly what: "spare" | "draft" | "foreign" };

/** `path` is a log's folder, or a segment's file. */
export async function* inspectLog(disk: Disk, path: string): AsyncGenerator<LogItem, void, undefined> {
  const size = await disk.sizeOf(path);
  if (size !== undefined) {
    yield* inspectSegment(disk, path);
    return;
  }
  let expected: number | undefined;
  for (const name of await listFolder(disk, path)) {
    if (name === begunName) continue;
    const parsed = parseLogName(name);
    if (parsed?.kind !== "segment") {
      yield {
        kind: "other",
        path: `${path}/${name}`,
        what: parsed === undefined ? "foreign" : parsed.kind === "spare" ? "spare" : "draft",
      };
      continue;
    }
    if (expected !== undefined && parsed.number !== expected) {
      yield {
        kind: "damage",
        path: `${path}/${name}`,
        offset: 0,
        detail: `segments ${expected} to ${parsed.number - 1} are missing`,
      };
    }
    expected = parsed.number + 1;
    yield* inspectSegment(disk, `${path}/${name}`);
  }
}

async function listFolder(disk: Disk, path: string): Promise<string[]> {
  try {
    return await disk.list(path);
  } catch (reason) {
    if (!(reason instanceof DiskFailure) || reason.kind !== "not_found") throw reason;
    throw new TrefoilError("not_found", `${path} is neither a log's folder nor a segment`, { cause: reason });
  }
}

async function* inspectSegment(disk: Disk, path: string): AsyncGenerator<LogItem, void, undefined> {
  const number = parseLogName(path.slice(path.lastIndexOf("/") + 1))?.number ?? 0;
  const file = await disk.openFile(path, { access: "read" });
  try {
    const reader = new SegmentReader(file, path, await file.size());
    try {
      reader.salt = decodeSegmentHeader(await reader.header(), path, number).salt;
    } catch (reason) {
      if (!(reason instanceof TrefoilError)) throw reason;
      yield { kind: "damage", path, offset: 0, detail: reason.message };
      return;
    }
    const first = await reader.findBatch(segmentHeaderBytes, () => true);
    reader.start = first < 0 ? 0 : reader.frame.position - first;
    yield { kind: "segment", path, number, start: reader.start, bytes: reader.size };
    yield* inspectBatches(reader);
  } finally {
    await file.close();
  }
}

async function* inspectBatches(reader: SegmentReader): AsyncGenerator<LogItem, void, undefined> {
  const { path } = reader;
  for (let offset = segmentHeaderBytes; ;) {
    if (await reader.batchAt(offset)) {
      const { frame, bytes, recordsStart, recordsEnd } = reader;
      const { position, synced, length } = frame;
      yield { kind: "batch", path, offset, position, synced, bytes: length, marks: marksOf(frame.flags) };
      yield* inspectRecords({ path, bytes, start: recordsStart, end: recordsEnd, offset: offset + batchHeaderBytes });
      offset += batchHeaderBytes + length;
      continue;
    }
    const bad = offset;
    const next = await reader.findBatch(bad, () => true);
    if (next < 0) {
      yield { kind: "end", path, offset: bad, isBlank: await reader.isBlankFrom(bad) };
      return;
    }
    const badPosition = (reader.start ?? 0) + bad;
    const proof = reader.frame.synced > badPosition ? "and were good once" : "and may never have been synced";
    yield {
      kind: "damage",
      path,
      offset: bad,
      detail: `${next - bad} bytes before offset ${next} are no batch, ${proof}`,
    };
    offset = next;
  }
}

interface RecordRange {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** In the file, of `start`. */
  readonly offset: number;
}

function* inspectRecords(range: RecordRange): Generator<LogItem, void, undefined> {
  const { path, bytes, end } = range;
  for (let at = range.start; at < end;) {
    const offset = range.offset + at - range.start;
    const length = end - at < record.recordHeaderBytes ? 0 : record.recordLengthAt(bytes, at);
    if (length < record.recordHeaderBytes || length > end - at) {
      yield { kind: "damage", path, offset, detail: `a record of ${length} bytes in a batch with ${end - at} left` };
      return;
    }
    // Copied, since the reader's window moves on before the item is looked at.
    const decoded = decodeRecord(bytes.slice(at, at + length));
    if (typeof decoded === "string") yield { kind: "damage", path, offset, detail: decoded };
    else yield { kind: "record", path, offset, bytes: length, record: decoded };
    at += length;
  }
}

/** What a record says, or what is wrong with it. */
function decodeRecord(bytes: Uint8Array): DecodedRecord | string {
  if (!record.isRecordIntact(bytes, 0)) return "the checksum of a record does not match";
  const type = record.typeOf(bytes, 0);
  if (bytes.length < record.recordBytesMin(type)) return `a record of type ${type} with ${bytes.length} bytes`;
  const group = record.groupOf(bytes, 0);
  const [first, second, third] = [0, 1, 2].map((which) => record.numberOf(bytes, which)) as [number, number, number];
  switch (type as record.RecordType) {
    case recordType.entry:
      return { type: "entry", entry: record.decodeEntry({ bytes, start: 0, end: bytes.length }) };
    case recordType.salvage:
      return nested("salvage", bytes);
    case recordType.carried:
      return nested("carried", bytes);
    case recordType.hardState:
      return { type: "hardState", group, term: first, vote: second, commit: third };
    case recordType.truncation:
      return { type: "truncation", group, from: first };
    case recordType.salvageDropped:
      return { type: "salvageDropped", group, term: first, index: second };
    case recordType.mark: {
      const flags = record.flagsOf(bytes, 0);
      const isSnapshot = (flags & record.snapshotFlag) !== 0;
      return {
        type: "mark",
        group,
        index: first,
        term: second,
        isSnapshot,
        dropsRest: (flags & record.dropsRestFlag) !== 0,
      };
    }
    case recordType.groupRemoved:
      return { type: "groupRemoved", group };
    case recordType.run: {
      const mark = decodeRunMark(bytes, 0, bytes.length, record.flagsOf(bytes, 0));
      return mark === undefined ? "a word on the run that is too long" : { type: "run", ...mark };
    }
    case recordType.checkpoint:
      return { type: "checkpoint", groups: first };
    case recordType.groupState: {
      const state = record.decodeGroupState(bytes, 0, bytes.length);
      return state === undefined ? "a group's state that contradicts itself" : { type: "groupState", state };
    }
    default:
      return `a record of the unknown type ${type}`;
  }
}

function nested(type: "salvage" | "carried", bytes: Uint8Array): DecodedRecord | string {
  try {
    record.checkEntry(bytes, record.nestedAt, bytes.length, type);
  } catch (reason) {
    return reason instanceof TrefoilError ? reason.message : corruption(String(reason)).message;
  }
  return { type, entry: record.decodeEntry({ bytes, start: record.nestedAt, end: bytes.length }) };
}

function marksOf(flags: number): BatchMark[] {
  const marks: BatchMark[] = [];
  if ((flags & checkpointFlag) !== 0) marks.push("checkpoint");
  if ((flags & checkpointEndFlag) !== 0) marks.push("checkpoint end");
  if ((flags & stopFlag) !== 0) marks.push("stop");
  if ((flags & goesOnFlag) !== 0) marks.push("goes on");
  return marks;
}
