// Entries of the log as the Raft core wants them, from the log's memory or, on demand, from its files.

import { emptyBytes } from "../base/bytes.ts";
import { logIndex } from "../base/ids.ts";
import type { GroupId, Term } from "../base/ids.ts";
import type { GroupLog } from "../log/group-log.ts";
import {
  copyOfRecord,
  entryHeaderBytes,
  entryRecord,
  fastFlag,
  flagsOf,
  indexOf,
  kindOf,
  stampOf,
  termOf,
} from "../log/record.ts";
import type { RecordSlot, RecordView } from "../log/record.ts";
import type { Entry, EntryRange, EntrySource } from "../raft/types.ts";
import { entryFault } from "./entry-check.ts";

/** An entry with its record, as it lies in logs and travels in frames. */
export interface RecordedEntry extends Entry {
  readonly record: Uint8Array;
}

/** REQUIRES: the view's bytes stay as they are. */
export function entryOf({ bytes, start, end }: RecordView): RecordedEntry {
  return {
    term: termOf(bytes, start),
    index: indexOf(bytes, start),
    stamp: stampOf(bytes, start),
    flags: flagsOf(bytes, start),
    kind: kindOf(bytes, start),
    payload: bytes.subarray(start + entryHeaderBytes, end),
    record: bytes.subarray(start, end),
  };
}

/** The record of an entry: as it came, or made the first time, for the log and every follower alike. */
export function recordOf(group: GroupId, entry: Entry & { record?: Uint8Array }): Uint8Array {
  entry.record ??= entryRecord(group, entry, entry.payload);
  return entry.record;
}

export class LogEntries implements EntrySource {
  private readonly group: GroupLog;
  /** Read from files for a follower that is behind; one run of entries for each. */
  private loaded: RecordedEntry[][] = [];
  private readonly slot: RecordSlot = { bytes: emptyBytes, start: 0, end: 0 };

  constructor(group: GroupLog) {
    this.group = group;
  }

  readNow({ from, to }: EntryRange, bytesMax: number): readonly Entry[] | undefined {
    const at = this.loaded.findIndex((run) => run[0]?.index === from);
    if (at >= 0) {
      const [run = []] = this.loaded.splice(at, 1);
      const isCurrent = run.every((entry) => this.group.termOf(entry.index) === entry.term);
      if (isCurrent) return beginningOf(run, to, bytesMax);
    }
    return this.group.readNow(from, to, bytesMax)?.map((view) => entryOf(copyOfRecord(view)));
  }

  faultOf(entry: Entry): string | undefined {
    return entryFault(entry);
  }

  /** Whether all entries of a range are fast writes of `of`; those that are not in memory count as others. */
  areFast({ from, to }: EntryRange, of: Term): boolean {
    if (to - from >= scanMax) return false;
    for (let index: number = from; index <= to; index++) {
      if (!this.group.find(logIndex(index), this.slot)) return false;
      const { bytes, start } = this.slot;
      if (termOf(bytes, start) !== of || (flagsOf(bytes, start) & fastFlag) === 0) return false;
    }
    return true;
  }

  /** Brings the beginning of a range into memory. A range that is gone is no failure: the core will see it. */
  async load({ from, to }: EntryRange, bytesMax: number): Promise<void> {
    const read = await this.group.read(logIndex(from), logIndex(to), bytesMax);
    if (read.kind !== "entries") return;
    if (this.loaded.length >= runsMax) this.loaded.shift();
    this.loaded.push(read.entries.map(entryOf));
  }
}

/** Up to entry `to`, and so many bytes unless the first entry alone has more: who loaded it may have wanted more than who takes it. */
function beginningOf(run: readonly RecordedEntry[], to: number, bytesMax: number): readonly RecordedEntry[] {
  let bytes = 0;
  const end = run.findIndex(({ index, record }, at) => {
    bytes += record.length;
    return index > to || (at > 0 && bytes > bytesMax);
  });
  return end < 0 ? run : run.slice(0, end);
}

const runsMax = 8;
const scanMax = 1024;
