import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { countOf, keyOf, valueOf } from "./missed-data.ts";

describe("what a node misses", () => {
  const numbers = Array.from({ length: 200 }, (_, number) => number);

  it("follows from its number, and is unlike any other", () => {
    assert.equal(valueOf(7), valueOf(7));
    assert.ok(valueOf(7).startsWith(`${keyOf(7)} `));
    assert.equal(new Set(numbers.map(valueOf)).size, numbers.length);
  });

  it("has values of 4 to 16 KiB, a byte for each letter", () => {
    const lengths = numbers.map((number) => valueOf(number).length);
    assert.ok(Math.min(...lengths) >= 4096 && Math.max(...lengths) <= 16_384, lengths.join(" "));
    assert.ok(Math.max(...lengths) - Math.min(...lengths) > 8000);
    for (const number of numbers) assert.match(valueOf(number), /^[!-~]+ [!-~]+$/);
  });

  it("is as much as was asked for, and hardly more", () => {
    const sum = (count: number): number => numbers.slice(0, count).reduce((all, at) => all + valueOf(at).length, 0);
    const count = countOf(500_000);
    assert.ok(sum(count) >= 500_000 && sum(count - 1) < 500_000, `${sum(count)}`);
    assert.equal(countOf(1), 1);
  });
});
