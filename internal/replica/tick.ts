// An entry that only moves time: it raises the group's watermark, and its own stamp settles which records have expired.
//
//   watermark u64

import { ByteReader, ByteWriter } from "../base/codec.ts";
import { stamp } from "../base/stamp.ts";
import type { Stamp } from "../base/stamp.ts";

export function encodeTick(watermark: Stamp): Uint8Array {
  return new ByteWriter(8).u64(watermark).finish();
}

export function decodeTick(bytes: Uint8Array, start = 0, end = bytes.length): Stamp {
  const reader = new ByteReader(bytes, "a tick", start, end);
  const watermark = stamp(reader.u64());
  reader.expectEnd();
  return watermark;
}
