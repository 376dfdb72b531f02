// Work that has begun and touches log or engine. Whoever closes a replica waits for its end.

export class UnderWay {
  private readonly work = new Set<Promise<unknown>>();

  /** Passes on what it is given. */
  async add<T>(done: Promise<T>): Promise<T> {
    this.work.add(done);
    try {
      return await done;
    } finally {
      this.work.delete(done);
    }
  }

  async ended(): Promise<void> {
    while (this.work.size > 0) await Promise.allSettled(this.work);
  }
}
