// How much may be written when: a bucket that fills with the rate and is emptied by what was written. A
// step is let through while the bucket is not below zero, and pays afterwards, since only then is it known
// what it wrote; so a large step is followed by a long pause, and the rate holds over time.

/** What a quiet while may save up. */
const burstMilliseconds = 50;

export class RateBucket {
  private bytes = 0;
  private filledAt: number;

  constructor(now: number) {
    this.filledAt = now;
  }

  spend(bytes: number): void {
    this.bytes -= bytes;
  }

  /** Milliseconds until the next step may go, at this rate; 0 when it may now. Times are monotonic. */
  millisecondsToWait(now: number, bytesPerSecond: number): number {
    if (bytesPerSecond === Number.POSITIVE_INFINITY) {
      this.bytes = 0;
      this.filledAt = now;
      return 0;
    }
    const perMillisecond = bytesPerSecond / 1000;
    const filled = this.bytes + (now - this.filledAt) * perMillisecond;
    this.bytes = Math.min(filled, burstMilliseconds * perMillisecond);
    this.filledAt = now;
    return this.bytes >= 0 ? 0 : -this.bytes / perMillisecond;
  }
}
