// Whether an entry that another replica sent can be applied at all. It is asked before the entry gets into the log: what is there and
// cannot be applied stops every replica of the group, now and after each restart. The rest of what an append holds is the core's to check.

import { TrefoilError } from "../base/errors.ts";
import { neverExpires } from "../base/stamp.ts";
import { fastFlag } from "../log/record.ts";
import { entryKind } from "../raft/types.ts";
import type { Entry } from "../raft/types.ts";
import { commandKind, decodeCommand, isBlind, readBlind } from "./command.ts";
import type { BlindSlot } from "./command.ts";
import { decodeRelease } from "./departures.ts";
import { decodeLoad, decodeMerge } from "./merge.ts";
import { decodeSlots } from "./slots-command.ts";
import { decodeTick } from "./tick.ts";

/** Why no replica could apply it, or undefined. REQUIRES: its fields are of their types. */
export function entryFault(entry: Entry): string | undefined {
  const { index, kind, flags, payload } = entry;
  const isFast = (flags & fastFlag) !== 0;
  if (isFast && kind !== commandKind.operations) return `entry ${index} of kind ${kind} marked as fast`;
  // Nearly all are one blind write: looked at without making objects.
  if (kind === commandKind.operations && readBlind(payload, 0, payload.length, blind)) return undefined;
  try {
    return decodedFault(entry, isFast);
  } catch (error) {
    if (error instanceof TrefoilError) return `entry ${index}: ${error.message}`;
    throw error;
  }
}

function decodedFault({ index, kind, payload }: Entry, isFast: boolean): string | undefined {
  switch (kind) {
    case entryKind.noop:
    case entryKind.configuration:
      return undefined;
    case commandKind.operations:
      return !isBlind(decodeCommand(payload)) && isFast ? `entry ${index} marked as fast, which reads` : undefined;
    case commandKind.merge:
      return void decodeMerge(payload);
    case commandKind.load:
      return void decodeLoad(payload);
    case commandKind.tick:
      return void decodeTick(payload);
    case commandKind.slots:
      return void decodeSlots(payload);
    case commandKind.release:
      return void decodeRelease(payload);
    default:
      return `entry ${index} of the unknown kind ${kind}`;
  }
}

const blind: BlindSlot = {
  isDelete: false,
  keyStart: 0,
  keyEnd: 0,
  bodyStart: 0,
  bodyEnd: 0,
  expiry: neverExpires,
};
