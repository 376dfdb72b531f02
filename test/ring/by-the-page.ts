// The ring as docs/formats/ring.md says it, in the plainest way and without any code of the product: the yardstick of its tests.

const mask = 0xffff_ffffn;
const primes = [2_654_435_761n, 2_246_822_519n, 3_266_489_917n, 668_265_263n, 374_761_393n] as const;

/** XXH32 as its specification reads. */
export function xxh32(bytes: Uint8Array, seed: number): number {
  const [p1, p2, p3, p4, p5] = primes;
  const start = BigInt(seed);
  const word = (at: number): bigint => BigInt(new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true));
  let at = 0;
  let hash = (start + p5) & mask;
  if (bytes.length >= 16) {
    const lanes = [start + p1 + p2, start + p2, start, start - p1].map((lane) => lane & mask);
    for (; at + 16 <= bytes.length; at += 16) {
      for (const [lane, value] of lanes.entries()) {
        lanes[lane] = (rotate((value + word(at + 4 * lane) * p2) & mask, 13n) * p1) & mask;
      }
    }
    hash = [1n, 7n, 12n, 18n].reduce((sum, bits, lane) => (sum + rotate(lanes[lane] as bigint, bits)) & mask, 0n);
  }
  hash = (hash + BigInt(bytes.length)) & mask;
  for (; at + 4 <= bytes.length; at += 4) hash = (rotate((hash + word(at) * p3) & mask, 17n) * p4) & mask;
  for (; at < bytes.length; at++) hash = (rotate((hash + BigInt(bytes[at] as number) * p5) & mask, 11n) * p1) & mask;
  hash = ((hash ^ (hash >> 15n)) * p2) & mask;
  hash = ((hash ^ (hash >> 13n)) * p3) & mask;
  return Number(hash ^ (hash >> 16n));
}

/** The virtual node that a slot's position leads to, found by looking at every one of them. */
export function ownerByThePage(groups: readonly number[], slot: number): { group: number; number: number } {
  const from = positionOfSlot(slot);
  let found = { group: 0, number: 0, way: Number.POSITIVE_INFINITY };
  for (const group of groups) {
    for (const [number, position] of nodesOf(group).entries()) {
      const way = position >= from ? position - from : position - from + 2 ** 32;
      if (way < found.way || (way === found.way && group < found.group)) found = { group, number, way };
    }
  }
  return { group: found.group, number: found.number };
}

function positionOfSlot(slot: number): number {
  return xxh32(Uint8Array.of(0, 0, slot >>> 8, slot & 0xff), 0);
}

const known = new Map<number, number[]>();

function nodesOf(group: number): number[] {
  const nodes =
    known.get(group) ??
    Array.from({ length: 256 }, (_, number) => xxh32(new TextEncoder().encode(`group:${group}:${number}`), 0));
  known.set(group, nodes);
  return nodes;
}

function rotate(value: bigint, bits: bigint): bigint {
  return ((value << bits) | (value >> (32n - bits))) & mask;
}
