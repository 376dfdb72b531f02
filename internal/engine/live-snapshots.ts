// The sequences that somebody has asked to keep readable. Flushes and compactions are told of them and
// keep the versions that they see.

import { assert } from "../base/assert.ts";
import type { Sequence } from "../base/ids.ts";

export class LiveSnapshots {
  private readonly counts = new Map<Sequence, number>();
  /** Called when a sequence is no longer held: garbage may have become collectable. */
  onRelease: () => void = () => undefined;

  get count(): number {
    let count = 0;
    for (const holders of this.counts.values()) count += holders;
    return count;
  }

  /** Distinct, ascending. */
  sequences(): Sequence[] {
    return [...this.counts.keys()].toSorted((a, b) => a - b);
  }

  take(sequence: Sequence): EngineSnapshot {
    this.counts.set(sequence, (this.counts.get(sequence) ?? 0) + 1);
    return new EngineSnapshot(sequence, () => this.release(sequence));
  }

  private release(sequence: Sequence): void {
    const holders = this.counts.get(sequence);
    assert(holders !== undefined, "a snapshot was released that nobody holds", { sequence });
    if (holders > 1) {
      this.counts.set(sequence, holders - 1);
      return;
    }
    this.counts.delete(sequence);
    this.onRelease();
  }
}

/** The state of the engine at one moment, readable until it is released. */
export class EngineSnapshot {
  readonly sequence: Sequence;
  private onRelease: (() => void) | undefined;

  constructor(sequence: Sequence, onRelease: () => void) {
    this.sequence = sequence;
    this.onRelease = onRelease;
  }

  get released(): boolean {
    return this.onRelease === undefined;
  }

  /** Releasing twice does nothing. */
  release(): void {
    const action = this.onRelease;
    this.onRelease = undefined;
    action?.();
  }
}
