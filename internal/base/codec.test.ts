import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  ByteReader,
  ByteWriter,
  readU16,
  readU32,
  readU32BigEndian,
  readU64,
  varintBytesMax,
  varintLength,
  writeU16,
  writeU32,
  writeU32BigEndian,
  writeU64,
  writeVarint,
} from "./codec.ts";
import { TrefoilError } from "./errors.ts";

const greatest = Number.MAX_SAFE_INTEGER;

/** Both sides of every power of two up to 2^53: where a byte, a varint or a half of a u64 ends. */
const edges: number[] = [0];
for (let bits = 0; bits < 53; bits++) edges.push(2 ** bits - 1, 2 ** bits, 2 ** bits + 1);
edges.push(greatest - 1, greatest);

const numbers = fc.oneof(fc.maxSafeNat(), fc.constantFrom(...edges), fc.nat(300));

test("numbers of fixed width come back, and lie in the bytes as DataView puts them", () => {
  const bytes = new Uint8Array(12).fill(0xaa);
  const view = new DataView(bytes.buffer);
  for (const value of edges) {
    writeU64(bytes, 1, value);
    assert.equal(readU64(bytes, 1), value);
    assert.equal(view.getBigUint64(1, true), BigInt(value));
    assert.equal(bytes[0], 0xaa);
    assert.equal(bytes[9], 0xaa);
    const word = value % 2 ** 32;
    writeU32(bytes, 1, word);
    assert.equal(readU32(bytes, 1), word);
    assert.equal(view.getUint32(1, true), word);
    writeU32BigEndian(bytes, 1, word);
    assert.equal(readU32BigEndian(bytes, 1), word);
    assert.equal(view.getUint32(1, false), word);
    const half = value % 2 ** 16;
    writeU16(bytes, 1, half);
    assert.equal(readU16(bytes, 1), half);
    assert.equal(view.getUint16(1, true), half);
  }
});

test("big-endian numbers order as bytes", () => {
  fc.assert(
    fc.property(fc.nat({ max: 0xffff_ffff }), fc.nat({ max: 0xffff_ffff }), (one, other) => {
      const first = new Uint8Array(4);
      const second = new Uint8Array(4);
      writeU32BigEndian(first, 0, one);
      writeU32BigEndian(second, 0, other);
      assert.equal(Buffer.compare(first, second), Math.sign(one - other));
    }),
  );
});

test("varints at every edge: the length is as told, seven bits to a byte, the last one without its mark", () => {
  for (const value of edges) {
    const bytes = new Uint8Array(12).fill(0xaa);
    const end = writeVarint(bytes, 2, value);
    const length = Math.max(1, Math.ceil(value.toString(2).length / 7));
    assert.equal(end - 2, value === 0 ? 1 : length, `length of ${value}`);
    assert.equal(varintLength(value), end - 2);
    assert.ok(end - 2 <= varintBytesMax);
    assert.equal(bytes[end], 0xaa);
    for (let at = 2; at < end; at++) assert.equal((bytes[at] as number) >= 128, at < end - 1);
    assert.equal(new ByteReader(bytes, "test", 2, end).varint(), value);
  }
});

test("known varints", () => {
  const known: [number, string][] = [
    [0, "00"],
    [127, "7f"],
    [128, "8001"],
    [300, "ac02"],
    [2 ** 32, "8080808010"],
    [greatest, "ffffffffffffff0f"],
  ];
  for (const [value, expected] of known) {
    const bytes = new Uint8Array(varintBytesMax);
    const end = writeVarint(bytes, 0, value);
    assert.equal(Buffer.from(bytes.subarray(0, end)).toString("hex"), expected);
  }
});

type Field =
  | { readonly kind: "u8" | "u16" | "u32" | "u64" | "varint"; readonly value: number }
  | { readonly kind: "bytes" | "block"; readonly value: Uint8Array };

const fields: fc.Arbitrary<Field> = fc.oneof(
  fc.record({ kind: fc.constant("u8" as const), value: fc.nat(255) }),
  fc.record({ kind: fc.constant("u16" as const), value: fc.nat(0xffff) }),
  fc.record({ kind: fc.constant("u32" as const), value: fc.nat({ max: 0xffff_ffff }) }),
  fc.record({ kind: fc.constantFrom("u64" as const, "varint" as const), value: numbers }),
  fc.record({
    kind: fc.constantFrom("bytes" as const, "block" as const),
    value: fc.uint8Array({ maxLength: 200 }),
  }),
);

function write(writer: ByteWriter, field: Field): void {
  switch (field.kind) {
    case "bytes":
    case "block":
      writer[field.kind](field.value);
      return;
    case "u8":
    case "u16":
    case "u32":
    case "u64":
    case "varint":
      writer[field.kind](field.value);
  }
}

function read(reader: ByteReader, field: Field): number | Uint8Array {
  if (field.kind === "bytes") return reader.bytes(field.value.length);
  return reader[field.kind]();
}

test("what was written field by field is read field by field, to the last byte", () => {
  fc.assert(
    fc.property(fc.array(fields, { maxLength: 40 }), fc.integer({ min: 1, max: 64 }), (record, bytesExpected) => {
      const writer = new ByteWriter(bytesExpected);
      for (const field of record) write(writer, field);
      const finished = writer.finish();
      assert.deepEqual(writer.view(), finished);
      assert.equal(writer.size, finished.length);
      const reader = new ByteReader(finished, "test");
      for (const field of record) assert.deepEqual(read(reader, field), field.value);
      assert.equal(reader.remaining, 0);
      reader.expectEnd();
    }),
  );
});

test("a writer that is reused does not touch what it finished before", () => {
  const writer = new ByteWriter(4);
  const first = writer.u32(7).finish();
  writer.reset();
  assert.equal(writer.size, 0);
  writer.u32(8).u32(9);
  assert.deepEqual(first, Uint8Array.of(7, 0, 0, 0));
  assert.deepEqual(writer.finish(), Uint8Array.of(8, 0, 0, 0, 9, 0, 0, 0));
});

test("a record cut short anywhere is corruption that names the record, whatever is behind the cut", () => {
  fc.assert(
    fc.property(fc.array(fields, { minLength: 1, maxLength: 10 }), fc.nat(), (record, where) => {
      const writer = new ByteWriter();
      for (const field of record) write(writer, field);
      const whole = writer.finish();
      const cut = where % Math.max(1, whole.length);
      if (whole.length === 0) return;
      const reader = new ByteReader(whole, "the record", 0, cut);
      assert.throws(() => {
        for (const field of record) read(reader, field);
      }, isCorruptionOf("the record"));
      assert.ok(reader.at <= cut);
    }),
  );
});

test("foreign bytes are read within their bounds, or are corruption", () => {
  const kinds = fc.array(fc.constantFrom("u8", "u16", "u32", "u64", "varint", "block"), { maxLength: 30 });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(20), kinds, (foreign, margin, reads) => {
      const start = Math.min(margin, foreign.length);
      const reader = new ByteReader(foreign, "foreign", start);
      try {
        for (const kind of reads) {
          const value = reader[kind as "u8" | "block"]();
          if (typeof value === "number") assert.ok(Number.isSafeInteger(value) && value >= 0);
          else assert.ok(value.byteOffset >= start && value.byteOffset + value.length <= foreign.length);
        }
        reader.expectEnd();
      } catch (error) {
        assert.ok(isCorruptionOf("foreign")(error), String(error));
      }
      assert.ok(reader.at <= foreign.length);
    }),
    { numRuns: 500 },
  );
});

test("numbers that do not fit 2^53 are corruption: as u64, as varint, as the length of a block", () => {
  const tooLarge = new Uint8Array(8);
  new DataView(tooLarge.buffer).setBigUint64(0, 2n ** 53n, true);
  assert.throws(() => new ByteReader(tooLarge, "number").u64(), isCorruptionOf("number"));
  assert.throws(() => new ByteReader(new Uint8Array(8).fill(0xff), "number").u64(), isCorruptionOf("number"));
  const varints = ["8080808080808010", "ffffffffffffff7f", "ffffffffffffffffff01", "8080808080808080808000"];
  for (const text of varints) {
    const bytes = Uint8Array.from(Buffer.from(text, "hex"));
    assert.throws(() => new ByteReader(bytes, "number").varint(), isCorruptionOf("number"), text);
  }
  const longBlock = Uint8Array.from(Buffer.from("ffffffffffffff0f00", "hex"));
  assert.throws(() => new ByteReader(longBlock, "block").block(), isCorruptionOf("block"));
});

test("bytes behind what was expected are corruption", () => {
  const reader = new ByteReader(Uint8Array.of(1, 2, 3), "tail");
  assert.equal(reader.u8(), 1);
  assert.throws(() => reader.expectEnd(), /tail: 2 bytes too many at offset 1/);
});

function isCorruptionOf(what: string): (error: unknown) => boolean {
  return (error) => error instanceof TrefoilError && error.code === "corruption" && error.message.startsWith(what);
}
