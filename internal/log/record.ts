// Records, the contents of batches. All begin alike; numbers are little endian, a u64 is below 2^53:
//
//   0 length u32 | 4 crc u32 | 8 type | 9 flags | 10 kind | 11 zero | 12 group u32 | 16 body
//
// `length` counts the whole record and is below 2^24, `crc` (masked) covers it from offset 8. An entry
// is encoded once, when it is proposed, and these bytes are then copied unchanged into the logs and the
// frames of all replicas; so an entry's record names its group, and knows nothing of where it lies.

import { BytePool } from "../base/byte-pool.ts";
import { assert } from "../base/assert.ts";
import { crc32, maskCrc } from "../base/checksum.ts";
import { readU32, readU64, writeU32, writeU64 } from "../base/codec.ts";
import { corruption } from "../base/errors.ts";
import { groupId, logIndex, term } from "../base/ids.ts";
import type { GroupId, LogIndex, Term } from "../base/ids.ts";
import { valueBytesMax } from "../base/limits.ts";
import { stamp } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";

export const recordType = {
  entry: 1,
  hardState: 2,
  /** Entries from an index on are gone. Nothing else truncates. */
  truncation: 3,
  /** A fast entry that is about to be discarded, kept until its merge has been applied. */
  salvage: 4,
  salvageDropped: 5,
  /** Entries up to an index are gone: compacted, or covered by a snapshot that was installed. */
  mark: 6,
  groupRemoved: 7,
  /** Opens a checkpoint. */
  checkpoint: 8,
  /** A group's whole state, in a checkpoint. */
  groupState: 9,
  /** An entry that lay in a segment about to go, copied in a checkpoint. */
  carried: 10,
  /** What the log says of the run that writes it: see run-mark.ts. Group 0. */
  run: 11,
} as const;

export type RecordType = (typeof recordType)[keyof typeof recordType];

export const recordHeaderBytes = 16;
/** An entry without payload. */
export const entryHeaderBytes = 40;
/** The payload of an entry: the largest value with its key, or a batch of that size. */
export const payloadBytesMax = valueBytesMax + 1024 * 1024;
export const entryBytesMax = entryHeaderBytes + payloadBytesMax;
/** Of any record; a longer one is damage. */
export const recordBytesMax = 2 ** 24 - 1;

export const hardStateBytes = 40;
export const truncationBytes = 24;
export const salvageDroppedBytes = 32;
export const markBytes = 32;
export const checkpointBytes = 24;
const groupStateBytes = 72;
const termRunBytes = 16;
/** Where the entry lies in a record that holds a whole one: salvage, carried. */
export const nestedAt = 16;

const bytesMinByType: Readonly<Record<number, number>> = {
  [recordType.entry]: entryHeaderBytes,
  [recordType.hardState]: hardStateBytes,
  [recordType.truncation]: truncationBytes,
  [recordType.salvage]: nestedAt + entryHeaderBytes,
  [recordType.salvageDropped]: salvageDroppedBytes,
  [recordType.mark]: markBytes,
  [recordType.checkpoint]: checkpointBytes,
  [recordType.groupState]: groupStateBytes,
  [recordType.carried]: nestedAt + entryHeaderBytes,
};

/** Of a mark: it was a snapshot, not a compaction. */
export const snapshotFlag = 1;
/** Of a mark: the entries behind it are gone as well. */
export const dropsRestFlag = 2;
/** Of an entry: a fast write. */
export const fastFlag = 1;

const crcAt = 4;
const typeAt = 8;
const flagsAt = 9;
const kindAt = 10;
const groupAt = 12;
const firstAt = 16;
const secondAt = 24;
const thirdAt = 32;

export interface EntryFields {
  readonly group: GroupId;
  readonly term: Term;
  readonly index: LogIndex;
  readonly stamp: Stamp;
  /** Bit 0: fast. The others are the caller's. */
  readonly flags: number;
  /** What the payload is: the caller's, from 0 to 255. */
  readonly kind: number;
}

/** An entry's record in memory that somebody owns: see who returned it. */
export interface RecordView {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export type RecordSlot = { -readonly [Field in keyof RecordView]: RecordView[Field] };

export function copyOfRecord(view: RecordView): RecordView {
  const bytes = view.bytes.slice(view.start, view.end);
  return { bytes, start: 0, end: bytes.length };
}

export const recordLengthAt = (bytes: Uint8Array, at: number): number => readU32(bytes, at);
export const typeOf = (bytes: Uint8Array, at: number): number => bytes[at + typeAt] as number;
export const flagsOf = (bytes: Uint8Array, at: number): number => bytes[at + flagsAt] as number;
export const kindOf = (bytes: Uint8Array, at: number): number => bytes[at + kindAt] as number;
export const groupOf = (bytes: Uint8Array, at: number): GroupId => groupId(readU32(bytes, at + groupAt));
/** Of an entry. */
export const termOf = (bytes: Uint8Array, at: number): Term => term(readU64(bytes, at + firstAt));
/** Of an entry. */
export const indexOf = (bytes: Uint8Array, at: number): LogIndex => logIndex(readU64(bytes, at + secondAt));
/** Of an entry. */
export const stampOf = (bytes: Uint8Array, at: number): Stamp => stamp(readU64(bytes, at + thirdAt));
/** The body's number `which` (0, 1 or 2) of the record at `at`: as writeNumber wrote it. */
export const numberOf = (bytes: Uint8Array, which: number, at = 0): number => readU64(bytes, at + firstAt + 8 * which);

/** No intact record of this type is shorter. */
export function recordBytesMin(type: number): number {
  return bytesMinByType[type] ?? recordHeaderBytes;
}

/** Writes the header of the record that fills target[at, at + length); its body is there already. */
export function sealRecord(target: Uint8Array, at: number, length: number, header: RecordHeader): void {
  writeU32(target, at, length);
  target[at + typeAt] = header.type;
  target[at + flagsAt] = header.flags ?? 0;
  target[at + kindAt] = header.kind ?? 0;
  target[at + kindAt + 1] = 0;
  writeU32(target, at + groupAt, header.group);
  writeU32(target, at + crcAt, maskCrc(crc32(target, at + typeAt, at + length)));
}

export interface RecordHeader {
  readonly type: RecordType;
  readonly group: number;
  readonly flags?: number;
  readonly kind?: number;
}

export function isRecordIntact(bytes: Uint8Array, at: number): boolean {
  const end = at + recordLengthAt(bytes, at);
  return readU32(bytes, at + crcAt) === maskCrc(crc32(bytes, at + typeAt, end));
}

/** Writes an entry whose payload is payload[start, end) at `at`; returns the offset behind it. */
// oxlint-disable-next-line max-params -- a range of the caller's bytes, so that no view of them is made per entry
export function encodeEntry(
  target: Uint8Array,
  at: number,
  fields: EntryFields,
  payload: Uint8Array,
  start = 0,
  end = payload.length,
): number {
  assert(end - start <= payloadBytesMax, "payload of an entry", { bytes: end - start });
  target.set(start === 0 && end === payload.length ? payload : payload.subarray(start, end), at + entryHeaderBytes);
  writeU64(target, at + firstAt, fields.term);
  writeU64(target, at + secondAt, fields.index);
  writeU64(target, at + thirdAt, fields.stamp);
  const length = entryHeaderBytes + end - start;
  writeU32(target, at, length);
  target[at + typeAt] = recordType.entry;
  target[at + flagsAt] = fields.flags;
  target[at + kindAt] = fields.kind;
  target[at + kindAt + 1] = 0;
  writeU32(target, at + groupAt, fields.group);
  writeU32(target, at + crcAt, maskCrc(crc32(target, at + typeAt, at + length)));
  return at + length;
}

const pool = new BytePool();

/** A whole entry as bytes of its own. */
export function entryRecord(
  group: GroupId,
  { term: of, index, stamp: at, flags, kind }: Omit<EntryFields, "group">,
  payload: Uint8Array,
): Uint8Array {
  const bytes = pool.take(entryHeaderBytes + payload.length);
  encodeEntry(bytes, 0, { group, term: of, index, stamp: at, flags, kind }, payload);
  return bytes;
}

export interface DecodedEntry extends EntryFields {
  /** Shares the memory that it was decoded from. */
  readonly payload: Uint8Array;
}

/** Of a record that was checked before. */
export function decodeEntry(view: RecordView): DecodedEntry {
  const { bytes, start } = view;
  return {
    group: groupOf(bytes, start),
    term: termOf(bytes, start),
    index: indexOf(bytes, start),
    stamp: stampOf(bytes, start),
    flags: flagsOf(bytes, start),
    kind: kindOf(bytes, start),
    payload: bytes.subarray(start + entryHeaderBytes, view.end),
  };
}

/** Checks bytes[start, end) as the one entry record that they must be; for bytes that came from elsewhere. */
export function checkEntry(bytes: Uint8Array, start: number, end: number, what: string): void {
  const length = end - start;
  if (length < entryHeaderBytes || length > entryBytesMax || recordLengthAt(bytes, start) !== length) {
    throw corruption(`${what}: no entry record of ${length} bytes`);
  }
  if (typeOf(bytes, start) !== recordType.entry || bytes[start + kindAt + 1] !== 0) {
    throw corruption(`${what}: record type ${typeOf(bytes, start)} is no entry`);
  }
  if (!isRecordIntact(bytes, start)) throw corruption(`${what}: the checksum of an entry does not match`);
  const numbers = [termOf(bytes, start), indexOf(bytes, start), stampOf(bytes, start)];
  if (!numbers.every((value) => Number.isSafeInteger(value)) || indexOf(bytes, start) === 0) {
    throw corruption(`${what}: an entry with term, index and stamp ${numbers.join(", ")}`);
  }
}

/** Writes the body's number `which` (0, 1 or 2) of the record at `at`. */
export function writeNumber(target: Uint8Array, at: number, which: number, value: number): void {
  writeU64(target, at + firstAt + 8 * which, value);
}

export interface TermRun {
  readonly index: number;
  readonly term: number;
}

/** What a checkpoint says of a group. */
export interface SavedGroup {
  readonly group: GroupId;
  readonly term: number;
  readonly vote: number;
  readonly commit: number;
  readonly baseIndex: number;
  readonly baseTerm: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Where the term changes among the entries behind base. */
  readonly runs: readonly TermRun[];
}

export function groupStateLength(runs: number): number {
  return groupStateBytes + runs * termRunBytes;
}

/** Writes the body; sealRecord ends it. */
export function encodeGroupState(target: Uint8Array, at: number, saved: SavedGroup): void {
  const { term, vote, commit, baseIndex, baseTerm, lastIndex } = saved;
  [term, vote, commit, baseIndex, baseTerm, lastIndex].forEach((value, which) => writeNumber(target, at, which, value));
  writeU64(target, at + 64, saved.runs.length);
  saved.runs.forEach((run, which) => {
    writeU64(target, at + groupStateBytes + which * termRunBytes, run.index);
    writeU64(target, at + groupStateBytes + which * termRunBytes + 8, run.term);
  });
}

/** REQUIRES: at least groupStateBytes. Undefined when the numbers contradict each other. */
export function decodeGroupState(bytes: Uint8Array, at: number, length: number): SavedGroup | undefined {
  const number = (offset: number): number => readU64(bytes, at + offset);
  const count = number(64);
  if (length !== groupStateLength(count)) return undefined;
  const [baseIndex, baseTerm, lastIndex] = [number(40), number(48), number(56)];
  const runs: TermRun[] = [];
  for (let which = 0; which < count; which++) {
    const run = {
      index: number(groupStateBytes + which * termRunBytes),
      term: number(groupStateBytes + which * termRunBytes + 8),
    };
    const before = runs.at(-1);
    if (before !== undefined && (before.index >= run.index || before.term >= run.term)) return undefined;
    runs.push(run);
  }
  const first = runs[0];
  const last = runs.at(-1);
  const numbers = [16, 24, 32, 40, 48, 56].map(number);
  if (![...numbers, last?.index ?? 0, last?.term ?? 0].every((value) => Number.isSafeInteger(value))) return undefined;
  if (number(32) > lastIndex) return undefined;
  if (lastIndex < baseIndex || lastIndex > baseIndex !== (first !== undefined)) return undefined;
  if (first !== undefined && first.index > baseIndex + 1) return undefined;
  if (last !== undefined && last.index > lastIndex) return undefined;
  return {
    group: groupOf(bytes, at),
    term: number(16),
    vote: number(24),
    commit: number(32),
    baseIndex,
    baseTerm,
    lastIndex,
    lastTerm: last?.term ?? baseTerm,
    runs,
  };
}
