import assert from "node:assert/strict";
import { test } from "node:test";
import { flipBits } from "./bit-flips.ts";

test("a flipped bit anywhere in the files of a closed store is told or harmless: what is read is never less, never else", async (t) => {
  const counts = { flips: 0, refused: 0, harmless: 0 };
  for (let seed = 1; seed <= 3; seed++) await flipBits(seed, 40, counts);
  t.diagnostic(`flips ${counts.flips}, refused ${counts.refused}, harmless ${counts.harmless}`);
  assert.ok(counts.refused > counts.flips / 4 && counts.harmless > 0);
});
