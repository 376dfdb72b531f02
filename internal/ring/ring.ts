// Which group each slot belongs to: that of the first virtual node at or after the slot's position, going round.
//
//            group 2, node 17
//        .------o------------.
//      o                       \       a slot belongs to the next node that one meets going up;
//     |   x slot ---> group 2   o       behind the greatest position the circle begins again at 0;
//      \                       /        of nodes in one place that of the lowest group counts
//        `---o---------o-----'
//
// A ring is made once for a set of groups and never changes. It is compiled into a table, so that a request costs one read of
// it. Groups keep their virtual nodes for ever: a group that comes takes slots from all others and moves none between them.

import { assert } from "../base/assert.ts";
import { groupId } from "../base/ids.ts";
import type { GroupId } from "../base/ids.ts";
import { slotPosition, slotPositions, virtualNodePositions, virtualNodesPerGroup } from "./positions.ts";
import { slotCount } from "./slots.ts";

/** Ids of groups on the ring go from 1 (group 0 keeps the cluster's own state) to this one: the table holds 16 bits a slot. */
export const ringGroupIdMax = 0xffff;

/** A position with what stands there in its low digits: they are sorted together, as plain numbers below 2^48. */
const idsPerPosition = ringGroupIdMax + 1;
const slotsPerPosition = slotCount;
let keptSlotOrder: Float64Array | undefined;

/** Every map of a cluster names its groups; they seldom are others than in the map before. */
const ringsKeptMax = 8;
const keptRings = new Map<string, Ring>();

export interface VirtualNode {
  readonly group: GroupId;
  /** From 0 to 255. */
  readonly number: number;
  readonly position: number;
}

export class Ring {
  /** In ascending order. */
  readonly groups: readonly GroupId[];
  private readonly owners: Uint16Array;

  private constructor(groups: readonly GroupId[]) {
    this.groups = groups;
    this.owners = compile(groups);
  }

  /** The ring of these groups, in whatever order they are named. One that was made lately is the same object. */
  static of(groups: readonly GroupId[]): Ring {
    const sorted = [...groups].sort((left, right) => left - right);
    const name = sorted.join(" ");
    const kept = keptRings.get(name);
    if (kept !== undefined) return kept;
    checkGroups(sorted);
    const ring = new Ring(sorted);
    if (keptRings.size >= ringsKeptMax) keptRings.clear();
    keptRings.set(name, ring);
    return ring;
  }

  ownerOf(slot: number): GroupId {
    const owner = this.owners[slot];
    assert(owner !== undefined, "a slot's number", { slot });
    return groupId(owner);
  }

  /** In ascending order. */
  slotsOf(group: GroupId): number[] {
    const slots: number[] = [];
    for (let slot = 0; slot < slotCount; slot++) if (this.owners[slot] === group) slots.push(slot);
    return slots;
  }

  /** How many slots each group has, in the order of `groups`. */
  shares(): number[] {
    const counts = new Uint32Array(idsPerPosition);
    for (const owner of this.owners) counts[owner] = (counts[owner] as number) + 1;
    return this.groups.map((group) => counts[group] as number);
  }

  /** Why a slot is where it is: the virtual node that its position leads to. For people; it searches. */
  virtualNodeOf(slot: number): VirtualNode {
    const group = this.ownerOf(slot);
    const from = slotPosition(slot);
    const positions = virtualNodePositions(group);
    let nearest = 0;
    // Distances go round: a node below the slot is reached over the end of the circle.
    const distanceOf = (number: number): number => ((positions[number] as number) - from) >>> 0;
    for (let number = 1; number < virtualNodesPerGroup; number++) {
      if (distanceOf(number) < distanceOf(nearest)) nearest = number;
    }
    return { group, number: nearest, position: positions[nearest] as number };
  }
}

function checkGroups(groups: readonly GroupId[]): void {
  assert(groups.length > 0, "a ring of no groups");
  let before = 0;
  for (const group of groups) {
    const isId = Number.isInteger(group) && group <= ringGroupIdMax;
    assert(isId && group > before, "groups of a ring are different whole numbers from 1", { group, before });
    before = group;
  }
}

function compile(groups: readonly GroupId[]): Uint16Array {
  const nodes = nodesInOrder(groups);
  const owners = new Uint16Array(slotCount);
  let at = 0;
  for (const key of slotsInOrder()) {
    const position = Math.floor(key / slotsPerPosition);
    while (at < nodes.length && (nodes[at] as number) < position * idsPerPosition) at++;
    const node = nodes[at === nodes.length ? 0 : at] as number;
    owners[key % slotsPerPosition] = node % idsPerPosition;
  }
  return owners;
}

/** Every virtual node as `position * 2^16 + group`: of nodes in one place the lower group stands first. */
function nodesInOrder(groups: readonly GroupId[]): Float64Array {
  const nodes = new Float64Array(groups.length * virtualNodesPerGroup);
  let at = 0;
  for (const group of groups) {
    for (const position of virtualNodePositions(group)) nodes[at++] = position * idsPerPosition + group;
  }
  return nodes.sort();
}

/** Every slot as `position * 2^14 + slot`. The same for all rings. */
function slotsInOrder(): Float64Array {
  keptSlotOrder ??= Float64Array.from(slotPositions(), (position, slot) => position * slotsPerPosition + slot).sort();
  return keptSlotOrder;
}
