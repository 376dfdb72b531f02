// The first bytes of a key as one number, which orders as they do and decides nearly every step of a
// binary search without a look at the keys themselves. Only equal heads leave it to the keys.

/** The first four bytes of bytes[start, end) as a number; missing ones count as 0. */
export function headOf(bytes: Uint8Array, start: number, end: number): number {
  if (end - start >= 4) {
    return (
      (((bytes[start] as number) << 24) |
        ((bytes[start + 1] as number) << 16) |
        ((bytes[start + 2] as number) << 8) |
        (bytes[start + 3] as number)) >>>
      0
    );
  }
  let head = 0;
  for (let at = start; at < start + 4; at++) head = (head << 8) | (at < end ? (bytes[at] as number) : 0);
  return head >>> 0;
}
