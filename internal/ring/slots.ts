// Slots: the 16384 buckets of the key space. A key's slot is CRC16 (XMODEM: polynomial 0x1021, from 0, nothing reflected) of
// the key, or of what stands between its first `{` and the next `}` when that is not empty; as in Redis Cluster, so
// that its clients find the right group, and so that keys with one tag lie together.

export const slotCount = 16_384;

const polynomial = 0x1021;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const table = makeTable();

export function slotOf(key: Uint8Array, start = 0, end = key.length): number {
  let from = start;
  let to = end;
  const open = key.indexOf(openBrace, start);
  if (open >= 0 && open < end) {
    const close = key.indexOf(closeBrace, open + 1);
    if (close > open + 1 && close < end) {
      from = open + 1;
      to = close;
    }
  }
  return crc16(key, from, to) % slotCount;
}

export function crc16(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0;
  for (let at = start; at < end; at++) {
    crc = ((crc << 8) & 0xffff) ^ (table[((crc >>> 8) ^ (bytes[at] as number)) & 0xff] as number);
  }
  return crc;
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
