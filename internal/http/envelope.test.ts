import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "node:test";
import { utf8, utf8Text } from "../base/bytes.ts";
import { readEnvelope } from "./envelope.ts";

const blanks = fc.string({ unit: fc.constantFrom(" ", "\t", "\n", "\r"), maxLength: 3 });
const layouts = fc.record({ indent: fc.constantFrom(undefined, 1, "\t"), around: blanks, ttlFirst: fc.boolean() });

test("the value comes out as it was written, wherever it stands", () => {
  fc.assert(
    fc.property(fc.json(), layouts, (json, { indent, around, ttlFirst }) => {
      const value = JSON.parse(json) as unknown;
      const written = JSON.stringify(value, undefined, indent);
      const member = `${around}"value"${around}:${around}${written}${around}`;
      const ttl = `${around}"ttl" :5${around}`;
      const body = ttlFirst ? `{${ttl},${member}}` : `${around}{${member},${ttl}}${around}`;
      const read = readEnvelope(utf8(body));
      assert.ok("value" in read, `${body}: ${JSON.stringify(read)}`);
      const isText = typeof value === "string";
      assert.equal(utf8Text(read.value), isText ? value : written);
      assert.deepEqual(read.ttl, { kind: "milliseconds", milliseconds: 5000 });
    }),
  );
});

test("any other body is told from one without being understood", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (body) => {
      assert.ok("why" in readEnvelope(body));
    }),
  );
  fc.assert(
    fc.property(fc.json(), (json) => {
      const value = JSON.parse(json) as unknown;
      const names = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.keys(value) : [];
      if (names.length === 1 && names[0] === "value") return;
      const read = readEnvelope(utf8(json));
      assert.ok("why" in read);
      assert.equal(read.note !== undefined, names.length > 1 && names.includes("value"));
    }),
  );
});
