// Which term each entry of a group has, as the few places where the term changes. Terms never fall along
// a log, so that runs are as few as leaders were; the term of any entry is then known without reading it.

import { assert } from "../base/assert.ts";

export class TermRuns {
  /** First index of each run, ascending. */
  private readonly indexes: number[] = [];
  private readonly terms: number[] = [];

  get count(): number {
    return this.indexes.length;
  }

  indexAt(slot: number): number {
    return this.indexes[slot] as number;
  }

  termAt(slot: number): number {
    return this.terms[slot] as number;
  }

  /** The entry `index`, behind all others, has `term`. */
  push(index: number, term: number): void {
    const last = this.terms.length - 1;
    if (last >= 0 && this.terms[last] === term) return;
    assert(last < 0 || (this.terms[last] as number) < term, "a term below the one before it", { index, term });
    this.indexes.push(index);
    this.terms.push(term);
  }

  /** REQUIRES: the entry is there. */
  of(index: number): number {
    let slot = this.indexes.length - 1;
    if (slot > 0 && (this.indexes[slot] as number) > index) slot = this.slotOf(index);
    assert(slot >= 0 && (this.indexes[slot] as number) <= index, "the term of an entry that is not there", { index });
    return this.terms[slot] as number;
  }

  truncateFrom(index: number): void {
    while (this.indexes.length > 0 && (this.indexes.at(-1) as number) >= index) {
      this.indexes.pop();
      this.terms.pop();
    }
  }

  /** Forgets runs that end at or before `base`. */
  dropUpTo(base: number): void {
    let drop = 0;
    while (drop + 1 < this.indexes.length && (this.indexes[drop + 1] as number) <= base + 1) drop++;
    if (drop === 0) return;
    this.indexes.splice(0, drop);
    this.terms.splice(0, drop);
  }

  clear(): void {
    this.indexes.length = 0;
    this.terms.length = 0;
  }

  /** The run that holds `index`, or -1. */
  private slotOf(index: number): number {
    let low = 0;
    let high = this.indexes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.indexes[middle] as number) <= index) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
