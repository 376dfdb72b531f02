import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as holds, AssertionFailure, unreachable } from "./assert.ts";

test("a condition that holds passes, one that does not names itself and its values", () => {
  holds(true, "never seen", { index: 1 });
  assert.throws(
    () => holds(false, "commit past the log end", { index: 7, lastIndex: 5, group: undefined }),
    (error) =>
      error instanceof AssertionFailure &&
      error.name === "AssertionFailure" &&
      error.message === "commit past the log end (index=7, lastIndex=5, group=undefined)" &&
      error.values["index"] === 7,
  );
  assert.throws(() => holds(false, "bare"), { message: "bare" });
});

test("the end of an exhaustive switch shows the value that should not be", () => {
  assert.throws(() => unreachable("left" as never, "direction"), { message: "direction (value=left)" });
});
