// Bytes per second, with up to a tenth of a second's worth at once.

export class RateLimit {
  private readonly bytesPerMillisecond: number;
  private readonly bytesMax: number;
  /** May be below zero: the last frame is spent whole. */
  private bytes: number;
  private filledAt = 0;

  constructor(bytesPerSecond: number) {
    this.bytesPerMillisecond = bytesPerSecond / 1000;
    this.bytesMax = bytesPerSecond / 10;
    this.bytes = this.bytesMax;
  }

  /** 0: something may be spent now. `now` is the monotonic clock's. */
  pauseMilliseconds(now: number): number {
    this.bytes = Math.min(this.bytesMax, this.bytes + (now - this.filledAt) * this.bytesPerMillisecond);
    this.filledAt = now;
    return this.bytes > 0 ? 0 : Math.ceil((1 - this.bytes) / this.bytesPerMillisecond);
  }

  spend(bytes: number): void {
    this.bytes -= bytes;
  }
}
