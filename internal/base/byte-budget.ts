// Bytes that may be in memory at once for some purpose, whoever they belong to.

export class ByteBudget {
  private readonly bytesMax: number;
  private taken = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  get bytesTaken(): number {
    return this.taken;
  }

  /** False, and nothing taken, beyond the bound. */
  take(bytes: number): boolean {
    if (this.taken + bytes > this.bytesMax) return false;
    this.taken += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.taken -= bytes;
  }
}
