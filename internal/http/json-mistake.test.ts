import assert from "node:assert/strict";
import fc from "fast-check";
import { test } from "node:test";
import { mistakeIn } from "./json-mistake.ts";

const behind = "what is wrong comes behind its first 16368 characters";

test("what is wrong is said with its place", () => {
  for (const [text, words] of [
    [`{"value": "x" "ttl": 3}`, `at line 1, column 15, there should be a comma or }, not "`],
    [`{\n  "value": "x",\n}`, "at line 3, column 1, there should be a name in double quotes, not }"],
    [`{'value': 1}`, "at line 1, column 2, there should be a name in double quotes or }, not '"],
    [`{"value" 1}`, "at line 1, column 10, there should be a colon, not 1"],
    [`{"value": x}`, "at line 1, column 11, there should be a value, not x"],
    [`{"value": 01}`, "at line 1, column 12, there should be a comma or }, not 1"],
    [`{"value": [1, 2`, "at line 1, column 16, there should be a comma or ], not the end"],
    [`{"value": [}`, "at line 1, column 12, there should be a value or ], not }"],
    [`{"value": 1`, "at line 1, column 12, there should be a comma or }, not the end"],
    [`{"value": "x`, "at line 1, column 13, there should be a double quote that ends a text, not the end"],
    [`{"value": "a\nb"}`, `at line 1, column 13, there should be its escape in a text, not U+000A`],
    [`{"value": \u202e1}`, "at line 1, column 11, there should be a value, not U+202E"],
    [`{"value": 1} x`, "at line 1, column 14, there should be nothing more, not x"],
    [``, "at line 1, column 1, there should be a value, not the end"],
  ] as const) {
    assert.throws(() => void JSON.parse(text), SyntaxError);
    assert.equal(mistakeIn(text), words);
  }
  assert.match(mistakeIn(`{"a": "\\q"}`), /^at line 1, column 8, there should be an escape that JSON knows /);
});

test("something is found in whatever is no JSON, however deep", () => {
  const spoilt = fc.tuple(fc.json(), fc.nat(), fc.string({ maxLength: 2 })).map(([json, at, text]) => {
    const place = at % (json.length + 1);
    return json.slice(0, place) + text + json.slice(place + 1);
  });
  fc.assert(
    fc.property(spoilt, (text) => {
      try {
        JSON.parse(text);
      } catch {
        assert.match(mistakeIn(text), /^at line \d+, column \d+, there should be /);
      }
    }),
  );
  assert.equal(mistakeIn("[".repeat(10_000)), "at line 1, column 10001, there should be a value or ], not the end");
});

test("is not looked for in more than the beginning of a long text", () => {
  for (const filled of ["[", " ", "\n", "1,", "true,"]) {
    assert.equal(mistakeIn(`[${filled.repeat(100_000)}`), behind, JSON.stringify(filled));
  }
  assert.equal(mistakeIn(`"${"\\\\u0041".repeat(100_000)}`), behind);
  assert.equal(mistakeIn(`{"value": [${"1,".repeat(100_000)}x`), behind);
  assert.equal(
    mistakeIn(`${" ".repeat(100)}x${" ".repeat(100_000)}`),
    "at line 1, column 101, there should be a value, not x",
  );
});
