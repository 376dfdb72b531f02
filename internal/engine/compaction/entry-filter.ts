// Which entries a merge keeps. It is asked of each in turn, newest version of a key first.
//
// A live snapshot at sequence s sees of each key the newest version at or below s. So the snapshots cut
// the versions into strata, and of each stratum only the newest version can ever be seen:
//
//   snapshots      12        7
//   versions   20 15 | 11 9 8 | 5 3        keep 20, 11, 5
//
// A tombstone or an expired record is garbage when it lies behind the horizon of its incarnation, there is no live snapshot, and
// no table below the output can hold the key (so that nothing older comes to light). What a snapshot shows stays, deletes among
// it: the horizon may have risen since, and whoever goes on from what it showed, with entries of that time, needs them to refuse
// what is older.

import { compareRanges } from "../../base/bytes.ts";
import { readU32BigEndian } from "../../base/codec.ts";
import type { Incarnation, Sequence } from "../../base/ids.ts";
import { engineKeyBytesMax } from "../../base/limits.ts";
import { neverExpires } from "../../base/stamp.ts";
import { expiryOfCell, isTombstone, stampOfCell } from "../cell.ts";
import type { EntryView } from "../cursor.ts";
import type { GarbageHorizon } from "../garbage.ts";
import type { KeyRange } from "../table-meta.ts";

export interface FilterRules {
  /** Ascending, distinct. */
  readonly snapshots: readonly Sequence[];
  readonly horizons: readonly GarbageHorizon[];
  readonly dead: readonly Incarnation[];
  /** Of each level below the output, the ranges of its tables, sorted. */
  readonly below: readonly (readonly KeyRange[])[];
}

export interface FilterCounts {
  hidden: number;
  tombstones: number;
  expired: number;
  dead: number;
}

export class EntryFilter {
  readonly counts: FilterCounts = { hidden: 0, tombstones: 0, expired: 0, dead: 0 };
  /** Whether the entry asked about last begins another user key than the one before. */
  isNewKey = true;
  private readonly rules: FilterRules;
  private readonly horizons: ReadonlyMap<number, GarbageHorizon>;
  private readonly dead: ReadonlySet<number>;
  /** By level below: the first table that does not lie wholly before the present key. */
  private readonly belowAt: number[];
  private readonly lastKey = new Uint8Array(engineKeyBytesMax);
  private lastKeyLength = -1;
  private lastStratum = 0;
  private lastIncarnation = -1;
  private incarnationIsDead = false;
  private horizon: GarbageHorizon | undefined;

  constructor(rules: FilterRules) {
    this.rules = rules;
    this.horizons = new Map(rules.horizons.map((horizon) => [horizon.incarnation, horizon]));
    this.dead = new Set(rules.dead);
    this.belowAt = rules.below.map(() => 0);
  }

  keeps(entry: EntryView): boolean {
    this.isNewKey = !this.isLastKey(entry);
    if (this.isNewKey) this.takeKey(entry);
    if (this.incarnationIsDead) {
      this.counts.dead++;
      return false;
    }
    const stratum = this.stratumOf(entry.sequence);
    const hidden = !this.isNewKey && stratum === this.lastStratum;
    this.lastStratum = stratum;
    if (hidden) {
      this.counts.hidden++;
      return false;
    }
    return !this.isGarbage(entry);
  }

  private isGarbage(entry: EntryView): boolean {
    const { horizon, counts } = this;
    if (horizon === undefined || this.rules.snapshots.length > 0) return false;
    const { cellBytes, cellStart } = entry;
    const tombstone = isTombstone(cellBytes, cellStart);
    if (!tombstone) {
      const expiry = expiryOfCell(cellBytes, cellStart);
      if (expiry === neverExpires || expiry > horizon.expiryHorizon) return false;
    }
    if (stampOfCell(cellBytes, cellStart) > horizon.watermark || this.mayLieBelow(entry)) return false;
    if (tombstone) counts.tombstones++;
    else counts.expired++;
    return true;
  }

  /** How many live snapshots do not see this sequence. */
  private stratumOf(sequence: number): number {
    const { snapshots } = this.rules;
    let stratum = 0;
    while (stratum < snapshots.length && (snapshots[stratum] as number) < sequence) stratum++;
    return stratum;
  }

  private mayLieBelow(entry: EntryView): boolean {
    const { keyBytes, keyStart, keyEnd } = entry;
    for (const [level, tables] of this.rules.below.entries()) {
      let at = this.belowAt[level] as number;
      for (; at < tables.length; at++) {
        const { largest } = tables[at] as KeyRange;
        if (compareRanges(largest, 0, largest.length, keyBytes, keyStart, keyEnd) >= 0) break;
      }
      this.belowAt[level] = at;
      const table = tables[at];
      if (table === undefined) continue;
      if (compareRanges(table.smallest, 0, table.smallest.length, keyBytes, keyStart, keyEnd) <= 0) return true;
    }
    return false;
  }

  private isLastKey(entry: EntryView): boolean {
    const { keyBytes, keyStart } = entry;
    const length = this.lastKeyLength;
    if (entry.keyEnd - keyStart !== length) return false;
    const { lastKey } = this;
    for (let at = length - 1; at >= 0; at--) if (lastKey[at] !== keyBytes[keyStart + at]) return false;
    return true;
  }

  private takeKey(entry: EntryView): void {
    const { keyBytes, keyStart } = entry;
    const { lastKey } = this;
    const length = entry.keyEnd - keyStart;
    for (let at = 0; at < length; at++) lastKey[at] = keyBytes[keyStart + at] as number;
    this.lastKeyLength = length;
    const of = readU32BigEndian(keyBytes, keyStart);
    if (of === this.lastIncarnation) return;
    this.lastIncarnation = of;
    this.incarnationIsDead = this.dead.has(of);
    this.horizon = this.horizons.get(of);
  }
}
