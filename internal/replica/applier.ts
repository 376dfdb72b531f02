// Carries committed entries from the log into the engine, in their order, and says what became of each. Every replica of the
// group does exactly the same: what an entry does depends on the entry, on the group's state and on the records that it
// reads, all as of the entry before it.
//
//   log --- find, read ---> gather ---> WriteBatch ---> engine, with the applied index
//                             |
//                             +-- commands that read: the batch goes in first, so that they see what came before
//
// Blind writes, nearly all there are, are gathered without an object each. Whoever needs the disk makes the rest wait.

import { assert } from "../base/assert.ts";
import { corruption } from "../base/errors.ts";
import { logIndex, term } from "../base/ids.ts";
import type { Incarnation, LogIndex } from "../base/ids.ts";
import { isExpired, neverExpires, stamp } from "../base/stamp.ts";
import type { Engine } from "../engine/engine.ts";
import type { EngineRecord } from "../engine/reader.ts";
import type { OperationSlot } from "../engine/write-batch.ts";
import type { GroupLog } from "../log/group-log.ts";
import { entryHeaderBytes, indexOf, kindOf, stampOf, termOf } from "../log/record.ts";
import type { RecordSlot, RecordView } from "../log/record.ts";
import { decodeConfiguration } from "../raft/configuration.ts";
import { entryKind } from "../raft/types.ts";
import type { SnapshotMark } from "../raft/types.ts";
import { slotOf } from "../ring/slots.ts";
import { decodeAnswer } from "./answer.ts";
import type { CommandAnswer, RefusalReason } from "./answer.ts";
import { ApplyBatch } from "./apply-batch.ts";
import { areaBytes, userRecordKey } from "./areas.ts";
import { commandKind, decodeCommand, readBlind } from "./command.ts";
import type { BlindSlot, Command } from "./command.ts";
import { decideLoad } from "./decide-load.ts";
import { outcomeOf } from "./command-outcome.ts";
import { decodeRelease } from "./departures.ts";
import { encodeFate, fateExpiry } from "./fates.ts";
import type { Fate } from "./fates.ts";
import { answerKey, boundaryKey, encodeBoundary, fateKey, rejectionsKey, slotKey } from "./group-state.ts";
import { systemKey, systemTag } from "./group-state.ts";
import type { Boundary, GroupState } from "./group-state.ts";
import { decodeLoad, decodeMerge, judgeMerge } from "./merge.ts";
import type { ForeignWrite, LoadCommand } from "./merge.ts";
import { RecordsRead, wantedBy, wantedByCommand, wantedByLoad, wantedByMerge, withTombstones } from "./records-read.ts";
import type { Wanted } from "./records-read.ts";
import { decodeSlots } from "./slots-command.ts";
import { decodeTick } from "./tick.ts";

const noBytes = new Uint8Array(0);
/** Of the log, at once. */
const readBytes = 256 * 1024;

export interface ApplierParts {
  readonly log: GroupLog;
  readonly engine: Engine;
  readonly incarnation: Incarnation;
  readonly state: GroupState;
}

export interface ApplierEvents {
  /** What a command that was not a single blind write came to. */
  onAnswer(index: LogIndex, answer: CommandAnswer): void;
  /** A merge was applied, wherever its write had been lost. */
  onMerged(write: ForeignWrite): void;
  /** What became of it, when that was decided by this entry. */
  onFate?(fate: Fate): void;
}

export class Applier {
  private readonly parts: ApplierParts;
  private readonly events: ApplierEvents;
  private readonly batch: ApplyBatch;
  private readonly slot: RecordSlot = { bytes: noBytes, start: 0, end: 0 };
  private readonly blind: BlindSlot = {
    isDelete: false,
    keyStart: 0,
    keyEnd: 0,
    bodyStart: 0,
    bodyEnd: 0,
    expiry: neverExpires,
  };
  private readonly source: OperationSlot = {
    keyBytes: noBytes,
    keyStart: 0,
    keyEnd: 0,
    payloadBytes: noBytes,
    payloadStart: 0,
    payloadEnd: 0,
  };
  private readonly header = {
    term: term(0),
    index: logIndex(0),
    stamp: stamp(0),
    expiry: neverExpires,
    tombstone: false,
  };

  constructor(parts: ApplierParts, events: ApplierEvents) {
    this.parts = parts;
    this.events = events;
    this.batch = new ApplyBatch(parts);
  }

  /** Everything up to here is in the engine. */
  get appliedIndex(): LogIndex {
    return this.batch.applied.index;
  }

  /** What the engine's records of the group show; its state may be ahead of them. */
  get applied(): SnapshotMark {
    return this.batch.applied;
  }

  /** What waits for room in the engine waits no longer: nobody wants it any more. */
  stop(): void {
    this.batch.stop();
  }

  /**
   * Applies entries up to `limit` as far as memory suffices; true when that was all. Otherwise some progress may have been
   * made, and applyLoaded goes on from there.
   */
  applyNow(limit: LogIndex): boolean {
    const { state, log } = this.parts;
    while (state.last.index < limit) {
      if (this.batch.isFull && !this.batch.commitNow()) return false;
      if (!log.find(logIndex(state.last.index + 1), this.slot)) break;
      if (!this.gather(this.slot, undefined)) break;
    }
    return this.batch.commitNow() && this.appliedIndex >= limit;
  }

  /** As applyNow, waiting for what it needs: it makes some progress, or rejects. */
  async applyLoaded(limit: LogIndex): Promise<void> {
    const { state, log } = this.parts;
    await this.batch.commit();
    if (state.last.index >= limit) return;
    const read = await log.read(logIndex(state.last.index + 1), limit, readBytes);
    assert(read.kind === "entries", "the log lost entries before they were applied", { kind: read.kind });
    for (const view of read.entries) {
      if (this.gather(view, undefined)) continue;
      await this.batch.commit();
      const isGathered = this.gather(view, await this.fetch(view));
      assert(isGathered, "an entry that cannot be applied with all its records at hand");
    }
    await this.batch.commit();
  }

  /** False: it reads records that are not in memory; nothing was changed. */
  private gather(view: RecordView, fetched: RecordsRead | undefined): boolean {
    const { bytes, start, end } = view;
    const entry = { term: termOf(bytes, start), index: indexOf(bytes, start), stamp: stampOf(bytes, start) };
    const kind = kindOf(bytes, start);
    const from = start + entryHeaderBytes;
    switch (kind) {
      case commandKind.operations:
        if (readBlind(bytes, from, end, this.blind)) {
          this.applyBlind(bytes, entry);
          return true;
        }
        return this.applyCommand(decodeCommand(bytes, from, end), entry, fetched);
      case commandKind.merge:
        return this.applyMerge(decodeMerge(bytes, from, end), entry, fetched);
      case commandKind.load:
        return this.applyLoad(decodeLoad(bytes, from, end), entry, fetched);
      case commandKind.tick:
        this.begin(entry);
        this.applyTick(bytes, from, end);
        return true;
      case commandKind.slots:
        this.begin(entry);
        this.applySlots(bytes, from, end);
        return true;
      case commandKind.release:
        this.begin(entry);
        this.applyRelease(bytes, from, end);
        return true;
      case entryKind.noop:
        this.begin(entry);
        return true;
      case entryKind.configuration:
        this.begin(entry);
        this.applyConfiguration(bytes.subarray(from, end), entry);
        return true;
      default:
        throw corruption(`log entry ${entry.term}.${entry.index} has the unknown kind ${kind}`);
    }
  }

  private applyBlind(bytes: Uint8Array, entry: Boundary): void {
    const { blind, source, header } = this;
    this.begin(entry);
    if (this.isSealed(bytes, blind.keyStart + areaBytes, blind.keyEnd)) {
      this.refuse(entry, "sealed", 0);
      return;
    }
    source.keyBytes = bytes;
    source.keyStart = blind.keyStart;
    source.keyEnd = blind.keyEnd;
    source.payloadBytes = bytes;
    source.payloadStart = blind.bodyStart;
    source.payloadEnd = blind.bodyEnd;
    header.term = entry.term;
    header.index = entry.index;
    header.stamp = entry.stamp;
    header.expiry = blind.expiry;
    header.tombstone = blind.isDelete;
    this.batch.addBlind(source, header);
  }

  private applyCommand(command: Command, entry: Boundary, fetched: RecordsRead | undefined): boolean {
    const { state } = this.parts;
    const { request } = command;
    const isRepeat = request !== undefined && state.answeredAt(request.id) !== undefined;
    const records = fetched ?? this.fetchNow(wantedByCommand(command, state), entry);
    if (records === undefined) return false;
    this.begin(entry);
    if (isRepeat) {
      const kept = records.get(answerKey(request.id));
      if (kept === undefined)
        throw corruption(`the answer to a request that entry ${entry.index} repeats is not there`);
      this.noteRejected(entry);
      this.events.onAnswer(entry.index, decodeAnswer(kept.payload));
      return true;
    }
    const lookup = (key: Uint8Array): EngineRecord | undefined => records.get(userRecordKey(key));
    const { answer, writes, isFinal } = outcomeOf(command, entry, state, lookup);
    for (const write of writes) this.batch.addWrite(write, entry);
    if (request !== undefined && isFinal) this.batch.remember(request.id, answer, entry);
    if (answer.kind === "refused") this.noteRejected(entry);
    this.events.onAnswer(entry.index, answer);
    return true;
  }

  private applyMerge(write: ForeignWrite, entry: Boundary, fetched: RecordsRead | undefined): boolean {
    const wanted = wantedByMerge(write);
    const records = fetched ?? this.fetchNow(wanted, entry);
    if (records === undefined) return false;
    const { state } = this.parts;
    const { term, index } = write.version;
    // The last entry of a term no newer than the write's: what came after it, the writer's log did not have.
    const known = state.lastOfTerm(term);
    const isHere = state.holds(term, index) === true;
    const decided = records.get(wanted[1].key);
    this.begin(entry);
    // It was in this log after all, or was merged before: what was decided first stands.
    const isDecided = decided !== undefined && !decided.tombstone && !isExpired(decided.expiry, entry.stamp);
    if (!isHere && !isDecided) this.merge(write, entry, this.fateOf(write, known, records.get(wanted[0].key)));
    this.events.onMerged(write);
    return true;
  }

  private merge(write: ForeignWrite, entry: Boundary, fate: Fate): void {
    const { batch } = this;
    if (fate === "salvaged") batch.addForeign(write, entry);
    const mergedAt = { term: entry.term, index: entry.index };
    const bare = encodeFate({ fate, mergedAt, write: undefined });
    const whole = fate === "salvaged" ? bare : encodeFate({ fate, mergedAt, write });
    const record = whole === bare || this.parts.state.found.takes(entry.stamp, whole.length) ? whole : bare;
    const origin = { ...mergedAt, stamp: entry.stamp, expiry: fateExpiry(entry.stamp) };
    batch.put(fateKey(write.version.term, write.version.index), origin, record);
    // One that something newer overtook took effect before that: made again, it would overwrite what overtook it.
    const isNews = write.request !== undefined && this.parts.state.answeredAt(write.request.id) === undefined;
    if (write.request !== undefined && isNews && fate !== "lost") {
      batch.remember(write.request.id, { kind: "done", version: write.version, values: [undefined] }, entry);
    }
    this.events.onFate?.(fate);
  }

  private fateOf(write: ForeignWrite, known: Boundary | undefined, present: EngineRecord | undefined): Fate {
    const { state } = this.parts;
    const slot = slotOf(write.key, 0, write.key.length);
    if (state.slots.isClosed(slot) || state.slots.isVoid(slot, write.version)) return "lost";
    if (state.watermark > (known?.stamp ?? 0)) return "lost";
    // Its request was made again, and that took effect.
    if (write.request !== undefined && state.answeredAt(write.request.id) !== undefined) return "superseded";
    return judgeMerge(write, present) === "loses" ? "superseded" : "salvaged";
  }

  private applyLoad(load: LoadCommand, entry: Boundary, fetched: RecordsRead | undefined): boolean {
    const records = fetched ?? this.fetchNow(wantedByLoad(load.writes), entry);
    if (records === undefined) return false;
    const { state } = this.parts;
    this.begin(entry);
    const decision = decideLoad(load, entry, state, (key) => records.get(userRecordKey(key)));
    if (decision.kind === "refused") {
      this.refuse(entry, "not_sealed", decision.operation);
      return true;
    }
    this.putSlots(state.slots.loaded(decision.slots, entry.stamp));
    for (const write of decision.writes) this.batch.addForeign(write, entry);
    return true;
  }

  private applyTick(bytes: Uint8Array, from: number, end: number): void {
    const { state } = this.parts;
    const raised = decodeTick(bytes, from, end);
    if (raised <= state.watermark) return;
    state.watermark = raised;
    this.batch.put(systemKey(systemTag.watermark), state.last, state.encodeWatermark());
    this.putSlots(state.slots.passed(raised));
  }

  private applySlots(bytes: Uint8Array, from: number, end: number): void {
    const { state } = this.parts;
    const command = decodeSlots(bytes, from, end);
    if (state.slots.refuses(command, state.last)) this.noteRejected(state.last);
    else this.putSlots(state.slots.move(command, state.last));
  }

  private applyConfiguration(payload: Uint8Array, entry: Boundary): void {
    const { state } = this.parts;
    const { configuration: before } = state.configuration;
    state.configuration = { index: entry.index, configuration: decodeConfiguration(payload) };
    this.batch.put(systemKey(systemTag.configuration), entry, state.encodeConfiguration());
    if (state.departures.changed(before, state.configuration.configuration, entry.stamp)) this.putDepartures();
  }

  private applyRelease(bytes: Uint8Array, from: number, end: number): void {
    const { departures, configuration } = this.parts.state;
    if (departures.release(decodeRelease(bytes, from, end), configuration.configuration)) this.putDepartures();
  }

  private putSlots(changed: readonly number[]): void {
    const { last, slots } = this.parts.state;
    for (const slot of changed) {
      const record = slots.encode(slot);
      if (record === undefined) this.batch.delete(slotKey(slot), last);
      else this.batch.put(slotKey(slot), last, record);
    }
  }

  private putDepartures(): void {
    const { state } = this.parts;
    this.batch.put(systemKey(systemTag.departures), state.last, state.departures.encode());
  }

  private refuse(entry: Boundary, why: RefusalReason, operation: number): void {
    const { term, index } = entry;
    this.noteRejected(entry);
    this.events.onAnswer(index, { kind: "refused", version: { term, index }, why, operation, present: undefined });
  }

  /** The entry is in the log and did nothing. */
  private noteRejected(entry: Boundary): void {
    const { term, index, stamp } = entry;
    const origin = { term, index, stamp, expiry: fateExpiry(stamp) };
    this.batch.put(rejectionsKey(term, index), origin, this.parts.state.rejections.note(entry));
  }

  /** From here on the entry counts as applied, in the state and, with what it writes, in the batch. */
  private begin(entry: Boundary): void {
    const { state } = this.parts;
    const before = state.last;
    if (state.endDay(entry.stamp)) this.batch.put(systemKey(systemTag.days), entry, state.encodeDays());
    if (!state.advance(entry)) return;
    this.batch.put(boundaryKey(before.term), entry, encodeBoundary(before));
    const surplus = state.takeSurplusBoundary();
    if (surplus !== undefined) this.batch.delete(boundaryKey(surplus.term), entry);
  }

  private isSealed(bytes: Uint8Array, start: number, end: number): boolean {
    const { slots } = this.parts.state;
    return slots.sealedCount > 0 && slots.isSealed(slotOf(bytes, start, end));
  }

  /** What lies under these keys after all that was gathered; undefined when it takes the disk, or room, to know. */
  private fetchNow(all: readonly Wanted[], { stamp: at }: Boundary): RecordsRead | undefined {
    const records = new RecordsRead(at);
    if (all.length === 0) return records;
    if (!this.batch.commitNow()) return undefined;
    const { engine, incarnation } = this.parts;
    for (const wanted of all) {
      const record = engine.getNow(incarnation, wanted.key, withTombstones);
      if (record === "need_io") return undefined;
      records.add(wanted, record === "absent" ? undefined : record);
    }
    return records;
  }

  /** As fetchNow, for an entry's record. REQUIRES: the batch is committed. */
  private async fetch({ bytes, start, end }: RecordView): Promise<RecordsRead> {
    const { engine, incarnation, state } = this.parts;
    const from = start + entryHeaderBytes;
    const records = new RecordsRead(stampOf(bytes, start));
    for (const wanted of wantedBy(kindOf(bytes, start), bytes.subarray(from, end), state)) {
      records.add(wanted, await engine.get(incarnation, wanted.key, withTombstones));
    }
    return records;
  }
}
