// The entries from one restart point up to some offset, each with its whole key. A block can only be
// decoded forward; whoever walks backward decodes an interval and shows it from its end.

import type { BlockView } from "./block-view.ts";
import { copyRange } from "./copy-range.ts";
import { tableKeyBytesMax } from "./table-format.ts";

/** More entries than that from one restart point to the next are refused. */
const entriesMax = 256;

export class BlockInterval {
  count = 0;
  /** The keys, one behind the other. It is replaced by a larger one when it is full. */
  keys: Uint8Array = new Uint8Array(2 * tableKeyBytesMax);
  readonly keyEnds = new Uint32Array(entriesMax);
  readonly entryStarts = new Uint32Array(entriesMax);
  readonly cellStarts = new Uint32Array(entriesMax);
  readonly cellEnds = new Uint32Array(entriesMax);
  readonly sequences = new Float64Array(entriesMax);

  /**
   * Decodes from the last restart point before `end` up to `end`, where an entry must end. Returns what
   * is wrong with the block, if anything is. REQUIRES: start < end <= entriesEnd of the view.
   */
  decode(view: BlockView, end: number): string | undefined {
    const { bytes, entry } = view;
    let at = restartBefore(view, end);
    if (at < view.start || at >= end) return "its restart points are out of order";
    let keyStart = 0;
    let keyEnd = 0;
    let count = 0;
    while (at < end) {
      if (count === entriesMax) return "it has too few restart points";
      if (!entry.decode(bytes, at, end)) return `the entry at ${at - view.start} runs past the end`;
      const { shared } = entry;
      const length = shared + entry.unshared;
      if (shared > keyEnd - keyStart || length > tableKeyBytesMax)
        return `the key of the entry at ${at - view.start} cannot be`;
      if (keyEnd + length > this.keys.length) this.grow(keyEnd + length);
      const { keys } = this;
      copyRange(keys, keyEnd, keys, keyStart, keyStart + shared);
      copyRange(keys, keyEnd + shared, bytes, entry.suffixAt, entry.cellAt);
      keyStart = keyEnd;
      keyEnd += length;
      this.keyEnds[count] = keyEnd;
      this.entryStarts[count] = at;
      this.cellStarts[count] = entry.cellAt;
      this.cellEnds[count] = entry.end;
      this.sequences[count] = entry.sequence;
      count++;
      at = entry.end;
    }
    this.count = count;
    return undefined;
  }

  private grow(bytes: number): void {
    const grown = new Uint8Array(2 * bytes);
    grown.set(this.keys);
    this.keys = grown;
  }
}

/** The last restart point whose entry begins before `end`. */
function restartBefore(view: BlockView, end: number): number {
  let low = 0;
  let high = view.restartCount;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (view.restart(middle) < end) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? -1 : view.restart(low - 1);
}
