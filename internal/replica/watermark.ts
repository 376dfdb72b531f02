// When the leader raises the watermark W (rule 2), and to what: the stamp at the least index that all three replicas have,
// none of them keeping salvaged writes. It knows stamps of past indexes by samples, one for each turn that appended.

import type { LogIndex } from "../base/ids.ts";
import type { Stamp } from "../base/stamp.ts";

const samplesMax = 4096;

export class StampSamples {
  private indexes: LogIndex[] = [];
  private stamps: Stamp[] = [];

  /** The log ends at `index`, stamped so. */
  add(index: LogIndex, stamp: Stamp): void {
    this.truncateFrom(index);
    this.indexes.push(index);
    this.stamps.push(stamp);
    if (this.indexes.length <= samplesMax) return;
    // Every other one: the past is known less exactly.
    this.indexes = this.indexes.filter((_, at) => at % 2 === 1);
    this.stamps = this.stamps.filter((_, at) => at % 2 === 1);
  }

  /** The stamp of the last sampled entry at or before `index`. */
  at(index: LogIndex): Stamp | undefined {
    const at = this.indexes.findLastIndex((sampled) => sampled <= index);
    return this.stamps[at];
  }

  clear(): void {
    this.indexes = [];
    this.stamps = [];
  }

  private truncateFrom(index: LogIndex): void {
    while (this.indexes.length > 0 && (this.indexes.at(-1) as LogIndex) >= index) {
      this.indexes.pop();
      this.stamps.pop();
    }
  }
}
