// Seals slots that move away from a group, or opens slots that have come: an entry of either group's log.
//
//   isSeal u8 | ( slot u16 )*

import { ByteReader, ByteWriter } from "../base/codec.ts";
import { corruption } from "../base/errors.ts";
import { slotCount } from "../ring/slots.ts";

export interface SlotsCommand {
  readonly isSeal: boolean;
  readonly slots: readonly number[];
}

export function encodeSlots({ isSeal, slots }: SlotsCommand): Uint8Array {
  const writer = new ByteWriter(1 + 2 * slots.length);
  writer.u8(isSeal ? 1 : 0);
  for (const slot of slots) writer.u16(slot);
  return writer.finish();
}

export function decodeSlots(bytes: Uint8Array, start = 0, end = bytes.length): SlotsCommand {
  const reader = new ByteReader(bytes, "a command on slots", start, end);
  const isSeal = reader.u8() === 1;
  const slots: number[] = [];
  while (reader.remaining > 0) {
    const slot = reader.u16();
    if (slot >= slotCount) throw corruption(`a command on slot ${slot}`);
    slots.push(slot);
  }
  return { isSeal, slots };
}
