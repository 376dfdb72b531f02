// How much of the lost-and-found is kept: writes that were salvaged and could not take effect, each whole, beside its fate. It is
// bounded, in count and bytes: when it is full, a further write leaves its fate alone, until older ones have expired. That
// is decided where entries are applied, by what the group has recorded and the time of the log, so all replicas keep the same.

import { isExpired } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";
import { fateExpiry } from "./fates.ts";

export const foundMax = 10_000;
export const foundBytesMax = 16 * 1024 * 1024;

interface Found {
  /** Of the entry that decided its fate. */
  readonly at: Stamp;
  readonly bytes: number;
}

export class LostAndFound {
  /** In the order of their stamps. */
  private found: Found[] = [];
  private bytes = 0;

  /** One that was recorded before. */
  load(at: Stamp, bytes: number): void {
    this.found.push({ at, bytes });
    this.bytes += bytes;
  }

  loaded(): void {
    this.found.sort((left, right) => left.at - right.at);
  }

  /** Whether there is room for one of `bytes`, whose fate is decided `at`; then it counts. */
  takes(at: Stamp, bytes: number): boolean {
    const living = this.found.findIndex((known) => !isExpired(fateExpiry(known.at), at));
    for (const gone of this.found.splice(0, living < 0 ? this.found.length : living)) this.bytes -= gone.bytes;
    if (this.found.length >= foundMax || this.bytes + bytes > foundBytesMax) return false;
    this.load(at, bytes);
    return true;
  }
}
