// Random sorted entries for tables: keys that share prefixes, are prefixes of each other, or are empty, with bytes
// 0 and 255; several versions of a key; cells without payload and far larger than a block.

import fc from "fast-check";
import { compareEntries } from "./array-cursor.ts";
import type { Entry } from "./array-cursor.ts";
import { makeCell } from "./table-fixture.ts";

const keyByte = fc.constantFrom(0, 1, 0x61, 0x62, 0xfe, 0xff);
const shortKey = fc.array(keyByte, { maxLength: 5 });
const longKey = fc
  .tuple(fc.constantFrom(0, 0x61, 0xff), fc.constantFrom(8, 40, 130, 400), shortKey)
  .map(([byte, length, end]) => [...Array.from({ length }, () => byte), ...end]);

export const anyKey: fc.Arbitrary<Uint8Array> = fc
  .oneof({ weight: 6, arbitrary: shortKey }, { weight: 2, arbitrary: longKey })
  .map((bytes) => Uint8Array.from(bytes));

const payloadBytes = fc.oneof(
  { weight: 10, arbitrary: fc.nat(40) },
  { weight: 4, arbitrary: fc.integer({ min: 100, max: 700 }) },
  { weight: 1, arbitrary: fc.integer({ min: 3000, max: 40_000 }) },
);

const anyEntry = fc
  .record({
    key: anyKey,
    sequence: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.nat(2 ** 31 - 1), fc.constant(Number.MAX_SAFE_INTEGER - 1)),
    payload: payloadBytes,
    tombstone: fc.boolean(),
    expiry: fc.option(fc.integer({ min: 1, max: 2 ** 40 }), { nil: undefined }),
    version: fc.tuple(fc.nat(3), fc.maxSafeNat()),
  })
  .map(({ key, sequence, payload, tombstone, expiry, version }): Entry => {
    const [term, index] = version;
    const bytes = new Uint8Array(tombstone ? 0 : payload).fill(sequence);
    const parts = { tombstone, payload: bytes, term, index, ...(expiry === undefined ? {} : { expiry }) };
    return { key, sequence, cell: makeCell(parts) };
  });

/** Sorted, without two entries of one key and sequence; at least one. */
export function entriesOf(most: number): fc.Arbitrary<Entry[]> {
  return fc
    .array(anyEntry, { minLength: 1, maxLength: most, size: "max" })
    .map((entries) => entries.toSorted(compareEntries).filter(isFirstOfItsKind));
}

function isFirstOfItsKind(entry: Entry, at: number, entries: readonly Entry[]): boolean {
  const before = entries[at - 1];
  return before === undefined || compareEntries(before, entry) !== 0;
}

export const blockSizes: fc.Arbitrary<number> = fc.constantFrom(64, 512, 700, 1024, 4096, 16 * 1024);
