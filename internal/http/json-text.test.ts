import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "node:test";
import { itemsOf, membersOf } from "./json-text.ts";

const layouts = fc.constantFrom(undefined, 1, "\t");
const values = fc.array(fc.jsonValue());

test("items and members come out as they were written", () => {
  fc.assert(
    fc.property(values, layouts, (given, indent) => {
      const written = given.map((value) => JSON.stringify(value, undefined, indent));
      const blank = indent === undefined ? "" : "\n ";
      const array = `[${written.map((text) => `${blank}${text}${blank}`).join(",")}${blank}]`;
      assert.deepEqual(itemsOf(array), written);
      const object = `{${written.map((text, at) => `${blank}"${at}"${blank}:${text}${blank}`).join(",")}}`;
      assert.deepEqual([...membersOf(object).values()], written);
    }),
  );
  assert.deepEqual(itemsOf(`[1.10,"]",[ ]]`), ["1.10", `"]"`, "[ ]"]);
});
