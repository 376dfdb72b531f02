import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex } from "../base/ids.ts";
import { Backlog } from "./backlog.ts";

const log = (last: number, commit: number) => ({ last: logIndex(last), commit: logIndex(commit) });

describe("the age of a backlog", () => {
  it("is that of the oldest entry that is not committed", () => {
    const backlog = new Backlog();
    assert.equal(backlog.milliseconds(log(12, 12), 50), 0);
    assert.equal(backlog.milliseconds(log(14, 12), 100), 0);
    assert.equal(backlog.milliseconds(log(19, 12), 110), 10);
    assert.equal(backlog.milliseconds(log(19, 14), 130), 20, "entry 15 came at 110");
    assert.equal(backlog.milliseconds(log(19, 19), 140), 0);
    assert.equal(backlog.milliseconds(log(20, 19), 150), 0);
    assert.equal(backlog.milliseconds(log(20, 19), 160), 10);
    backlog.clear();
    assert.equal(backlog.milliseconds(log(20, 19), 170), 0, "another term: it has just come");
  });

  it("is exact to a few milliseconds, and never less than it was, however many entries come", () => {
    const backlog = new Backlog();
    backlog.milliseconds(log(1, 0), 0);
    let before = 0;
    for (let index = 2; index <= 3000; index++) {
      const age = backlog.milliseconds(log(index, 0), index);
      assert.equal(age, index);
    }
    for (let commit = 1; commit < 1000; commit++) {
      const age = backlog.milliseconds(log(3000, commit), 3000);
      assert.ok(age >= 3000 - commit - 1 && age <= 3000 - commit - 1 + 5, `${age} at ${commit}`);
      before = age;
    }
    for (let commit = 1000; commit < 3000; commit++) {
      assert.ok(backlog.milliseconds(log(3000, commit), 3000) <= before);
    }
    assert.equal(backlog.milliseconds(log(3000, 3000), 3000), 0);
  });
});
