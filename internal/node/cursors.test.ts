import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "node:test";
import { emptyBytes, utf8 } from "../base/bytes.ts";
import { openCursor, sealCursor } from "./cursors.ts";

const keys = fc.uint8Array({ minLength: 1, maxLength: 1024 });

describe("a cursor", () => {
  it("is a key again for whoever gave it, wherever its bytes lie", () => {
    fc.assert(
      fc.property(keys, fc.nat({ max: 9 }), (key, from) => {
        const sealed = sealCursor(key);
        const message = new Uint8Array(from + sealed.length);
        message.set(sealed, from);
        assert.deepEqual(openCursor(message.subarray(from), emptyBytes), key);
      }),
    );
  });

  it("is good under each prefix of its key, and under no other one", () => {
    const sealed = sealCursor(utf8("user:1"));
    for (const prefix of ["", "u", "user:", "user:1"])
      assert.deepEqual(openCursor(sealed, utf8(prefix)), utf8("user:1"));
    const refused = { code: "bad_request", message: /under another prefix; give the prefix of the page before/ };
    for (const prefix of ["t", "user;", "user:2", "user:10"]) {
      assert.throws(() => openCursor(sealed, utf8(prefix)), refused, prefix);
    }
  });

  it("that was made up, cut, lengthened or misspelt is refused", () => {
    const refused = { code: "bad_request", message: /a cursor is what the page before gave, word for word/ };
    for (const bytes of [
      utf8(""),
      utf8("abc"),
      utf8("abcd"),
      utf8("user:1"),
      sealCursor(utf8("")),
      new Uint8Array(9),
    ]) {
      assert.throws(() => openCursor(bytes, emptyBytes), refused, String(bytes));
    }
    assert.throws(() => openCursor(sealCursor(new Uint8Array(1025)), emptyBytes), refused);
    fc.assert(
      fc.property(keys, fc.nat(), fc.integer({ min: 1, max: 255 }), (key, place, change) => {
        const sealed = sealCursor(key);
        assert.throws(() => openCursor(sealed.subarray(0, place % sealed.length), emptyBytes), refused);
        const at = place % sealed.length;
        sealed[at] = (sealed[at] ?? 0) ^ change;
        assert.throws(() => openCursor(sealed, emptyBytes), refused);
      }),
    );
  });
});
