import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { logIndex, term } from "../base/ids.ts";
import type { Version } from "../engine/cell.ts";
import { QuorumAge } from "./quorum-age.ts";
import type { Moment } from "./moment.ts";

const at = (monotonic: number, wall = monotonic): Moment => ({ monotonic, wall });

const entry = (index: number): Version => ({ term: term(1), index: logIndex(index) });

describe("the age of a quorum", () => {
  it("counts from when the newest round was sent that was answered, whenever the answer came", () => {
    const age = new QuorumAge(at(0));
    age.began(7, at(200), entry(1));
    age.began(8, at(230), entry(1));
    age.began(9, at(260), entry(1));
    age.confirmed(6);
    assert.equal(age.milliseconds(at(300)), 300);
    age.confirmed(8);
    assert.equal(age.milliseconds(at(1000)), 770);
    age.confirmed(8);
    assert.equal(age.milliseconds(at(1010)), 780);
    age.confirmed(9);
    assert.equal(age.milliseconds(at(1020)), 760);
  });

  it("counts by the clock that shows more, and never below nothing", () => {
    const age = new QuorumAge(at(0, 500));
    age.confirmed(0);
    assert.equal(age.milliseconds(at(10, 700)), 200);
    age.confirmed(0);
    assert.equal(age.milliseconds(at(10, 300)), 10);
    age.confirmed(0);
    assert.equal(age.milliseconds(at(0, 300)), 0);
  });

  it("counts from a new term's beginning, whose rounds begin anew; a round that was noted keeps its moment", () => {
    const age = new QuorumAge(at(0));
    age.began(50, at(10), entry(1));
    age.newTerm(at(100));
    age.began(1, at(110), entry(1));
    age.began(1, at(190), entry(1));
    age.confirmed(0);
    assert.equal(age.milliseconds(at(200)), 100);
    age.confirmed(1);
    assert.equal(age.milliseconds(at(200)), 90);
  });

  it("forgets the oldest of many rounds that nobody answers", () => {
    const age = new QuorumAge(at(0));
    for (let round = 1; round <= 200; round++) age.began(round, at(round), entry(1));
    age.confirmed(100);
    assert.equal(age.milliseconds(at(300)), 300);
    age.confirmed(200);
    assert.equal(age.milliseconds(at(300)), 100);
  });

  it("tells once what a round confirms: where the log ended when it was sent", () => {
    const age = new QuorumAge(at(0));
    assert.equal(age.confirmed(0), undefined);
    age.began(1, at(10), entry(4));
    age.began(2, at(20), entry(5));
    age.began(3, at(30), entry(6));
    assert.deepEqual(age.confirmed(2), { round: 2, at: at(20), last: entry(5) });
    assert.equal(age.confirmed(2), undefined);
    age.newTerm(at(40));
    assert.equal(age.confirmed(3), undefined);
  });
});
