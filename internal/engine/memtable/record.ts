// The two kinds of record in an arena, in 32-bit words. Each distinct key has one key record; behind
// it lies, without a pointer, the first version that was written, which is the oldest. Further versions lie
// wherever there was room and form a chain both ways, newest first.
//
//   key record    newest | next in bucket | tag | key bytes, padded to a word | oldest version
//   version       older  | newer | sequence low | sequence high | cell length | cell bytes, padded
//
// newest, next, older and newer are refs (0: none). The tag is the key's length in the low bits and the
// upper bits of its hash, so that one comparison tells most different keys apart.

import { engineKeyBytesMax } from "../../base/limits.ts";

export const newestAt = 0;
export const nextInBucketAt = 1;
const tagAt = 2;
export const keyAt = 3;

export const olderAt = 0;
export const newerAt = 1;
const sequenceLowAt = 2;
const sequenceHighAt = 3;
const cellLengthAt = 4;
export const cellAt = 5;

const keyLengthMask = 0x7ff;
const twoTo32 = 0x1_0000_0000;
/** Header words of a key record and of its version, and what padding of key and cell may add. */
const overheadWordsMax = keyAt + cellAt + 2;

if (engineKeyBytesMax > keyLengthMask) throw new Error("a key's length does not fit its tag");

export function tagOf(hash: number, keyLength: number): number {
  return (hash & ~keyLengthMask) | keyLength;
}

export function tagOfRecord(words: Int32Array, record: number): number {
  return words[record + tagAt] as number;
}

export function keyStartOf(record: number): number {
  return (record + keyAt) << 2;
}

export function keyLengthOf(words: Int32Array, record: number): number {
  return (words[record + tagAt] as number) & keyLengthMask;
}

export function oldestVersionOf(words: Int32Array, record: number): number {
  return record + keyRecordWords(keyLengthOf(words, record));
}

export function sequenceOf(words: Int32Array, version: number): number {
  const low = (words[version + sequenceLowAt] as number) >>> 0;
  return (words[version + sequenceHighAt] as number) * twoTo32 + low;
}

export function cellStartOf(version: number): number {
  return (version + cellAt) << 2;
}

export function cellLengthOf(words: Int32Array, version: number): number {
  return words[version + cellLengthAt] as number;
}

export function keyRecordWords(keyLength: number): number {
  return keyAt + ((keyLength + 3) >>> 2);
}

export function versionWords(cellLength: number): number {
  return cellAt + ((cellLength + 3) >>> 2);
}

/** Most words that records for so many operations take, with so many bytes of keys and cells together. */
export function recordWordsMax(operations: number, bytes: number): number {
  return operations * overheadWordsMax + Math.ceil(bytes / 4);
}

/** Writes all of a key record but the key's bytes. */
export function initKeyRecord(words: Int32Array, record: number, tag: number, nextInBucket: number): void {
  words[record + newestAt] = 0;
  words[record + nextInBucketAt] = nextInBucket;
  words[record + tagAt] = tag;
}

/** Writes all of a version but the cell's bytes and its place in the chain. */
export function initVersion(words: Int32Array, version: number, sequence: number, cellLength: number): void {
  words[version + olderAt] = 0;
  words[version + newerAt] = 0;
  words[version + sequenceLowAt] = sequence;
  words[version + sequenceHighAt] = sequence / twoTo32;
  words[version + cellLengthAt] = cellLength;
}
