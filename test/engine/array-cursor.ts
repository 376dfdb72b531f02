// A cursor over entries in an array, for tests of what stands on cursors. It can pretend that an entry
// is not in memory, as a table would.

import { compareBytes } from "../../internal/base/bytes.ts";
import type { Prng } from "../../internal/base/prng.ts";
import type { Cursor } from "../../internal/engine/cursor.ts";

export interface Entry {
  readonly key: Uint8Array;
  readonly sequence: number;
  readonly cell: Uint8Array;
}

/** Key ascending, newest version first: the order of all cursors. */
export function compareEntries(a: Entry, b: Entry): number {
  return compareBytes(a.key, b.key) || b.sequence - a.sequence;
}

const nothing = new Uint8Array(0);

export class ArrayCursor implements Cursor {
  private readonly entries: readonly Entry[];
  /** Every so often a movement needs a load first; undefined: none does. */
  private readonly absence: Prng | undefined;
  private at = -1;
  needsLoad = false;
  closed = false;

  constructor(entries: readonly Entry[], absence?: Prng) {
    this.entries = entries.toSorted(compareEntries);
    this.absence = absence;
  }

  get valid(): boolean {
    return this.at >= 0 && this.at < this.entries.length;
  }
  private get entry(): Entry | undefined {
    return this.needsLoad ? undefined : this.entries[this.at];
  }
  get keyBytes(): Uint8Array {
    return this.entry?.key ?? nothing;
  }
  get keyStart(): number {
    return 0;
  }
  get keyEnd(): number {
    return this.keyBytes.length;
  }
  get cellBytes(): Uint8Array {
    return this.entry?.cell ?? nothing;
  }
  get cellStart(): number {
    return 0;
  }
  get cellEnd(): number {
    return this.cellBytes.length;
  }
  get sequence(): number {
    return this.entry?.sequence ?? -1;
  }

  seekToFirst(): void {
    this.move(0);
  }
  seekToLast(): void {
    this.move(this.entries.length - 1);
  }
  seek(key: Uint8Array, length: number): void {
    const at = this.entries.findIndex((entry) => compareBytes(entry.key, key.subarray(0, length)) >= 0);
    this.move(at === -1 ? this.entries.length : at);
  }
  seekBefore(key: Uint8Array, length: number): void {
    this.move(this.entries.findLastIndex((entry) => compareBytes(entry.key, key.subarray(0, length)) < 0));
  }
  next(): void {
    this.move(this.at + 1);
  }
  previous(): void {
    this.move(this.at - 1);
  }
  load(): Promise<void> {
    this.needsLoad = false;
    return Promise.resolve();
  }
  close(): void {
    this.closed = true;
  }

  private move(to: number): void {
    this.at = to;
    this.needsLoad = this.absence?.chance(1, 3) ?? false;
  }
}
