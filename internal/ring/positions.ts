// Where things stand on the circle of 2^32 positions: XXH32 with seed 0
//
//   virtual node   of the ASCII text `group:<id>:<n>`, both numbers decimal, n from 0 to 255
//   slot           of the slot's number as 4 bytes, big endian
//
// This is what every member of a cluster, of every version, has to find alike: docs/formats/ring.md. The hash is slow
// (microseconds); no position is computed twice.

import xxhash from "xxhashjs";
import { assert } from "../base/assert.ts";
import type { GroupId } from "../base/ids.ts";
import { slotCount } from "./slots.ts";

export const virtualNodesPerGroup = 256;

const seed = 0;
/** Of more groups the positions are computed anew: 1 KiB each is kept. */
const groupsKeptMax = 256;
const keptGroups = new Map<GroupId, Uint32Array>();
let keptSlots: Uint32Array | undefined;

export function slotPosition(slot: number): number {
  assert(slot >= 0 && slot < slotCount && Number.isInteger(slot), "a slot's number", { slot });
  return slotPositions()[slot] as number;
}

/** By the number of the slot. The caller changes nothing in it. */
export function slotPositions(): Uint32Array {
  if (keptSlots === undefined) {
    const bytes = new ArrayBuffer(4);
    const view = new DataView(bytes);
    keptSlots = new Uint32Array(slotCount);
    for (let slot = 0; slot < slotCount; slot++) {
      view.setUint32(0, slot);
      keptSlots[slot] = xxhash.h32(bytes, seed).toNumber();
    }
  }
  return keptSlots;
}

/** By the number of the virtual node. The caller changes nothing in it. */
export function virtualNodePositions(group: GroupId): Uint32Array {
  const kept = keptGroups.get(group);
  if (kept !== undefined) return kept;
  const positions = new Uint32Array(virtualNodesPerGroup);
  for (let number = 0; number < virtualNodesPerGroup; number++) {
    positions[number] = xxhash.h32(`group:${group}:${number}`, seed).toNumber();
  }
  if (keptGroups.size >= groupsKeptMax) keptGroups.clear();
  keptGroups.set(group, positions);
  return positions;
}
