// Fast entries that are about to be discarded are kept in the log as salvage (rule 8), before what discards them.

import { TrefoilError } from "../base/errors.ts";
import { logIndex } from "../base/ids.ts";
import type { LogIndex } from "../base/ids.ts";
import type { GroupLog } from "../log/group-log.ts";
import { fastFlag, flagsOf } from "../log/record.ts";
import type { RecordSlot } from "../log/record.ts";

/** Keeps those from `from` on if all of them are in memory; false, and nothing is staged, otherwise. */
export function keepFastNow(group: GroupLog, from: LogIndex): boolean {
  const slot: RecordSlot = { bytes: new Uint8Array(0), start: 0, end: 0 };
  const fast: Uint8Array[] = [];
  for (let index: number = from; index <= group.lastIndex; index++) {
    if (!group.find(logIndex(index), slot)) return false;
    // Copied, for staging one may take the memory that another lies in.
    if (isFast(slot)) fast.push(slot.bytes.slice(slot.start, slot.end));
  }
  for (const bytes of fast) group.keepSalvage(bytes, 0, bytes.length);
  return true;
}

/** Keeps those from `from` on, wherever they lie. */
export async function keepFast(group: GroupLog, from: LogIndex): Promise<void> {
  const last = group.lastIndex;
  for (let next: number = from; next <= last;) {
    const read = await group.read(logIndex(next), last, readBytes);
    if (read.kind !== "entries") throw new TrefoilError("internal", `entry ${next} to be salvaged is not in the log`);
    for (const view of read.entries) if (isFast(view)) group.keepSalvage(view.bytes, view.start, view.end);
    next += read.entries.length;
  }
}

const isFast = ({ bytes, start }: { readonly bytes: Uint8Array; readonly start: number }): boolean =>
  (flagsOf(bytes, start) & fastFlag) !== 0;

const readBytes = 1024 * 1024;
