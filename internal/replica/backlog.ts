// For how long the oldest entry of a leader's log has been waiting to be committed (rule 11). By the monotonic clock: stamps do not
// tell it where the leader's clock is behind them, or was set meanwhile; and what a former leader left counts from the
// moment when this one took it on.
//
//   samples:  (12, at 100) (19, at 105) (20, at 131)     committed up to 14: entry 15 came with the second, at 105
//
// It is asked whenever the log may have grown, so that it knows when.

import type { LogIndex } from "../base/ids.ts";

interface Sample {
  /** The last entry that came with it. */
  index: LogIndex;
  readonly at: number;
}

/** Entries that come within so many milliseconds count as one. */
const grainMilliseconds = 5;
/** What comes while so many wait counts with the last of them. */
const samplesMax = 256;

export class Backlog {
  private readonly samples: Sample[] = [];

  /** For how long the oldest entry behind `commit` has been in a log that ends at `last`; 0: there is none. */
  milliseconds({ last, commit }: { readonly last: LogIndex; readonly commit: LogIndex }, now: number): number {
    const { samples } = this;
    let committed = 0;
    while (committed < samples.length && (samples[committed] as Sample).index <= commit) committed++;
    if (committed > 0) samples.splice(0, committed);
    this.note(last, now);
    const oldest = last > commit ? samples[0] : undefined;
    return oldest === undefined ? 0 : now - oldest.at;
  }

  /** Another leader, another log. */
  clear(): void {
    this.samples.length = 0;
  }

  private note(last: LogIndex, now: number): void {
    const newest = this.samples.at(-1);
    if (newest === undefined) this.samples.push({ index: last, at: now });
    else if (newest.index >= last) return;
    else if (now - newest.at < grainMilliseconds || this.samples.length >= samplesMax) newest.index = last;
    else this.samples.push({ index: last, at: now });
  }
}
