// Slots: the 16384 buckets of the key space. A key's slot is CRC16 (XMODEM: polynomial 0x1021, from 0, nothing reflected) of
// the key, or of what stands between its first `{` and the next `}` when that is not empty; as in Redis Cluster, so
// that its clients find the right group, and so that keys with one tag lie together.
//
// Keys are looked at where they lie, mostly in a frame with many others: nothing outside of the range is read, nothing is made.

export const slotCount = 16_384;

const polynomial = 0x1021;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const table = makeTable();

/** The slot of the key that lies in `bytes` from `start` to before `end`. */
export function slotOf(bytes: Uint8Array, start = 0, end = bytes.length): number {
  const open = find(bytes, openBrace, start, end);
  if (open < end) {
    const close = find(bytes, closeBrace, open + 1, end);
    if (close < end && close > open + 1) return crc16(bytes, open + 1, close) % slotCount;
  }
  return crc16(bytes, start, end) % slotCount;
}

export function crc16(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0;
  for (let at = start; at < end; at++) {
    crc = ((crc << 8) & 0xffff) ^ (table[((crc >>> 8) ^ (bytes[at] as number)) & 0xff] as number);
  }
  return crc;
}

/** `end` when it is not there. `indexOf` would search the rest of the frame behind the key. */
function find(bytes: Uint8Array, byte: number, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== byte) at++;
  return at;
}

function makeTable(): Uint16Array {
  const made = new Uint16Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ polynomial;
    made[byte] = crc;
  }
  return made;
}
