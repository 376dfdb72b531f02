import assert from "node:assert/strict";
import { test } from "node:test";
import { firstOf } from "./health.ts";

test("what a node waits for is one line, however many groups wait for the same", () => {
  const group = (number: number): string => `group ${number}: no leader is known, has applied entry 35`;
  assert.equal(
    firstOf("the cluster is founded when n1 and n2 are there"),
    "the cluster is founded when n1 and n2 are there",
  );
  assert.equal(firstOf(`this node is starting; ${group(0)}`), group(0));
  assert.equal(firstOf(`this node is starting; ${group(0)}; ${group(1)}; ${group(2)}`), `${group(0)}; and 2 more`);
});
