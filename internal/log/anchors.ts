// Where a group's entries lie in the log, coarsely: one anchor for each block of 64 KiB of a segment in
// which entries of the group begin. From an anchor on, the group's entries follow each other in the
// block, with those of other groups between them, up to the index of the next anchor.
//
//   index     17        41        60 (carried: lies further behind)   72
//   position  65600     131090    1180000                             131702
//
// So finding an entry is a search here and a walk over one block, and memory is bounded by
// groups x log bytes / 64 KiB, plus one anchor for each truncation that has entries on both sides.
// While a log is being recovered an anchor may stand for entries that have not turned up (absent).

import { assert } from "../base/assert.ts";

export const anchorBlockBytes = 64 * 1024;
/** The position of entries that have not turned up. */
export const absent = -1;

const pairsLeast = 8;

export class AnchorTable {
  /** Pairs of index and position, ascending by index, in [head, tail). */
  private pairs = new Float64Array(pairsLeast);
  private head = 0;
  private tail = 0;
  /** The next entry gets an anchor whatever its place. */
  private isCut = false;
  /** Behind this index positions ascend; carried entries up to it may lie behind later ones. */
  private disorderedUpTo = 0;

  get count(): number {
    return (this.tail - this.head) / 2;
  }

  get bytesHeld(): number {
    return this.pairs.byteLength;
  }

  indexAt(slot: number): number {
    return this.pairs[this.head + 2 * slot] as number;
  }

  positionAt(slot: number): number {
    return this.pairs[this.head + 2 * slot + 1] as number;
  }

  /** Whether positions ascend along with indexes, as they do but for carried entries. */
  get isOrdered(): boolean {
    return this.count === 0 || this.indexAt(0) > this.disorderedUpTo;
  }

  /** Notes the group's next entry; makes an anchor only where one is needed. */
  note(index: number, position: number, segmentStart: number): void {
    if (this.head < this.tail) {
      const last = this.pairs[this.tail - 1] as number;
      if (last >= segmentStart && sameBlock(last, position, segmentStart) && !this.isCut) return;
    }
    this.isCut = false;
    this.push(index, position);
  }

  /** The anchor from which `index` is found, or -1. */
  slotOf(index: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.indexAt(middle) <= index) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** Entries from `index` on are gone: those that come next need an anchor, or the gone ones would be met. */
  truncateFrom(index: number): void {
    while (this.tail > this.head && (this.pairs[this.tail - 2] as number) >= index) this.tail -= 2;
    this.isCut = true;
  }

  /** Entries up to `base` are gone. */
  dropUpTo(base: number): void {
    while (this.tail - this.head > 2 && (this.pairs[this.head + 2] as number) <= base + 1) this.head += 2;
    this.shrink();
  }

  clear(): void {
    this.head = 0;
    this.tail = 0;
    this.shrink();
    this.isCut = false;
    this.disorderedUpTo = 0;
  }

  push(index: number, position: number): void {
    assert(this.count === 0 || this.indexAt(this.count - 1) < index, "anchors out of order", { index });
    if (this.tail === this.pairs.length) this.makeRoom();
    this.pairs[this.tail] = index;
    this.pairs[this.tail + 1] = position;
    this.tail += 2;
  }

  /**
   * The entries first..last lie where `moved` says now (its first anchor has index `first`); `end` is the
   * group's last index. Returns false when the entry behind `last` would lose its place by that.
   */
  replace(first: number, last: number, moved: AnchorTable, end: number): boolean {
    const rebuilt = new AnchorTable();
    let slot = 0;
    for (; slot < this.count && this.indexAt(slot) < first; slot++)
      rebuilt.push(this.indexAt(slot), this.positionAt(slot));
    let coveredBy = slot > 0 ? this.positionAt(slot - 1) : absent;
    for (let at = 0; at < moved.count; at++) rebuilt.push(moved.indexAt(at), moved.positionAt(at));
    for (; slot < this.count && this.indexAt(slot) <= last; slot++) coveredBy = this.positionAt(slot);
    if (last < end && (slot === this.count || this.indexAt(slot) !== last + 1)) {
      if (coveredBy !== absent) return false;
      rebuilt.push(last + 1, absent);
    }
    for (; slot < this.count; slot++) rebuilt.push(this.indexAt(slot), this.positionAt(slot));
    // What comes next may share a block with carried entries that lie behind it in the log.
    this.isCut = true;
    this.disorderedUpTo = Math.max(this.disorderedUpTo, last);
    this.pairs = rebuilt.pairs;
    this.head = rebuilt.head;
    this.tail = rebuilt.tail;
    return true;
  }

  /** A group that went quiet does not keep what it needed when it was busy. */
  private shrink(): void {
    const length = this.tail - this.head;
    if (this.pairs.length <= pairsLeast || length * 8 > this.pairs.length) return;
    const target = new Float64Array(Math.max(pairsLeast, length * 2));
    target.set(this.pairs.subarray(this.head, this.tail));
    this.pairs = target;
    this.head = 0;
    this.tail = length;
  }

  private makeRoom(): void {
    const length = this.tail - this.head;
    const target = this.head >= this.pairs.length / 2 ? this.pairs : new Float64Array(this.pairs.length * 2);
    target.set(this.pairs.subarray(this.head, this.tail));
    this.pairs = target;
    this.head = 0;
    this.tail = length;
  }
}

function sameBlock(a: number, b: number, segmentStart: number): boolean {
  return Math.floor((a - segmentStart) / anchorBlockBytes) === Math.floor((b - segmentStart) / anchorBlockBytes);
}
