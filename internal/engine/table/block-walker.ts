// Walks the entries of one block, both ways. Moving on to the next block is the subclass' matter:
// TableScan reads a file from end to end, TableCursor goes through the block cache.
//
// Forward, an entry's key is put together over the one before it. Backward that cannot be done, so the
// entries from a restart point on are put together at once, each in full, and shown from their end:
//
//   restart         restart             interval
//      v               v                keys:   aa|aab|abc|b
//   ...[aa][+b][-1bc][b][ba]...         shown:   4   3   2  1
//                        ^ previous()

import type { TrefoilError } from "../../base/errors.ts";
import type { EntryView } from "../cursor.ts";
import { anySequence } from "./block-index.ts";
import { BlockInterval } from "./block-interval.ts";
import { BlockView } from "./block-view.ts";
import { copyRange } from "./copy-range.ts";
import { tableKeyBytesMax } from "./table-format.ts";

export abstract class BlockWalker implements EntryView {
  valid = false;
  needsLoad = false;
  keyBytes: Uint8Array;
  keyStart = 0;
  keyEnd = 0;
  cellBytes: Uint8Array;
  cellStart = 0;
  /** Also where the next entry begins. */
  cellEnd = 0;
  sequence = 0;
  protected readonly view = new BlockView();
  private readonly forwardKey: Uint8Array;
  /** Made when a walk turns backward for the first time. */
  private interval: BlockInterval | undefined;
  /** Which entry of the interval is shown. */
  private slot = 0;
  private entryAt = 0;
  private readonly override: number | undefined;

  /** With `override`, every entry counts with that sequence. */
  constructor(override: number | undefined) {
    this.override = override;
    this.forwardKey = new Uint8Array(tableKeyBytesMax);
    this.keyBytes = this.forwardKey;
    this.cellBytes = this.forwardKey;
  }

  /** What to throw when the block at hand turns out to be malformed. */
  protected abstract damage(what: string): TrefoilError;

  /** REQUIRES: `view` is open. */
  protected showFirst(): void {
    this.keyBytes = this.forwardKey;
    this.keyStart = 0;
    this.keyEnd = 0;
    this.showAt(this.view.start);
  }

  /** The first entry at or above the key, which has `known` bytes in common with all of the block; false when there is none. */
  protected showFound(key: Uint8Array, length: number, known: number): boolean {
    const { view } = this;
    if (!view.locate(key, length, anySequence, known)) throw this.damage("it has a malformed entry or restart point");
    if (view.at >= view.entriesEnd) return false;
    // What the entry shares with the one before it, it shares with the key that was looked for.
    const shared = Math.min(view.entry.shared, length);
    copyRange(this.forwardKey, 0, key, 0, shared);
    this.keyBytes = this.forwardKey;
    this.keyStart = 0;
    this.keyEnd = shared;
    this.showAt(view.at);
    return true;
  }

  /** The last entry below the key; false when the block has none. */
  protected showBefore(key: Uint8Array, length: number, known: number): boolean {
    const { view } = this;
    if (!view.locate(key, length, anySequence, known)) throw this.damage("it has a malformed entry or restart point");
    return this.showEndingAt(view.at);
  }

  /** REQUIRES: `view` is open. */
  protected showLast(): void {
    if (!this.showEndingAt(this.view.entriesEnd)) throw this.damage("it has no entry");
  }

  /** To the next entry of the block; false at its end. */
  protected stepForward(): boolean {
    const at = this.cellEnd;
    if (at >= this.view.entriesEnd) return false;
    if (this.keyBytes !== this.forwardKey) this.takeKey();
    this.showAt(at);
    return true;
  }

  /** To the entry before; false at the block's first. */
  protected stepBackward(): boolean {
    if (this.interval !== undefined && this.keyBytes === this.interval.keys && this.slot > 0) {
      this.showSlot(this.interval, this.slot - 1);
      return true;
    }
    return this.showEndingAt(this.entryAt);
  }

  /** Shows the entry at `at`, which shares its prefix with the key that forwardKey holds. */
  private showAt(at: number): void {
    const { view, forwardKey } = this;
    const { entry, bytes } = view;
    if (!entry.decode(bytes, at, view.entriesEnd))
      throw this.damage(`the entry at ${at - view.start} runs past the end`);
    const { shared, unshared } = entry;
    const keyEnd = shared + unshared;
    if (shared > this.keyEnd || keyEnd > tableKeyBytesMax) {
      throw this.damage(`the key of the entry at ${at - view.start} cannot be`);
    }
    copyRange(forwardKey, shared, bytes, entry.suffixAt, entry.cellAt);
    this.keyEnd = keyEnd;
    this.cellBytes = bytes;
    this.cellStart = entry.cellAt;
    this.cellEnd = entry.end;
    this.sequence = this.override ?? entry.sequence;
    this.entryAt = at;
    this.valid = true;
  }

  /** Shows the entry that ends at `end`; false when that is where the block begins. */
  private showEndingAt(end: number): boolean {
    const { view } = this;
    if (end <= view.start) return false;
    this.interval ??= new BlockInterval();
    const wrong = this.interval.decode(view, end);
    if (wrong !== undefined) throw this.damage(wrong);
    this.showSlot(this.interval, this.interval.count - 1);
    return true;
  }

  private showSlot(interval: BlockInterval, slot: number): void {
    this.slot = slot;
    this.keyBytes = interval.keys;
    this.keyStart = slot === 0 ? 0 : (interval.keyEnds[slot - 1] as number);
    this.keyEnd = interval.keyEnds[slot] as number;
    this.cellBytes = this.view.bytes;
    this.cellStart = interval.cellStarts[slot] as number;
    this.cellEnd = interval.cellEnds[slot] as number;
    this.sequence = this.override ?? (interval.sequences[slot] as number);
    this.entryAt = interval.entryStarts[slot] as number;
    this.valid = true;
  }

  /** Forward again: the next entry builds on the key shown. */
  private takeKey(): void {
    copyRange(this.forwardKey, 0, this.keyBytes, this.keyStart, this.keyEnd);
    this.keyEnd -= this.keyStart;
    this.keyStart = 0;
    this.keyBytes = this.forwardKey;
  }
}
