// A fast 32-bit hash of key bytes for tables in memory and for Bloom filters. It is part of the
// table format: filters on disk were built with it, so it never changes within a format version.
// The construction is that of MurmurHash3 (x86, 32 bit), written over byte ranges.

export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  return hashBytesSigned(bytes, start, end) >>> 0;
}

/** The same 32 bits as a signed number, which the engine passes about without putting it into a box. */
export function hashBytesSigned(bytes: Uint8Array, start: number, end: number): number {
  let hash = seed;
  let at = start;
  const wholeEnd = start + ((end - start) & ~3);
  while (at < wholeEnd) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    hash = (Math.imul(rotate(hash ^ scramble(word), 13), 5) + 0xe6546b64) | 0;
    at += 4;
  }
  let tail = 0;
  for (let shift = 0; at < end; at++, shift += 8) tail |= (bytes[at] as number) << shift;
  hash ^= scramble(tail) ^ (end - start);
  return finish(hash);
}

/** A second hash from the first, for double hashing. */
export function rehash(hash: number): number {
  return finish(hash ^ 0x9e3779b9) >>> 0;
}

const seed = 0x7f4a7c15;

function scramble(word: number): number {
  return Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function finish(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
