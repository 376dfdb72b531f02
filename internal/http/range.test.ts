import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "node:test";
import { readRange } from "./range.ts";

const small = fc.nat(12);

test("a range is the bytes that it names, as far as there are any", () => {
  fc.assert(
    fc.property(small, fc.option(small), fc.option(small), (length, first, last) => {
      const bytes = Array.from({ length }, (_, at) => at);
      const verdict = readRange(`bytes=${first ?? ""}-${last ?? ""}`, length);
      let wanted: readonly number[] = [];
      if (first !== null) wanted = bytes.filter((at) => at >= first && (last === null || at <= last));
      else if (last !== null) wanted = bytes.filter((at) => at >= length - last);
      if (wanted.length === 0) assert.equal(verdict.kind, "refused");
      else assert.deepEqual(verdict, { kind: "part", start: wanted[0], end: (wanted.at(-1) as number) + 1 });
    }),
  );
});

test("numbers beyond any length mean the end of the value, or all of it", () => {
  const digits = "9".repeat(400);
  assert.deepEqual(readRange(`bytes=1-${digits}`, 5), { kind: "part", start: 1, end: 5 });
  assert.deepEqual(readRange(`bytes=-${digits}`, 5), { kind: "part", start: 0, end: 5 });
  assert.equal(readRange(`bytes=${digits}-`, 5).kind, "refused");
});

test("other units are none of ours", () => {
  assert.deepEqual(readRange("seconds=1-2", 5), { kind: "whole" });
  assert.deepEqual(readRange(undefined, 5), { kind: "whole" });
});
