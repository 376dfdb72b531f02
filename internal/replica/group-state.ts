// What apply reads beside users' records: who belongs to the group, how far garbage may go, where each term of the log ended,
// which requests were answered, which slots are sealed, and what became of salvaged writes. All of it lies in the engine,
// under the group's incarnation, and changes in the same batch as the applied index; so a replay after a crash, and a
// replica made from a snapshot, decide exactly as the first apply did.
//
//   0 'a'                       last applied: term u64 | index u64 | stamp u64
//   0 'w'                       watermark: u64
//   0 'c'                       configuration: index u64 | as in its entry
//   0 't' term u64 big endian   last entry of a finished term: index u64 | stamp u64
//   0 'r' request id            an answer; expires with the request's window
//   0 's' slot u16 big endian   a slot that moves: see moving-slots.ts
//   0 'd'                       voters that left: see departures.ts
//   0 'f' term | index, u64     fate of a salvaged write: see fates.ts; expires after a week
//   0 'x' term | at, u64        entries that did nothing: see rejections.ts; expires after a week
//   0 'm'                       last entries of the last days: each term u64 | index u64 | stamp u64

import { assert } from "../base/assert.ts";
import { ByteReader, ByteWriter, writeU32BigEndian, readU32BigEndian } from "../base/codec.ts";
import { corruption } from "../base/errors.ts";
import { logIndex, term } from "../base/ids.ts";
import type { Incarnation, LogIndex, Term } from "../base/ids.ts";
import { isExpired, stamp, stampOfMilliseconds, stampZero } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import { decodeCell } from "../engine/cell.ts";
import type { Engine } from "../engine/engine.ts";
import type { Version } from "../engine/cell.ts";
import { decodeConfiguration, encodeConfiguration } from "../raft/configuration.ts";
import type { Configuration, ConfigurationAt } from "../raft/configuration.ts";
import { compareVersions } from "./answer.ts";
import { systemArea } from "./areas.ts";
import type { RequestId } from "./command.ts";
import { keyName } from "./decide.ts";
import { Departures } from "./departures.ts";
import { decodeFate, fatesToldDays, oneDay } from "./fates.ts";
import { LostAndFound } from "./lost-and-found.ts";
import { MovingSlots } from "./moving-slots.ts";
import { Rejections, rejectionsAt } from "./rejections.ts";

/** For how long a request may be made again, by the stamp of its first try. On this, and the next, all replicas have to agree. */
const answerWindow = stampOfMilliseconds(10 * 60_000);
/** A coordinator's clock may be so far ahead of the group's; whoever is farther has to set it first. */
const aheadMax = stampOfMilliseconds(60_000);
/** Answers that carry more than this are large; of those a group remembers so many bytes in all. On both all replicas have to agree. */
const smallAnswerBytes = 1024;
const largeAnswersBytesMax = 64 * 1024 * 1024;
/** Ends of terms that are kept. */
const boundariesMax = 4096;

export const systemTag = {
  applied: 0x61,
  configuration: 0x63,
  fate: 0x66,
  answer: 0x72,
  slots: 0x73,
  boundary: 0x74,
  departures: 0x64,
  watermark: 0x77,
  days: 0x6d,
  /** Behind all others: a start does not walk over them. */
  rejections: 0x78,
} as const;

/** The last entry of a term. */
export interface Boundary {
  readonly term: Term;
  readonly index: LogIndex;
  readonly stamp: Stamp;
}

export class GroupState {
  /** The entry that was applied last. */
  last: Boundary = { term: term(0), index: logIndex(0), stamp: stampZero };
  watermark: Stamp = stampZero;
  configuration: ConfigurationAt;
  /** Of terms before the present one, ascending. */
  readonly boundaries: Boundary[] = [];
  /** The last entry of each day that had some, as far as it matters how old an entry is. */
  private days: Boundary[] = [];
  /** Request ids that were answered, by name, with the stamp of the answer: in the order of their stamps. */
  readonly answered = new Map<string, Stamp>();
  /** Bytes of the large ones among the answers. */
  private readonly largeAnswers = new Map<string, number>();
  private largeAnswersBytes = 0;
  readonly slots = new MovingSlots();
  readonly departures = new Departures();
  readonly found = new LostAndFound();
  readonly rejections = new Rejections();

  constructor(first: Configuration) {
    this.configuration = { index: logIndex(0), configuration: first };
  }

  /** As the engine has it. */
  static async load(engine: Engine, incarnation: Incarnation, first: Configuration): Promise<GroupState> {
    const state = new GroupState(first);
    const answers: { name: string; at: Stamp; bytes: number }[] = [];
    const lower = Uint8Array.of(systemArea);
    const walk = engine.iterate(incarnation, { lower, upper: systemKey(systemTag.rejections) });
    try {
      while (await walk.nextLoaded()) {
        const key = walk.key();
        const { cellBytes, cellStart, cellEnd } = walk.entry;
        const cell = decodeCell(cellBytes, cellStart, cellEnd);
        if (cell === undefined) throw corruption("a record of the group itself cannot be read");
        if (key[1] === systemTag.answer)
          answers.push({ name: keyName(key.subarray(2)), at: cell.stamp, bytes: cell.payload.length });
        else if (key[1] === systemTag.fate) state.find(cell.stamp, cell.payload);
        else state.take(key, cell.payload);
      }
    } finally {
      walk.close();
    }
    state.found.loaded();
    const rejections = await engine.get(incarnation, rejectionsKey(state.last.term, state.last.index));
    if (rejections !== undefined) state.rejections.load(state.last, rejections.payload, rejections.expiry);
    answers.sort((left, right) => left.at - right.at);
    for (const { name, at } of answers) state.answered.set(name, at);
    for (const { name, bytes } of answers) state.countAnswer(name, bytes);
    state.forgetAnswers();
    return state;
  }

  /** The next entry is about to be applied. True when it is the first of a term: the one before has ended. */
  advance(entry: Boundary): boolean {
    assert(entry.index === this.last.index + 1, "entries are applied one after the other", {
      index: entry.index,
      last: this.last.index,
    });
    assert(entry.stamp > this.last.stamp, "stamps that do not grow", { index: entry.index });
    const endsTerm = entry.term !== this.last.term && this.last.index > 0;
    if (endsTerm) this.boundaries.push(this.last);
    this.last = entry;
    this.forgetAnswers();
    return endsTerm;
  }

  /** An entry stamped so is about to be applied. True: it is the first of a day, and `encodeDays` has changed. */
  endDay(next: Stamp): boolean {
    if (this.last.index === 0 || dayOf(next) === dayOf(this.last.stamp)) return false;
    // Of those that are long ago, the newest stands for all.
    const first = this.days.findLastIndex((end) => isLongAgo(end, next));
    this.days = [...this.days.slice(Math.max(first, 0)), this.last];
    return true;
  }

  /** Whether an entry is from so long ago that its fate is not told any more. */
  isFateForgotten(version: Version, now: Stamp): boolean {
    const isBehind = (end: Boundary): boolean => isLongAgo(end, now) && compareVersions(version, end) <= 0;
    return isBehind(this.last) || this.days.some(isBehind);
  }

  /** The oldest boundary when there are too many; it is forgotten. */
  takeSurplusBoundary(): Boundary | undefined {
    return this.boundaries.length > boundariesMax ? this.boundaries.shift() : undefined;
  }

  /** The last applied entry whose term is at most `of`. */
  lastOfTerm(of: Term): Boundary | undefined {
    if (of >= this.last.term) return this.last;
    return this.boundaries.findLast((boundary) => boundary.term <= of);
  }

  /** Whether the entry `index` of `entryTerm` is one of those that were applied; undefined: too long ago to know. */
  holds(entryTerm: Term, index: LogIndex): boolean | undefined {
    if (entryTerm > this.last.term || index > this.last.index) return false;
    const at = this.endOf(entryTerm);
    const { boundaries } = this;
    const end = boundaries[at] ?? this.last;
    const isFull = boundaries.length >= boundariesMax;
    if (end.term !== entryTerm) return !isFull || at > 0 ? false : undefined;
    if (at === 0 && isFull) return index <= end.index ? undefined : false;
    const before = boundaries[at - 1]?.index ?? 0;
    return index > before && index <= end.index;
  }

  /** Where the first term from `of` on that has one has its end among the boundaries; behind them: that is the last entry. */
  private endOf(of: Term): number {
    const { boundaries } = this;
    let [low, high] = [0, boundaries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((boundaries[middle] as Boundary).term < of) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The answer's stamp, while it is remembered. */
  answeredAt(id: Uint8Array): Stamp | undefined {
    return this.answered.get(keyName(id));
  }

  /** Whether an answer of so many bytes can be remembered. Small ones always can: their number is bounded. */
  hasRoomForAnswer(bytes: number): boolean {
    return bytes <= smallAnswerBytes || this.largeAnswersBytes + bytes <= largeAnswersBytesMax;
  }

  remember(id: Uint8Array, bytes: number): void {
    const name = keyName(id);
    this.answered.set(name, this.last.stamp);
    this.countAnswer(name, bytes);
  }

  encodeLast(): Uint8Array {
    return new ByteWriter(24).u64(this.last.term).u64(this.last.index).u64(this.last.stamp).finish();
  }

  encodeDays(): Uint8Array {
    const writer = new ByteWriter(24 * this.days.length);
    for (const { term: of, index, stamp: at } of this.days) writer.u64(of).u64(index).u64(at);
    return writer.finish();
  }

  encodeWatermark(): Uint8Array {
    return new ByteWriter(8).u64(this.watermark).finish();
  }

  encodeConfiguration(): Uint8Array {
    const { index, configuration } = this.configuration;
    return new ByteWriter(32).u64(index).bytes(encodeConfiguration(configuration)).finish();
  }

  private forgetAnswers(): void {
    for (const [name, at] of this.answered) {
      if (!isExpired(answerExpiry(at), this.last.stamp)) return;
      this.answered.delete(name);
      this.largeAnswersBytes -= this.largeAnswers.get(name) ?? 0;
      this.largeAnswers.delete(name);
    }
  }

  private countAnswer(name: string, bytes: number): void {
    if (bytes <= smallAnswerBytes) return;
    this.largeAnswersBytes += bytes - (this.largeAnswers.get(name) ?? 0);
    this.largeAnswers.set(name, bytes);
  }

  private take(key: Uint8Array, payload: Uint8Array): void {
    const tag = key[1] ?? 0;
    const reader = new ByteReader(payload, `the group's own record ${tag}`);
    switch (tag) {
      case systemTag.applied:
        this.last = { term: term(reader.u64()), index: logIndex(reader.u64()), stamp: stamp(reader.u64()) };
        return;
      case systemTag.watermark:
        this.watermark = stamp(reader.u64());
        return;
      case systemTag.configuration: {
        const index = logIndex(reader.u64());
        this.configuration = { index, configuration: decodeConfiguration(reader.bytes(reader.remaining)) };
        return;
      }
      case systemTag.boundary: {
        const boundaryTerm = readU64BigEndian(key, 2);
        this.boundaries.push({ term: term(boundaryTerm), index: logIndex(reader.u64()), stamp: stamp(reader.u64()) });
        return;
      }
      case systemTag.slots:
        if (key.length !== slotKeyBytes) throw corruption(`a slot that moves under a key of ${key.length} bytes`);
        this.slots.take(readU16BigEndian(key, 2), reader);
        return;
      case systemTag.days:
        while (reader.remaining > 0) {
          this.days.push({ term: term(reader.u64()), index: logIndex(reader.u64()), stamp: stamp(reader.u64()) });
        }
        return;
      case systemTag.departures:
        this.departures.take(reader);
        return;
      default:
        throw corruption(`a record of the group itself has the unknown tag ${tag}`);
    }
  }

  private find(at: Stamp, fate: Uint8Array): void {
    if (decodeFate(fate).write !== undefined) this.found.load(at, fate.length);
  }
}

const dayOf = (at: Stamp): number => Math.floor(at / oneDay);
const isLongAgo = (end: Boundary, now: Stamp): boolean => dayOf(now) - dayOf(end.stamp) > fatesToldDays;

/** An answer is remembered for as long as any try of its request may still be applied, whatever clock stamped it. */
export const answerExpiry = (at: Stamp): Stamp => stamp(at + answerWindow + aheadMax);

/** Why an entry stamped `at` must not do what a request asks for that is not remembered (rule 17). */
export function refusalOfRequest(
  { stamp: first }: RequestId,
  at: Stamp,
): "request_too_old" | "request_too_new" | undefined {
  if (first + answerWindow <= at) return "request_too_old";
  return first > at + aheadMax ? "request_too_new" : undefined;
}

export const systemKey = (tag: number): Uint8Array => Uint8Array.of(systemArea, tag);

export function answerKey(id: Uint8Array): Uint8Array {
  const key = new Uint8Array(2 + id.length);
  key[0] = systemArea;
  key[1] = systemTag.answer;
  key.set(id, 2);
  return key;
}

export function boundaryKey(of: Term): Uint8Array {
  return numberedKey(systemTag.boundary, [of]);
}

const slotKeyBytes = 4;

export const slotKey = (slot: number): Uint8Array =>
  Uint8Array.of(systemArea, systemTag.slots, slot >>> 8, slot & 0xff);

export function fateKey(of: Term, index: LogIndex): Uint8Array {
  return numberedKey(systemTag.fate, [of, index]);
}

export function rejectionsKey(of: Term, index: LogIndex): Uint8Array {
  return numberedKey(systemTag.rejections, [of, rejectionsAt(index)]);
}

export function encodeBoundary(boundary: Boundary): Uint8Array {
  return new ByteWriter(16).u64(boundary.index).u64(boundary.stamp).finish();
}

/** Big endian, so that they lie in the order of their numbers. */
function numberedKey(tag: number, numbers: readonly number[]): Uint8Array {
  const key = new Uint8Array(2 + 8 * numbers.length);
  key[0] = systemArea;
  key[1] = tag;
  numbers.forEach((value, which) => {
    writeU32BigEndian(key, 2 + 8 * which, Math.floor(value / 0x1_0000_0000));
    writeU32BigEndian(key, 6 + 8 * which, value >>> 0);
  });
  return key;
}

const readU16BigEndian = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

function readU64BigEndian(bytes: Uint8Array, at: number): number {
  return readU32BigEndian(bytes, at) * 0x1_0000_0000 + readU32BigEndian(bytes, at + 4);
}
