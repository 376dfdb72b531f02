// Moves slots between groups: an entry of either group's log. From its seal on a group takes no more writes for a slot, though
// writes that were lost and salvaged still find their way into it until it is closed; then the other group opens it.
//
//   mode u8 | above: term u64 | ( slot u16 )*
//
// Versions only grow with a key (rule 9): slots open only in a term above all that their former group's log had at the seal.

import { assert } from "../base/assert.ts";
import { ByteReader, ByteWriter } from "../base/codec.ts";
import { corruption } from "../base/errors.ts";
import { term } from "../base/ids.ts";
import type { Term } from "../base/ids.ts";
import { slotsFault } from "./command-check.ts";
import { slotsModes } from "./command-words.ts";

type SlotsMode = (typeof slotsModes)[number];

export interface SlotsCommand {
  readonly mode: SlotsMode;
  /** Of `open`: the greatest term of the log that the slots come from; 0 otherwise. */
  readonly above: Term;
  readonly slots: readonly number[];
}

/** REQUIRES: slotsFault has nothing to say. */
export function encodeSlots({ mode, above, slots }: SlotsCommand): Uint8Array {
  const fault = slotsFault({ mode, above, slots });
  assert(fault === undefined, "a command on slots that no replica could apply", { detail: fault?.detail ?? "" });
  const writer = new ByteWriter(9 + 2 * slots.length);
  writer.u8(slotsModes.indexOf(mode)).u64(above);
  for (const slot of slots) writer.u16(slot);
  return writer.finish();
}

export function decodeSlots(bytes: Uint8Array, start = 0, end = bytes.length): SlotsCommand {
  const reader = new ByteReader(bytes, "a command on slots", start, end);
  const number = reader.u8();
  const mode = slotsModes[number];
  if (mode === undefined) throw corruption(`a command on slots of mode ${number}`);
  const above = term(reader.u64());
  const slots: number[] = [];
  while (reader.remaining > 0) slots.push(reader.u16());
  const fault = slotsFault({ mode, above, slots });
  if (fault !== undefined) throw corruption(fault.detail);
  return { mode, above, slots };
}
