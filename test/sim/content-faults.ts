// What is wrong with one record of a replica, beside what it should be.

import { equalBytes } from "../../internal/base/bytes.ts";
import type { CellHeader } from "../../internal/engine/cell.ts";

/** What may have been forgotten: what is stamped, and has expired, at most then. */
export interface Horizon {
  readonly watermark: number;
  readonly expiry: number;
}

type Cell = CellHeader & { readonly payload: Uint8Array };

interface Compared {
  readonly wanted: Cell | undefined;
  readonly found: Cell | undefined;
  readonly horizon: Horizon;
}

export const laterOf = (left: Horizon, right: Horizon): Horizon => ({
  watermark: Math.max(left.watermark, right.watermark),
  expiry: Math.max(left.expiry, right.expiry),
});

/** The own record of the last entry is written once a batch, and batches differ. */
const lastApplied = "\u0000\u0061";

/** In words; undefined: nothing is. */
export function faultOfRecord(name: string, { wanted, found, horizon }: Compared): string | undefined {
  if (name === lastApplied) return undefined;
  const isRight = found === undefined ? wanted === undefined || isGarbage(wanted, horizon) : isSame(wanted, found);
  return isRight ? undefined : `under ${JSON.stringify(name)} it has ${inWords(found)}, not ${inWords(wanted)}`;
}

function isGarbage({ tombstone, stamp, expiry }: Cell, horizon: Horizon): boolean {
  return stamp <= horizon.watermark && (tombstone || expiry <= horizon.expiry);
}

function isSame(wanted: Cell | undefined, found: Cell): boolean {
  return (
    wanted !== undefined &&
    wanted.term === found.term &&
    wanted.index === found.index &&
    wanted.tombstone === found.tombstone &&
    wanted.stamp === found.stamp &&
    wanted.expiry === found.expiry &&
    equalBytes(wanted.payload, found.payload)
  );
}

function inWords(cell: Cell | undefined): string {
  if (cell === undefined) return "nothing";
  const { term, index, tombstone, stamp, expiry, payload } = cell;
  const what = tombstone ? "the end of" : `${payload.length} bytes of`;
  return `${what} ${term}.${index}, stamped ${stamp}, until ${expiry}`;
}
