import assert from "node:assert/strict";
import { test } from "node:test";
import { firstOf } from "./health.ts";

test("what a node waits for is one line, however many groups wait for the same, and whatever stands in it", () => {
  const detail = "this node is starting; and more";
  const check = (name: string, words = "no leader is known; has applied entry 35") => {
    return { name, isFine: false, detail: words };
  };
  const fine = { name: "log", isFine: true, detail: "replayed" };
  const first = "group 0: no leader is known; has applied entry 35";
  assert.equal(firstOf({ detail, checks: [] }), detail);
  assert.equal(firstOf({ detail }), detail);
  assert.equal(firstOf({ detail, checks: [fine, check("group 0")] }), first);
  const three = [check("group 0"), check("group 1"), fine, check("group 2")];
  assert.equal(firstOf({ detail, checks: three }), `${first}; and 2 more`);
  const founding = check("cluster", "is founded when n1 and n2 are there");
  assert.equal(firstOf({ detail, checks: [founding] }), "cluster: is founded when n1 and n2 are there");
});
