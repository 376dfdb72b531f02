// Slots of a group that are on their way to another one, or have come from one, as apply has to know them: what each entry that
// moves slots, or loads records into one, does to them.
//
//   open --seal--> sealed --close--> closed --load*--> loading --open--> open, and reopened until the watermark is past
//
// Two things would let replicas part, or a deleted record come back:
//
//   - Tombstones and expired records are collected by each replica in its own time. So no replica collects anything that came in by a
//     load while more may come: the group's garbage horizon stays where it was before the first one (`garbageHorizon`).
//   - A slot that was closed may have been written, and its records deleted, elsewhere. What a log lost before it came back is void
//     (`isVoid`), until the watermark refuses all merges of such terms anyhow.
//
// What is remembered of a slot is a record of its own, so that an entry writes no more than it changes:
//
//   flags u8: sealed 1, closed 2, opened 4 | when sealed: by index u64, loaded since: stamp u64, or 0
//                                          | when opened: by term u64, index u64, stamp u64

import { assert } from "../base/assert.ts";
import { ByteWriter } from "../base/codec.ts";
import type { ByteReader } from "../base/codec.ts";
import { corruption } from "../base/errors.ts";
import { logIndex, term } from "../base/ids.ts";
import type { LogIndex } from "../base/ids.ts";
import { stamp, stampZero } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import { slotCount } from "../ring/slots.ts";
import { compareVersions } from "./answer.ts";
import type { Boundary } from "./group-state.ts";
import type { SlotsCommand } from "./slots-command.ts";

interface SealedSlot {
  /** The entry that sealed it; a seal that is repeated changes nothing. */
  readonly at: LogIndex;
  /** It takes no salvaged writes either. */
  readonly isClosed: boolean;
  /** Of the first load since; zero: there was none. */
  readonly loadedSince: Stamp;
}

const sealedFlag = 1;
const closedFlag = 2;
const openedFlag = 4;
/** Only what is sealed is closed, and of a slot that is nothing of all that nothing is remembered. */
const knownFlags: readonly number[] = [
  sealedFlag,
  sealedFlag | closedFlag,
  openedFlag,
  openedFlag | sealedFlag,
  openedFlag | sealedFlag | closedFlag,
];

export class MovingSlots {
  private readonly sealed = new Map<number, SealedSlot>();
  private readonly reopened = new Map<number, Boundary>();
  /** Of all slots that are sealed; zero: there was none. */
  private firstLoad = stampZero;

  get sealedCount(): number {
    return this.sealed.size;
  }

  isSealed(slot: number): boolean {
    return this.sealed.has(slot);
  }

  isClosed(slot: number): boolean {
    return this.sealed.get(slot)?.isClosed === true;
  }

  /** Whether the slot has been sealed all the time since the entry `since`. */
  takesLoads(slot: number, since: LogIndex): boolean {
    const sealed = this.sealed.get(slot);
    return sealed !== undefined && sealed.at <= since;
  }

  /** Whether a command has no effect at all: a version here would not be above those that the keys had where they came from. */
  refuses({ mode, above }: SlotsCommand, entry: Boundary): boolean {
    return mode === "open" && entry.term <= above;
  }

  /** What the entry does. Returns the slots of which there is something else to remember. REQUIRES: it is not refused. */
  move({ mode, slots }: SlotsCommand, entry: Boundary): number[] {
    if (mode !== "open") return slots.filter((slot) => this.seal(slot, mode === "close", entry));
    const changed: number[] = [];
    for (const slot of slots) {
      const before = this.sealed.get(slot);
      if (before === undefined) continue;
      if (before.isClosed) this.reopened.set(slot, entry);
      this.sealed.delete(slot);
      changed.push(slot);
    }
    this.firstLoad = stampZero;
    for (const { loadedSince } of this.sealed.values()) this.noteLoad(loadedSince);
    return changed;
  }

  /** Records come in. REQUIRES: takesLoads. Returns the slots of which that is new. */
  loaded(slots: readonly number[], at: Stamp): number[] {
    const news: number[] = [];
    for (const slot of slots) {
      const sealed = this.sealed.get(slot);
      assert(sealed !== undefined, "records for a slot that is not sealed", { slot });
      if (sealed.loadedSince !== stampZero) continue;
      this.sealed.set(slot, { ...sealed, loadedSince: at });
      this.noteLoad(at);
      news.push(slot);
    }
    return news;
  }

  /** Whether a write that a log lost is from before its slot was elsewhere. */
  isVoid(slot: number, version: Version): boolean {
    const opened = this.reopened.get(slot);
    return opened !== undefined && compareVersions(version, opened) < 0;
  }

  /** The watermark was raised: merges from before it are refused (rule 3). Returns the slots of which there is less to remember. */
  passed(watermark: Stamp): number[] {
    const behind: number[] = [];
    for (const [slot, opened] of this.reopened) {
      if (opened.stamp > watermark) continue;
      this.reopened.delete(slot);
      behind.push(slot);
    }
    return behind;
  }

  /** Behind this garbage may be collected: the watermark, unless records are coming in. */
  garbageHorizon(watermark: Stamp): Stamp {
    const isHeld = this.firstLoad !== stampZero && this.firstLoad <= watermark;
    return isHeld ? stamp(this.firstLoad - 1) : watermark;
  }

  /** All of which there is something to remember. */
  get known(): number[] {
    return [...new Set([...this.sealed.keys(), ...this.reopened.keys()])].sort((left, right) => left - right);
  }

  /** What there is to remember of a slot; undefined: nothing. */
  encode(slot: number): Uint8Array | undefined {
    const sealed = this.sealed.get(slot);
    const opened = this.reopened.get(slot);
    if (sealed === undefined && opened === undefined) return undefined;
    const writer = new ByteWriter(41).u8(
      (sealed === undefined ? 0 : sealedFlag) |
        (sealed?.isClosed === true ? closedFlag : 0) |
        (opened === undefined ? 0 : openedFlag),
    );
    if (sealed !== undefined) writer.u64(sealed.at).u64(sealed.loadedSince);
    if (opened !== undefined) writer.u64(opened.term).u64(opened.index).u64(opened.stamp);
    return writer.finish();
  }

  /** As `encode` wrote it. */
  take(slot: number, reader: ByteReader): void {
    if (slot >= slotCount) throw corruption(`slot ${slot} is moved, of ${slotCount}`);
    const flags = reader.u8();
    if (!knownFlags.includes(flags)) throw corruption(`slot ${slot} moves with the flags ${flags}`);
    if ((flags & sealedFlag) !== 0) {
      const at = logIndex(reader.u64());
      const loadedSince = stamp(reader.u64());
      this.sealed.set(slot, { at, isClosed: (flags & closedFlag) !== 0, loadedSince });
      this.noteLoad(loadedSince);
    }
    if ((flags & openedFlag) !== 0) {
      this.reopened.set(slot, { term: term(reader.u64()), index: logIndex(reader.u64()), stamp: stamp(reader.u64()) });
    }
    reader.expectEnd();
  }

  /** False: it was sealed like that before. A seal that is repeated opens nothing. */
  private seal(slot: number, closes: boolean, entry: Boundary): boolean {
    const before = this.sealed.get(slot);
    const isClosed = closes || before?.isClosed === true;
    if (before !== undefined && before.isClosed === isClosed) return false;
    this.sealed.set(slot, {
      at: before?.at ?? entry.index,
      isClosed,
      loadedSince: before?.loadedSince ?? stampZero,
    });
    return true;
  }

  private noteLoad(since: Stamp): void {
    if (since !== stampZero && (this.firstLoad === stampZero || since < this.firstLoad)) this.firstLoad = since;
  }
}
