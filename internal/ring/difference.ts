// What has to move when the ring changes: which slots go from which group to which.

import type { GroupId } from "../base/ids.ts";
import type { Ring } from "./ring.ts";
import { slotCount } from "./slots.ts";

export interface SlotMove {
  readonly from: GroupId;
  readonly to: GroupId;
  /** In ascending order; at least one. */
  readonly slots: readonly number[];
}

/** One move for each pair of groups between which slots go, ordered by `from`, then by `to`. */
export function slotMoves(before: Ring, after: Ring): SlotMove[] {
  const moves = new Map<number, { from: GroupId; to: GroupId; slots: number[] }>();
  for (let slot = 0; slot < slotCount; slot++) {
    const from = before.ownerOf(slot);
    const to = after.ownerOf(slot);
    if (from === to) continue;
    const pair = from * pairs + to;
    const move = moves.get(pair);
    if (move === undefined) moves.set(pair, { from, to, slots: [slot] });
    else move.slots.push(slot);
  }
  return [...moves.values()].sort((left, right) => left.from - right.from || left.to - right.to);
}

/** Above every group's id: two ids make one number. */
const pairs = 0x1_0000;
