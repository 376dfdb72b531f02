// How evenly the ring deals the slots out. With 256 virtual nodes the largest share stays below 1.25 times the mean for 1 to 64
// groups (docs/formats/ring.md has the figures, a test holds them).

import type { GroupId } from "../base/ids.ts";
import type { Ring } from "./ring.ts";
import { slotCount } from "./slots.ts";

export interface Share {
  readonly group: GroupId;
  readonly slots: number;
  /** 1 is the mean. */
  readonly timesMean: number;
}

export interface Evenness {
  readonly shares: readonly Share[];
  readonly largest: Share;
  readonly smallest: Share;
}

/** Shares in the order of the groups; of equal ones the first is the largest, and the smallest. */
export function evennessOf(ring: Ring): Evenness {
  const mean = slotCount / ring.groups.length;
  const counts = ring.shares();
  const shares = ring.groups.map((group, at): Share => {
    const slots = counts[at] as number;
    return { group, slots, timesMean: slots / mean };
  });
  return {
    shares,
    largest: shares.reduce((found, share) => (share.slots > found.slots ? share : found)),
    smallest: shares.reduce((found, share) => (share.slots < found.slots ? share : found)),
  };
}
