import assert from "node:assert/strict";
import { test } from "node:test";
import { nearestOf } from "./nearest.ts";

test("the nearest word is the one that takes the fewest changes", () => {
  const known = ["ttl", "consistency", "timeout", "raw"];
  const cases = [
    ["tll", "ttl"],
    ["TTL", "ttl"],
    ["tt", "ttl"],
    ["conistency", "consistency"],
    ["cosnistency", "consistency"],
    ["time_out", "timeout"],
    ["", "ttl"],
    ["war", "raw"],
  ] as const;
  for (const [word, nearest] of cases) assert.equal(nearestOf(word, known), nearest, word);
  assert.ok(known.includes(nearestOf("x".repeat(100_000), known) as string));
  assert.equal(nearestOf("a", []), undefined);
  assert.equal(nearestOf("tlt", known, 1), "ttl");
  assert.equal(nearestOf("xyl", known, 1), undefined);
  assert.equal(nearestOf("ttl", known, 0), "ttl");
});

test("two letters swapped are one change", () => {
  assert.equal(nearestOf("abdc", ["abxxc", "abcd"]), "abcd");
  assert.equal(nearestOf("ba", ["bxx", "ab"]), "ab");
});
