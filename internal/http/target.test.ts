import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, test } from "node:test";
import { TrefoilError } from "../base/errors.ts";
import { base64url } from "./percent.ts";
import { keyOfPath, pathOf, splitTarget } from "./target.ts";

const keys = fc.uint8Array({ minLength: 1, maxLength: 1024 });

/** Every byte, or only those that must be. */
function encoded(key: Uint8Array, all: boolean): string {
  let text = "";
  for (const byte of key) {
    const plain = !all && byte > 0x20 && byte < 0x7f && !"%?#\\.".includes(String.fromCharCode(byte));
    text += plain ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, "0")}`;
  }
  return text;
}

function refusal(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (failure) {
    assert.ok(failure instanceof TrefoilError, String(failure));
    return failure.code;
  }
}

describe("a key", () => {
  test("comes back out of each of its paths, whatever its bytes", () => {
    fc.assert(
      fc.property(keys, fc.boolean(), (key, all) => {
        const found = new Uint8Array(keyOfPath(`/-/kv64/${base64url(key)}`));
        assert.deepEqual(found, key);
        const hasDots = /(^|\/)\.\.?(\/|$)/.test(Buffer.from(key).toString("latin1"));
        const isOwn = key[0] === 0x2d && key[1] === 0x2f;
        for (const path of [`/${encoded(key, all)}`, `/-/kv/${encoded(key, all)}`]) {
          const { path: split, query } = splitTarget(`${path}?a=/b?c`);
          assert.deepEqual([split, query], [path, "a=/b?c"]);
          const mayBeRefused = hasDots || (isOwn && !path.startsWith("/-/kv/"));
          const code = refusal(() => assert.deepEqual(keyOfPath(split), key));
          assert.ok(code === undefined || (mayBeRefused && code === "bad_key"), `${path}: ${code}`);
        }
      }),
    );
  });

  test("has one path of base64url, and no other text stands for its bytes", () => {
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (const key of [Uint8Array.of(0x2e), Uint8Array.of(0xff, 0), Uint8Array.of(1, 2, 3)]) {
      const text = base64url(key);
      const others = letters.split("").map((letter) => `${text.slice(0, -1)}${letter}`);
      const same = others.filter((other) => {
        try {
          return base64url(keyOfPath(`/-/kv64/${other}`)) === text;
        } catch {
          return false;
        }
      });
      assert.deepEqual(same, [text]);
    }
  });

  test("is not mistaken for one of the service's own paths, nor they for one", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary-ascii", maxLength: 40 }), (text) => {
        const raw = `/${text.replace(/[^!-~]/g, "x")}`;
        const code = refusal(() => splitTarget(raw));
        if (code === undefined) assert.equal(pathOf(raw), splitTarget(raw).path);
        else assert.ok(/[#\\]/.test(raw), raw);
      }),
    );
  });
});

describe("a target", () => {
  test("may be a whole address", () => {
    assert.deepEqual(splitTarget("http://h:1/a//b?c"), { path: "/a//b", query: "c" });
    assert.deepEqual(splitTarget("HTTPS://h"), { path: "/", query: "" });
    assert.deepEqual(splitTarget("http://h?c"), { path: "/", query: "c" });
    assert.equal(pathOf("http://h:1/a//b?c"), "/a//b");
  });

  test("that is neither path nor address is refused", () => {
    for (const raw of ["*", "", "a", "ftp://h/a", "http:///a", "h:80"]) {
      assert.equal(
        refusal(() => splitTarget(raw)),
        "bad_request",
        raw,
      );
    }
  });
});
