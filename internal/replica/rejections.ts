// Entries that are in the log and did nothing: a condition did not hold, their slot was sealed, or they repeated what was done. A
// receipt tells of each for a week. Clients may be refused at any rate, so an entry costs a bit: one record stands for so many
// indexes of a term, and is written again with each entry that it tells of. Nothing of it is read at a start but the newest one.
//
//   key: see group-state.ts; payload: the bit (index % 512) is set

import { assert } from "../base/assert.ts";
import { corruption } from "../base/errors.ts";
import { isExpired, stampZero } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import type { Version } from "../engine/cell.ts";
import { fateExpiry } from "./fates.ts";
import type { Boundary } from "./group-state.ts";

const indexesPerRecord = 512;

export const rejectionsAt = (index: number): number => Math.floor(index / indexesPerRecord);

/** The record that is being filled. */
export class Rejections {
  private term = 0;
  private at = 0;
  private expiry: Stamp = stampZero;
  private bits = new Uint8Array(indexesPerRecord / 8);

  /** What the record of this entry holds from now on. */
  note({ term, index, stamp }: Boundary): Uint8Array {
    const at = rejectionsAt(index);
    // Some replica may have collected an expired one.
    if (term !== this.term || at !== this.at || isExpired(this.expiry, stamp)) this.bits.fill(0);
    this.term = term;
    this.at = at;
    this.expiry = fateExpiry(stamp);
    const bit = index % indexesPerRecord;
    this.bits[bit >>> 3] = (this.bits[bit >>> 3] as number) | (1 << (bit & 7));
    return this.bits;
  }

  /** The record of the entry that was applied last. */
  load({ term, index }: Version, payload: Uint8Array, expiry: Stamp): void {
    assert(this.term === 0, "rejections are loaded once", { term });
    this.bits = wholeBits(payload).slice();
    this.term = term;
    this.at = rejectionsAt(index);
    this.expiry = expiry;
  }
}

/** Whether the record of its indexes tells of the entry. */
export function isAmong(payload: Uint8Array, { index }: Version): boolean {
  const bit = index % indexesPerRecord;
  return (((wholeBits(payload)[bit >>> 3] as number) >>> (bit & 7)) & 1) === 1;
}

function wholeBits(payload: Uint8Array): Uint8Array {
  if (payload.length !== indexesPerRecord / 8) throw corruption(`rejections in ${payload.length} bytes`);
  return payload;
}
