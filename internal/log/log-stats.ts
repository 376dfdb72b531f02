// What the log counts. Counters are plain fields, read when somebody asks; durations go into a histogram
// of fixed buckets, so that counting a commit makes no garbage.

/** Upper bounds of the buckets in milliseconds; one more bucket holds what is above them. */
export const durationBoundsMilliseconds: readonly number[] = [
  0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6, 819.2, 1638.4,
];

export class DurationHistogram {
  /** As many as bounds, and one for what is above them. */
  readonly counts = new Float64Array(durationBoundsMilliseconds.length + 1);
  sumMilliseconds = 0;
  count = 0;

  add(milliseconds: number): void {
    let bucket = 0;
    while (
      bucket < durationBoundsMilliseconds.length &&
      milliseconds > (durationBoundsMilliseconds[bucket] as number)
    ) {
      bucket++;
    }
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sumMilliseconds += milliseconds;
    this.count++;
  }
}

export class LogCounters {
  /** Batches written. */
  commits = 0;
  /** Bytes of batches written, headers included. */
  bytes = 0;
  records = 0;
  entries = 0;
  truncations = 0;
  carriedEntries = 0;
  segmentsPurged = 0;
  /** Entries found in memory, and read from a file. */
  cacheHits = 0;
  cacheMisses = 0;
  /** Of a commit under --fsync=always, of a sync under interval. */
  readonly syncDuration = new DurationHistogram();
}

export interface LogStats {
  readonly counters: Readonly<LogCounters>;
  readonly groups: number;
  readonly segments: number;
  readonly bytesOnDisk: number;
  readonly cacheBytes: number;
  /** Memory for where entries lie. */
  readonly indexBytes: number;
  /** Memory for discarded entries that have no fate yet, of all groups. */
  readonly salvageBytes: number;
  /** By how much the log is over its bound: what is not flushed, or pinned, keeps it. The caller slows its writers. */
  readonly bytesOverBound: number;
  /** Bytes of the log since its oldest entry that is not flushed. */
  readonly bytesSinceFlush: number;
  /** Staged, and not yet taken by a write. */
  readonly bytesWaiting: number;
}
