// Latencies of the last minute: for each series a histogram in which any quantile can be looked up, forgetting as time goes on.
//
//   windows   [ 10 s ][ 10 s ][ 10 s ][ 10 s ][ 10 s ][ 10 s ][ now … ]      a ring; the oldest is emptied as a new one begins
//   buckets   0 1 2 … 15 | 16 … 31 | 32 34 … 62 | 64 68 … 124 | …            microseconds: 16 to each doubling
//
// A quantile is the upper end of the bucket that holds it: never below the true one, and above it by a sixteenth at most. What
// is observed costs a few array writes, and makes no garbage. Time comes in.

const windowMilliseconds = 10_000;
/** Six that are full, and the one that fills. */
const windows = 7;
const stepsBits = 4;
const steps = 1 << stepsBits;
/** 2^27 microseconds are 134 seconds: longer than any request may take. */
const microsecondsMax = 2 ** 27 - 1;
const buckets = bucketOf(microsecondsMax) + 1;

export class LatencyWindow {
  private readonly series: number;
  private readonly now: () => number;
  /** Of window, series, bucket. */
  private readonly counts: Uint32Array;
  /** Of window, series: what need not be looked through. */
  private readonly totals: Uint32Array;
  /** Counted since time began; modulo `windows` it is the one that fills. */
  private current: number;

  /** `now` in milliseconds that only grow. */
  constructor(series: number, now: () => number) {
    this.series = series;
    this.now = now;
    this.counts = new Uint32Array(windows * series * buckets);
    this.totals = new Uint32Array(windows * series);
    this.current = Math.floor(now() / windowMilliseconds);
  }

  observe(series: number, milliseconds: number): void {
    this.turn();
    const microseconds = Math.min(Math.max(0, Math.ceil(milliseconds * 1000)), microsecondsMax);
    const row = (this.current % windows) * this.series + series;
    const at = row * buckets + bucketOf(microseconds);
    this.counts[at] = (this.counts[at] as number) + 1;
    this.totals[row] = (this.totals[row] as number) + 1;
  }

  /** Seconds; undefined: there was nothing in the last minute. `shares` ascend, each above 0 and at most 1. */
  quantiles(series: number, shares: readonly number[]): readonly number[] | undefined {
    this.turn();
    let total = 0;
    for (let row = series; row < this.totals.length; row += this.series) total += this.totals[row] as number;
    if (total === 0) return undefined;
    const sums = new Float64Array(buckets);
    for (let row = series; row < this.totals.length; row += this.series) {
      if (this.totals[row] === 0) continue;
      for (let bucket = 0; bucket < buckets; bucket++) {
        sums[bucket] = (sums[bucket] as number) + (this.counts[row * buckets + bucket] as number);
      }
    }
    let bucket = -1;
    let passed = 0;
    return shares.map((share) => {
      const rank = Math.max(1, Math.ceil(share * total));
      while (passed < rank) passed += sums[++bucket] as number;
      return upperEndOf(bucket) / 1_000_000;
    });
  }

  private turn(): void {
    const window = Math.floor(this.now() / windowMilliseconds);
    if (window === this.current) return;
    const passed = Math.min(window - this.current, windows);
    for (let step = 0; step < passed; step++) {
      const row = ((window - step) % windows) * this.series;
      this.counts.fill(0, row * buckets, (row + this.series) * buckets);
      this.totals.fill(0, row, row + this.series);
    }
    this.current = window;
  }
}

function bucketOf(microseconds: number): number {
  if (microseconds < steps) return microseconds;
  const exponent = 31 - Math.clz32(microseconds);
  const shift = exponent - stepsBits;
  return (shift + 1) * steps + ((microseconds >>> shift) & (steps - 1));
}

/** The greatest number of microseconds that falls into it. */
function upperEndOf(bucket: number): number {
  if (bucket < steps) return bucket;
  const shift = Math.floor(bucket / steps) - 1;
  return ((steps + (bucket % steps) + 1) << shift) - 1;
}
