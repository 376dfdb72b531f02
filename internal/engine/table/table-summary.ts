// Counts and ranges over the entries of a table, gathered while it is built.

import { sequence } from "../../base/ids.ts";
import type { FileNumber } from "../../base/ids.ts";
import { neverExpires, stamp } from "../../base/stamp.ts";
import { expiryOfCell, isTombstone, stampOfCell, versionStartOfCell } from "../cell.ts";
import type { EntryView } from "../cursor.ts";
import type { TableProperties } from "./properties.ts";

export interface BuildFacts {
  readonly number: FileNumber;
  readonly blockBytes: number;
  readonly blocks: number;
  readonly keys: number;
  readonly largest: Uint8Array;
}

export class TableSummary {
  entries = 0;
  private tombstones = 0;
  private keyBytes = 0;
  private cellBytes = 0;
  private smallest: Uint8Array = new Uint8Array(0);
  private sequenceLeast = Infinity;
  private sequenceGreatest = 0;
  private stampLeast = Infinity;
  private stampGreatest = 0;
  private expiring = 0;
  private expiryLeast = Infinity;
  private expiryGreatest = 0;
  private termLeast = Infinity;
  private indexLeast = Infinity;
  private termGreatest = 0;
  private indexGreatest = 0;
  private readonly numbers = new VarintReader();

  /** Entries come in order, so the first has the smallest key. */
  add(view: EntryView): void {
    const { cellBytes, cellStart, cellEnd, sequence } = view;
    if (this.entries === 0) this.smallest = view.keyBytes.slice(view.keyStart, view.keyEnd);
    this.entries++;
    this.keyBytes += view.keyEnd - view.keyStart;
    this.cellBytes += cellEnd - cellStart;
    if (sequence < this.sequenceLeast) this.sequenceLeast = sequence;
    if (sequence > this.sequenceGreatest) this.sequenceGreatest = sequence;
    if (isTombstone(cellBytes, cellStart)) this.tombstones++;
    const stamp = stampOfCell(cellBytes, cellStart);
    if (stamp < this.stampLeast) this.stampLeast = stamp;
    if (stamp > this.stampGreatest) this.stampGreatest = stamp;
    const expiry = expiryOfCell(cellBytes, cellStart);
    if (expiry !== neverExpires) this.addExpiry(expiry);
    this.numbers.begin(cellBytes, versionStartOfCell(cellBytes, cellStart), cellEnd);
    this.addVersion(this.numbers.next(), this.numbers.next());
  }

  properties(facts: BuildFacts): TableProperties {
    return {
      ...facts,
      entries: this.entries,
      tombstones: this.tombstones,
      smallest: this.smallest,
      sequenceLeast: sequence(this.sequenceLeast),
      sequenceGreatest: sequence(this.sequenceGreatest),
      stampLeast: stamp(this.stampLeast),
      stampGreatest: stamp(this.stampGreatest),
      expiring: this.expiring,
      expiryLeast: this.expiring === 0 ? neverExpires : stamp(this.expiryLeast),
      expiryGreatest: this.expiring === 0 ? neverExpires : stamp(this.expiryGreatest),
      versionLeast: { term: this.termLeast, index: this.indexLeast },
      versionGreatest: { term: this.termGreatest, index: this.indexGreatest },
      keyBytes: this.keyBytes,
      cellBytes: this.cellBytes,
    };
  }

  private addExpiry(expiry: number): void {
    this.expiring++;
    if (expiry < this.expiryLeast) this.expiryLeast = expiry;
    if (expiry > this.expiryGreatest) this.expiryGreatest = expiry;
  }

  private addVersion(term: number, index: number): void {
    if (term < this.termLeast || (term === this.termLeast && index < this.indexLeast)) {
      this.termLeast = term;
      this.indexLeast = index;
    }
    if (term > this.termGreatest || (term === this.termGreatest && index > this.indexGreatest)) {
      this.termGreatest = term;
      this.indexGreatest = index;
    }
  }
}

/** Numbers of a cell, one after the other. */
class VarintReader {
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;

  begin(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  next(): number {
    const { bytes, end } = this;
    let { at } = this;
    let value = 0;
    for (let scale = 1; at < end && scale < 2 ** 56; scale *= 128) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * scale;
      if (byte < 128) break;
    }
    this.at = at;
    return value;
  }
}
