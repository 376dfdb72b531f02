// What a load does, given the records that it meets: the same everywhere and always. Each replica collects garbage in its own time, so
// what may be collected counts as if it were. See moving-slots.ts for the slots' part.

import type { Stamp } from "../base/stamp.ts";
import { isExpired } from "../base/stamp.ts";
import type { EngineRecord } from "../engine/reader.ts";
import { slotOf } from "../ring/slots.ts";
import { keyName } from "./decide.ts";
import type { Boundary, GroupState } from "./group-state.ts";
import { judgeMerge } from "./merge.ts";
import type { ForeignWrite, LoadCommand } from "./merge.ts";

export type LoadDecision =
  | {
      readonly kind: "done";
      /** Those that win, in order. */
      readonly writes: readonly ForeignWrite[];
      /** Where records came in, once for each of the load. */
      readonly slots: readonly number[];
    }
  /** A slot is open, or was so since: nothing comes in. */
  | { readonly kind: "refused"; readonly operation: number };

/** `lookup`: what lies under a key before the entry, tombstones included. */
export function decideLoad(
  { since, writes }: LoadCommand,
  entry: Boundary,
  state: Pick<GroupState, "slots" | "watermark">,
  lookup: (key: Uint8Array) => EngineRecord | undefined,
): LoadDecision {
  const slots = writes.map(({ key }) => slotOf(key, 0, key.length));
  const refused = slots.findIndex((slot) => since >= entry.index || !state.slots.takesLoads(slot, since));
  if (refused >= 0) return { kind: "refused", operation: refused };
  const horizon = state.slots.garbageHorizon(state.watermark);
  const winners = new Map<string, ForeignWrite>();
  const taken = writes.filter((write) => {
    const name = keyName(write.key);
    // What comes later in the load meets what came before.
    const earlier = winners.get(name);
    const found = earlier === undefined ? lookup(write.key) : recordOf(earlier, entry.stamp);
    const present = found !== undefined && isCollectable(found, horizon) ? undefined : found;
    const wins = judgeMerge(write, present) === "wins";
    if (wins) winners.set(name, write);
    return wins;
  });
  return { kind: "done", writes: taken, slots };
}

/** Whether some replica may have collected it, where garbage goes up to `horizon`. */
function isCollectable(record: EngineRecord, horizon: Stamp): boolean {
  return record.stamp <= horizon && (record.tombstone || isExpired(record.expiry, horizon));
}

/** What a foreign write leaves under its key. */
const recordOf = ({ version, expiry, isDelete, payload }: ForeignWrite, at: Stamp): EngineRecord => {
  return { ...version, stamp: at, expiry, tombstone: isDelete, payload };
};
