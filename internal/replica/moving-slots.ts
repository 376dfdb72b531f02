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
//   count varint | ( slot u16, plus 0x8000 when closed | sealed at: index u64 | loaded since: stamp u64, or 0 )*
//   count varint | ( slot u16 | opened by: term u64 | index u64 | stamp u64 )*

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

const closedFlag = 0x8000;

export class MovingSlots {
  private readonly sealed = new Map<number, SealedSlot>();
  private readonly reopened = new Map<number, Boundary>();

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

  /** What the entry does; false: nothing. */
  move({ mode, above, slots }: SlotsCommand, entry: Boundary): boolean {
    // A version here would not be above those that the keys had where they came from.
    if (mode === "open" && entry.term <= above) return false;
    for (const slot of slots) {
      const before = this.sealed.get(slot);
      if (mode === "open") {
        if (before?.isClosed === true) this.reopened.set(slot, entry);
        this.sealed.delete(slot);
      } else {
        const isClosed = mode === "close" || before?.isClosed === true;
        // A seal that is repeated opens nothing.
        this.sealed.set(slot, {
          at: before?.at ?? entry.index,
          isClosed,
          loadedSince: before?.loadedSince ?? stampZero,
        });
      }
    }
    return true;
  }

  /** Records come in. REQUIRES: takesLoads. True: there is something new to remember. */
  loaded(slots: readonly number[], at: Stamp): boolean {
    let isNews = false;
    for (const slot of slots) {
      const sealed = this.sealed.get(slot);
      if (sealed === undefined || sealed.loadedSince !== stampZero) continue;
      this.sealed.set(slot, { ...sealed, loadedSince: at });
      isNews = true;
    }
    return isNews;
  }

  /** Whether a write that a log lost is from before its slot was elsewhere. */
  isVoid(slot: number, version: Version): boolean {
    const opened = this.reopened.get(slot);
    return opened !== undefined && compareVersions(version, opened) < 0;
  }

  /** The watermark was raised: merges from before it are refused (rule 3). True: there is less to remember. */
  passed(watermark: Stamp): boolean {
    let isLess = false;
    for (const [slot, opened] of this.reopened) {
      if (opened.stamp <= watermark) isLess = this.reopened.delete(slot) || isLess;
    }
    return isLess;
  }

  /** Behind this garbage may be collected: the watermark, unless records are coming in. */
  garbageHorizon(watermark: Stamp): Stamp {
    let least: number = watermark;
    for (const { loadedSince } of this.sealed.values()) {
      if (loadedSince !== stampZero && loadedSince <= least) least = loadedSince - 1;
    }
    return stamp(least);
  }

  encode(): Uint8Array {
    const writer = new ByteWriter(16 + 18 * this.sealed.size + 26 * this.reopened.size);
    writer.varint(this.sealed.size);
    for (const [slot, { at, isClosed, loadedSince }] of inOrder(this.sealed)) {
      writer
        .u16(isClosed ? slot | closedFlag : slot)
        .u64(at)
        .u64(loadedSince);
    }
    writer.varint(this.reopened.size);
    for (const [slot, opened] of inOrder(this.reopened)) {
      writer.u16(slot).u64(opened.term).u64(opened.index).u64(opened.stamp);
    }
    return writer.finish();
  }

  take(reader: ByteReader): void {
    for (let count = reader.varint(); count > 0; count--) {
      const value = reader.u16();
      const at = logIndex(reader.u64());
      const isClosed = (value & closedFlag) !== 0;
      this.sealed.set(slotIn(value), { at, isClosed, loadedSince: stamp(reader.u64()) });
    }
    for (let count = reader.varint(); count > 0; count--) {
      const slot = slotIn(reader.u16());
      this.reopened.set(slot, { term: term(reader.u64()), index: logIndex(reader.u64()), stamp: stamp(reader.u64()) });
    }
    reader.expectEnd();
  }
}

const inOrder = <Value>(slots: ReadonlyMap<number, Value>): (readonly [number, Value])[] =>
  [...slots].sort(([left], [right]) => left - right);

function slotIn(value: number): number {
  const slot = value & ~closedFlag;
  if (slot >= slotCount) throw corruption(`slot ${slot} is sealed`);
  return slot;
}
